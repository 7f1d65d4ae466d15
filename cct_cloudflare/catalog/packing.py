"""A component that was found in a folder → all of its files, bounded, exactly as they are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cct_cloudflare.components.files import MAX_COMPONENT_BYTES, UnreadableFileError, decode, read_bytes
from cct_cloudflare.components.model import KINDS_WITH_SIDES, Kind
from cct_cloudflare.components.names import MAX_DEPTH, file_problem, printable
from cct_cloudflare.components.package import Item, Package
from cct_cloudflare.components.walking import Entry, Folder, folder_identity, is_folder, visible
from cct_cloudflare.errors import UsageError

MAX_PACKAGE_BYTES = 20 * 1024 * 1024
MAX_PACKAGE_FILES = 2_000

#: What the command lines of a hook or setting may run: public catalogs put it beside the JSON, under the same name.
SIDE_SUFFIXES = (".js", ".mjs", ".py", ".sh", ".ts")


def pack(folder: Folder, entry: Entry, item: Item) -> Package:
    """Raises UsageError `component_invalid`: a file that is missing, too large, no text, or leads elsewhere."""
    try:
        return _pack(folder, entry, item)
    except UnreadableFileError as error:
        raise UsageError(
            f"The {item.kind} {item.name} cannot be used: {error}.",
            hint=f"Look at {printable(entry.file)}.",
            code="component_invalid",
        ) from error


def _pack(folder: Folder, entry: Entry, item: Item) -> Package:
    main = entry.path
    files: dict[str, bytes] = {}
    executable: set[str] = set()
    room = MAX_PACKAGE_BYTES
    for relative, path in _paths(main, entry.kind):
        if len(files) >= MAX_PACKAGE_FILES:
            raise UnreadableFileError(f"it has more than {MAX_PACKAGE_FILES:,} files")
        if not folder.has(path):
            raise UnreadableFileError(f"its file {printable(relative)} is not there or leads out of the catalog")
        try:
            data, mode = read_bytes(path.resolve(), room)
        except UnreadableFileError as error:
            raise UnreadableFileError(f"{printable(relative)}: {error}") from error
        room -= len(data)
        if room < 0:
            raise UnreadableFileError(f"it is larger than {MAX_PACKAGE_BYTES // (1024 * 1024)} MiB")
        files[relative] = data
        if mode & stat.S_IXUSR:
            executable.add(relative)
    decode(files[main.name], MAX_COMPONENT_BYTES)
    return Package(item, files, main.name, executable=frozenset(executable))


def _paths(main: Path, kind: Kind) -> Iterator[tuple[str, Path]]:
    yield main.name, main
    if kind is Kind.SKILL:
        yield from ((name, path) for name, path in _tree(os.fspath(main.parent)) if name != main.name)
    elif kind in KINDS_WITH_SIDES:
        beside = [main.with_suffix(suffix) for suffix in SIDE_SUFFIXES]
        yield from ((path.name, path) for path in beside if os.path.lexists(path))


def _tree(folder: str, prefix: str = "", above: tuple[tuple[int, int], ...] = ()) -> Iterator[tuple[str, Path]]:
    identity = folder_identity(folder)
    if identity in above or len(above) >= MAX_DEPTH:
        raise UnreadableFileError(f"its folder {printable(prefix)} contains itself, or too many others")
    try:
        items = visible(folder)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UnreadableFileError(f"its folder {printable(prefix)} cannot be read ({reason})") from error
    for item in items:
        relative = f"{prefix}{item.name}"
        problem = file_problem(relative)
        if problem is not None:
            raise UnreadableFileError(f"{printable(relative)!r} is no name for a file of it: {problem}")
        if is_folder(item):
            yield from _tree(item.path, f"{relative}/", (*above, identity) if identity else above)
        else:
            yield relative, Path(item.path)
