"""What `cct diff` shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cct_cloudflare.cli.adding import Screen, tell_healed
from cct_cloudflare.components.names import printable
from cct_cloudflare.errors import Exit, UsageError
from cct_cloudflare.install.describing import NOTHING_INSTALLED, Line, Style, shown_place
from cct_cloudflare.install.diffing import ComponentDiff, FileDiff, Side
from cct_cloudflare.install.diffing import diff as compare
from cct_cloudflare.install.lockfile import Locked, Scope
from cct_cloudflare.install.placing import place
from cct_cloudflare.install.present import Present, present_versions, usable
from cct_cloudflare.install.removing import installed
from cct_cloudflare.install.site import Site
from cct_cloudflare.plain import plain_code
from cct_cloudflare.wording import counted

_STYLES: dict[str, Style] = {"+": "good", "-": "bad", "@": "dim"}


@dataclass(frozen=True)
class Diffing:
    """`refs` as they were typed, all that is installed without any; `local` looks at no source."""

    refs: Sequence[str]
    directory: Path
    source: str | None = None
    local: bool = False
    scope: Scope = Scope.PROJECT
    exit_code: bool = False
    as_json: bool = False
    no_color: bool = False


def diff(diffing: Diffing) -> int:
    """Shows the differences on stdout. Raises UsageError for what is not installed."""
    if diffing.local and diffing.source is not None:
        raise UsageError("--local looks at no source; --from names one.", hint="Give one of them.")
    screen = Screen(no_color=diffing.no_color)
    site = Site.of(diffing.scope, diffing.directory)
    tell_healed(site, screen)
    lock = site.read_lock()
    chosen = installed(lock, diffing.refs) if diffing.refs else list(lock.components)
    present = Present() if diffing.local else _present(site, chosen, diffing, screen)
    packages = {package.item.ref: package for package in present.packages}
    found = [compare(site, lock, locked, packages.get(locked.ref)) for locked in chosen]
    differing = [one for one in found if one.files]
    if diffing.as_json:
        body = {
            "success": True,
            "different": bool(differing),
            "components": [one.to_json() for one in found],
            "unavailable": [gone.to_json() for gone in present.unavailable],
        }
        click.echo(json.dumps(body))
    else:
        for gone in present.unavailable:
            screen.warn(
                f"{gone.locked.ref} is compared with no source. {gone.error.message} {gone.error.hint}".rstrip()
            )
        screen.show((line for one in found for line in _lines(site, one)), err=False)
        screen.say(_summary(found))
    return Exit.DIFFERENT if differing and diffing.exit_code else Exit.OK


def _present(site: Site, chosen: Sequence[Locked], diffing: Diffing, screen: Screen) -> Present:
    found = present_versions(
        chosen, source=diffing.source, base=Path.cwd(), is_each_wanted=bool(diffing.refs), note=screen.warn
    )
    return usable(found, chosen, lambda package, locked: place(package, locked.scope, site))


def _lines(site: Site, one: ComponentDiff) -> Iterator[Line]:
    if one.problem is not None:
        yield f"{printable(one.locked.ref)}: {printable(one.problem)}", "warn"
    for file in one.files:
        where = f"{printable(one.locked.ref)}  {shown_place(site, file.path)}"
        if file.edited:
            yield f"{where}: {'you deleted it' if file.yours is None else 'your edits'}", "bold"
            yield from _side(file, "yours", "yours")
        if file.outdated:
            yield f"{where}: {_coming(file)}", "bold"
            yield from _side(file, "source", printable(one.locked.source))


def _coming(file: FileDiff) -> str:
    if file.source is None:
        return "the source has it no more"
    return "the source has it now" if file.installed is None and not file.edited else "the source's new version"


def _side(file: FileDiff, side: Side, name: str) -> Iterator[Line]:
    lines = file.unified(side, name)
    if lines is None:
        unknown = file.installed is None
        why = "how it was installed is not known on this machine" if unknown else "it is no text, or too large"
        yield f"(not compared: {why})", "dim"
        return
    if not lines:
        yield "(only line ends differ)", "dim"
    for number, line in enumerate(lines):
        yield plain_code(line), "" if number < 2 else _STYLES.get(line[:1], "")


def _summary(found: Sequence[ComponentDiff]) -> str:
    if not found:
        return NOTHING_INSTALLED
    edited, outdated = sum(one.edited for one in found), sum(one.outdated for one in found)
    if not edited and not outdated:
        return f"{counted(len(found), 'component')} as installed, and up to date."
    return f"{counted(edited, 'component')} edited, {outdated} to be updated, of {len(found)}."
