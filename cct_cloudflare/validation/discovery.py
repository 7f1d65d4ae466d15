"""Paths that somebody names → the files that are components or settings, each with its kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.components.files import MAX_COMPONENT_BYTES, UnreadableFileError, read_text
from cct_cloudflare.components.model import JSON_KINDS, Kind
from cct_cloudflare.components.names import MAX_DEPTH
from cct_cloudflare.components.walking import ABOUT, SKILL_FILE, folder_identity, is_folder, name_of, visible
from cct_cloudflare.errors import UsageError
from cct_cloudflare.merging import jsonc
from cct_cloudflare.validation.showing import shown

#: Where the folders of the kinds are, below a folder that is named: itself, a project, a public catalog.
_CATALOGS = ("", ".claude", "components", "cli-tool/components")
_SETTINGS = ("settings.json", "settings.local.json")
_SERVERS = ".mcp.json"
_FOLDERS = {kind.folder: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Unit:
    """A main file. `name` is its `category/leaf`; None for the settings of a project, which are no component."""

    kind: Kind
    file: Path
    name: str | None
    top: Path
    """The folder that names are unique in."""

    @property
    def leaf(self) -> str:
        return (self.name or self.file.stem).rpartition("/")[2]


def find_units(path: Path, kind: Kind | None = None) -> list[Unit]:
    """What is to be checked at `path`, in the order of kinds and paths. `kind` says what its files are.

    Raises UsageError: `usage` for a file whose kind cannot be told, `component_not_found` where there is nothing.
    """
    units = list(dict.fromkeys([_of_file(path, kind)] if path.is_file() else _of_folder(path, kind)))
    if not units:
        raise UsageError(
            f"There is no component in {shown(str(path))}.",
            hint="Name a file, or a folder that has agents/, commands/, skills/, settings/, hooks/ or mcps/.",
            code="component_not_found",
        )
    return units


def _of_file(path: Path, kind: Kind | None) -> Unit:
    if path.name == _SERVERS or (path.name in _SETTINGS and path.absolute().parent.name == ".claude"):
        return Unit(Kind.MCP if path.name == _SERVERS else Kind.SETTING, path, None, path.parent)
    above = _kind_folder(path.absolute().parent)
    kind = kind or (Kind.SKILL if path.name == SKILL_FILE else None) or (above[0] if above else _kind_by_content(path))
    if kind is None:
        raise UsageError(
            f"What kind of component {shown(str(path))} is cannot be told.",
            hint="Say so with --kind, or put it into a folder agents/, commands/, settings/, hooks/ or mcps/.",
        )
    if above is not None and above[0] is kind:
        return Unit(kind, path, name_of(path.absolute().relative_to(above[1]).as_posix(), kind), above[1])
    if kind is Kind.SKILL:
        return Unit(kind, path, path.absolute().parent.name, path.absolute().parent.parent)
    return Unit(kind, path, path.stem, path.absolute().parent)


def _of_folder(path: Path, kind: Kind | None) -> Iterator[Unit]:
    if (path / SKILL_FILE).is_file():
        yield _of_file(path / SKILL_FILE, Kind.SKILL)
        return
    above = _kind_folder(path.absolute())
    if kind is not None or above is not None:
        top = above[1] if above is not None and kind in (None, above[0]) else path.absolute()
        yield from _below(path, kind or (above[0] if above is not None else Kind.AGENT), top)
        return
    for base in (path / relative for relative in _CATALOGS):
        for each in Kind:
            # In `.claude/` settings and servers are not files of their own, and hooks/ has scripts.
            if (base / each.folder).is_dir() and not (each in JSON_KINDS and base.absolute().name == ".claude"):
                yield from _below(base / each.folder, each, (base / each.folder).absolute())
        if base.absolute().name == ".claude":
            yield from (Unit(Kind.SETTING, base / name, None, base) for name in _SETTINGS if (base / name).is_file())
    if (path / _SERVERS).is_file():
        yield Unit(Kind.MCP, path / _SERVERS, None, path)


def _below(folder: Path, kind: Kind, top: Path) -> Iterator[Unit]:
    for file in _main_files(folder, kind):
        if file.name not in ABOUT:
            yield Unit(kind, file, name_of(file.absolute().relative_to(top).as_posix(), kind), top)


def _main_files(folder: Path, kind: Kind, above: tuple[tuple[int, int], ...] = ()) -> Iterator[Path]:
    identity = folder_identity(os.fspath(folder))
    if identity is None or identity in above or len(above) > MAX_DEPTH:
        return
    try:
        items = visible(os.fspath(folder))
    except OSError:
        return
    if kind is Kind.SKILL and any(item.name == SKILL_FILE for item in items):
        yield folder / SKILL_FILE
        return
    suffix = ".json" if kind in JSON_KINDS else ".md"
    for item in items:
        if is_folder(item):
            yield from _main_files(folder / item.name, kind, (*above, identity))
        elif kind is not Kind.SKILL and item.name.endswith(suffix):
            yield folder / item.name


def _kind_folder(folder: Path) -> tuple[Kind, Path] | None:
    """The nearest folder that is called like the folder of a kind, at `folder` or above it."""
    for place in (folder, *folder.parents):
        kind = _FOLDERS.get(place.name)
        if kind is not None:
            return kind, place
    return None


def _kind_by_content(path: Path) -> Kind | None:
    if path.suffix != ".json":
        return None
    try:
        data = jsonc.load(read_text(path.resolve(), MAX_COMPONENT_BYTES).encode())
    except (UnreadableFileError, jsonc.JsoncError):
        return None
    if not isinstance(data, dict):
        return None
    return Kind.MCP if "mcpServers" in data else Kind.HOOK if "hooks" in data else Kind.SETTING
