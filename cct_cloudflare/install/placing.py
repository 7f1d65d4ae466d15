"""A component → where Claude Code reads it from: whole files, and what is merged into files of the user's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import file_problem, name_key, name_problem, printable
from cct_cloudflare.components.package import Package
from cct_cloudflare.errors import UnsafeError, UsageError
from cct_cloudflare.install.lockfile import LOCAL_SETTINGS_FILE, MCP_FILE, SETTINGS_FILE, Scope
from cct_cloudflare.install.rewriting import for_user
from cct_cloudflare.install.site import Site
from cct_cloudflare.merging import mcp, settings
from cct_cloudflare.merging.model import Piece
from cct_cloudflare.merging.settings import ShapeError

_SIDE_FOLDERS = ("hooks", "scripts")


@dataclass(frozen=True, slots=True)
class PlacedFile:
    content: bytes = field(repr=False)
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Placement:
    """`files` by their paths, the one that says most about it first; `pieces` by the file that they are merged into."""

    scope: Scope
    files: Mapping[str, PlacedFile]
    pieces: Mapping[str, tuple[Piece, ...]]


def place(package: Package, scope: Scope, site: Site) -> Placement:
    """Raises UsageError (`component_invalid`, or for a scope that it cannot have) and UnsafeError for a path."""
    item = package.item
    _check(package)
    _check_room(package)
    if item.kind is Kind.MCP:
        if scope is Scope.USER:
            raise UsageError(
                f"{item.ref} cannot be installed for the user: Claude Code keeps those servers in a file of its own.",
                hint="Claude Code adds one itself: claude mcp add --scope user. Or install it into a project.",
            )
        return Placement(Scope.PROJECT, {}, {MCP_FILE: _pieces(package)})
    if item.kind in (Kind.SETTING, Kind.HOOK):
        pieces = _pieces(package)
        files = _side_files(package, pieces)
        if scope is Scope.USER:
            pieces = for_user(pieces, files, site, item.ref)
        return Placement(scope, files, {LOCAL_SETTINGS_FILE if scope is Scope.LOCAL else SETTINGS_FILE: pieces})
    # What Claude reads has one place in a project, which everybody shares.
    its_scope = Scope.USER if scope is Scope.USER else Scope.PROJECT
    if item.kind is Kind.SKILL:
        folder = f".claude/skills/{item.leaf}"
        paths = sorted(package.files, key=lambda path: (path != package.main, path))
        files = {f"{folder}/{path}": PlacedFile(package.files[path], path in package.executable) for path in paths}
        return Placement(its_scope, files, {})
    main = PlacedFile(package.files[package.main])
    return Placement(its_scope, {f".claude/{item.kind.folder}/{item.leaf}.md": main}, {})


def _pieces(package: Package) -> tuple[Piece, ...]:
    item, main = package.item, package.files[package.main]
    try:
        return mcp.wanted(main) if item.kind is Kind.MCP else settings.wanted(main)
    except ShapeError as error:
        raise UsageError(
            f"{printable(item.ref)} cannot be installed: {error.problem}.",
            hint=f"Look at its {printable(package.main)} in {printable(item.source)}; cct validate names all problems.",
            code="component_invalid",
        ) from error


def _check(package: Package) -> None:
    """A catalog has judged these names; they are judged again here, where they become paths."""
    problem = name_problem(package.item.name) or next(filter(None, map(file_problem, package.files)), None)
    if problem is None and package.main not in package.files:
        problem = "its main file is missing"
    if problem is not None:
        raise UnsafeError(
            f"{package.item.kind} {package.item.name!a} cannot be installed: {problem}.",
            hint="Nothing of it was written.",
            code="unsafe_component",
        )


def _check_room(package: Package) -> None:
    """Files that one place on a disk would have to hold, on this machine or on another of the project's."""
    spelt = {name_key(path): path for path in package.files}
    crowded = next((path for path in package.files if spelt[name_key(path)] != path), None)
    for path in package.files:
        above = next((above for above in _folders_above(name_key(path)) if above in spelt), None)
        crowded = crowded or (None if above is None else spelt[above])
    if crowded is not None:
        raise UsageError(
            f"{package.item.ref} cannot be installed: another of its files has the place of {printable(crowded)},"
            " under a name that differs by case or spelling alone, or as a folder.",
            hint="Whoever keeps it has to rename one of them; nothing of it was written.",
            code="component_invalid",
        )


def _folders_above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _side_files(package: Package, pieces: tuple[Piece, ...]) -> dict[str, PlacedFile]:
    """Where the scripts beside a hook or setting go: into the folders in which its command lines look for them."""
    usual = "hooks" if package.item.kind is Kind.HOOK else "scripts"
    texts = [text for piece in pieces for text in _texts(piece.value)]
    placed: dict[str, PlacedFile] = {}
    for name in sorted(set(package.files) - {package.main}):
        named = [folder for folder in _SIDE_FOLDERS if any(f".claude/{folder}/{name}" in text for text in texts)]
        for folder in named or [usual]:
            placed[f".claude/{folder}/{name}"] = PlacedFile(package.files[name])
    return placed


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
