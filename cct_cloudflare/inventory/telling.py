"""Components in words: values in, lines for people out, all of them safe for a terminal. Nothing here prints."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cct_cloudflare.components.package import Package
from cct_cloudflare.inventory.taking import Listed
from cct_cloudflare.plain import plain, plain_line
from cct_cloudflare.tables import Column, table
from cct_cloudflare.wording import counted, short_revision, size

if TYPE_CHECKING:
    from cct_cloudflare.validation.model import Effects, Risk

_LABEL_WIDTH = 13
_MOST_FILES = 40


def listed_table(listed: Sequence[Listed], width: int | None) -> list[str]:
    """One line for each component."""
    columns = [Column("KIND"), Column("NAME", least=24)]
    is_any_installed = any(one.installed for one in listed)
    if is_any_installed:
        columns.append(Column("INSTALLED", leaves=1))
    columns += [Column("SOURCE", least=10, leaves=2), Column("DESCRIPTION", least=20, leaves=3)]
    return table(columns, [_row(one, has_place=is_any_installed) for one in listed], width)


def _row(one: Listed, *, has_place: bool) -> list[str]:
    item = one.item
    place = [one.scope or ""] if has_place else []
    return [str(item.kind), plain_line(item.name), *place, plain_line(item.source), plain_line(item.description)]


def component_lines(
    one: Listed, package: Package, effects: Effects, risks: Sequence[Risk], width: int | None = None
) -> Iterator[str]:
    """One component: what it is, what would take effect, its files, and its text as it is.

    Prose is wrapped at `width`; what would take effect and the text are never broken.
    """
    item = one.item
    yield f"{item.kind} {plain_line(item.name)}"
    yield from textwrap.wrap(plain_line(item.description), width or sys.maxsize)
    yield ""
    revision = f" at {plain_line(short_revision(package.revision))}" if package.revision else ""
    yield _fact("source", f"{plain_line(item.source)}{revision}")
    yield _fact("installed", one.scope or "no")
    if item.title:
        yield _fact("calls itself", plain_line(item.title))
    if item.tools:
        yield _fact("tools", plain_line(", ".join(item.tools)))
    yield from effect_lines(effects)
    for risk in risks:
        yield _fact("needs a yes", f"{plain_line(risk.what)} ({plain_line(risk.where)})")
    if len(package.files) > 1:
        yield from _file_lines(package)
    yield ""
    yield plain(package.files[package.main].decode("utf-8", "replace").removeprefix("\ufeff")).rstrip("\n")


def effect_lines(effects: Effects) -> Iterator[str]:
    """Every command line, variable, permission, setting and address that would take effect, one to a line."""
    from cct_cloudflare.validation.model import RULES

    for command in effects.commands:
        yield _fact("runs", f"{plain_line(command.line)} ({plain_line(command.where)})")
    for variable in effects.environment:
        yield _fact("sets", f"{plain_line(variable.name)}={plain_line(variable.value)} ({plain_line(variable.where)})")
    for permission in effects.permissions:
        if permission.key in RULES:
            yield _fact(permission.key, plain_line(permission.value))
        else:
            yield _fact("sets", f"{plain_line(permission.key)}={plain_line(permission.value)}")
    for setting in effects.settings:
        yield _fact("sets", f"{plain_line(setting.key)}={plain_line(setting.value)}")
    for url in effects.urls:
        yield _fact("contacts", f"{plain_line(url.url)} ({plain_line(url.where)})")


def component_json(one: Listed, package: Package, effects: Effects, risks: Sequence[Risk]) -> dict[str, Any]:
    """The same for a machine; `text` is the main file's, exactly."""
    return {
        **one.to_json(),
        "title": one.item.title or one.item.leaf,
        "tools": list(one.item.tools),
        "scope": one.scope,
        "revision": package.revision,
        "digest": package.digest,
        "main": package.main,
        "files": [
            {"path": path, "bytes": len(content), "executable": path in package.executable}
            for path, content in sorted(package.files.items())
        ],
        "effects": effects.to_json(),
        "risks": [risk.to_json() for risk in risks],
        "text": package.files[package.main].decode("utf-8", "replace"),
    }


def _file_lines(package: Package) -> Iterator[str]:
    yield _fact("files", f"{counted(len(package.files), 'file')}, {size(sum(map(len, package.files.values())))}")
    paths = sorted(package.files, key=lambda path: (path != package.main, path))
    for path in paths[:_MOST_FILES]:
        mark = ", executable" if path in package.executable else ""
        yield f"  {plain_line(path)} ({size(len(package.files[path]))}{mark})"
    if len(paths) > _MOST_FILES:
        yield f"  and {len(paths) - _MOST_FILES:,} more"


def _fact(label: str, value: str) -> str:
    return f"{label:<{_LABEL_WIDTH}}{value}"
