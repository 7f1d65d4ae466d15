"""A source as files by their paths, at one revision. What is behind it (a folder, git, GitHub, a web site) is no
matter to who arranges those files as components.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cct_cloudflare.components.files import UnreadableFileError, read_bytes
from cct_cloudflare.components.names import MAX_DEPTH, file_problem
from cct_cloudflare.components.walking import NEVER, Folder, folder_identity
from cct_cloudflare.registries.telling import Progress

#: What is larger is read of no source.
MAX_FILE = 20 * 1024 * 1024
#: No more is read at once.
MAX_BATCH = 256 * 1024 * 1024
MAX_PATHS = 200_000

#: Folders with a dot that hold what is looked for; any other is a tool's own.
_DOTTED = (".claude-plugin/", ".claude/")
#: Files with a dot that are read, wherever they lie.
_DOTTED_FILES = frozenset({".mcp.json"})


@dataclass(frozen=True, slots=True)
class Stat:
    size: int
    executable: bool = False


class Tree(Protocol):
    """`paths` is None where a source cannot be listed; what it has is then what its index says."""

    @property
    def revision(self) -> str | None: ...

    @property
    def is_remote(self) -> bool:
        """Whether each file that is read costs a request."""

    def paths(self) -> Mapping[str, Stat] | None: ...

    def read(
        self, paths: Collection[str], *, limit: int = MAX_FILE, progress: Progress | None = None
    ) -> dict[str, bytes]:
        """The files that exist. Raises WorkerError for a source that fails, or a file larger than `limit`."""


def is_wanted(path: str) -> bool:
    """Whether a path of a repository can be part of a component, or tells of components."""
    folder, _, name = path.rpartition("/")
    for dotted in _DOTTED:
        if f"{folder}/".endswith(f"/{dotted}") or f"{folder}/".startswith(dotted):
            folder = f"{folder}/".replace(dotted, "", 1).rstrip("/")
            break
    judged = "/".join(part for part in (folder, name.lstrip(".") if name in _DOTTED_FILES else name) if part)
    return file_problem(judged) is None and NEVER.isdisjoint(judged.split("/"))


class FolderTree:
    """A directory as it is now. Links that lead out of it are not followed."""

    revision = None
    is_remote = False

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = Folder(root, root)

    def paths(self) -> Mapping[str, Stat]:
        return dict(self._walk(os.fspath(self._root), ""))

    def read(
        self, paths: Collection[str], *, limit: int = MAX_FILE, progress: Progress | None = None
    ) -> dict[str, bytes]:
        found = {}
        for done, path in enumerate(paths, 1):
            file = self._root / path
            if is_wanted(path) and self._folder.has(file):
                try:
                    data, _ = read_bytes(file.resolve(), limit)
                except UnreadableFileError:
                    continue
                found[path] = data
            if progress is not None:
                progress(done, len(paths))
        return found

    def _walk(self, folder: str, prefix: str, above: tuple[tuple[int, int], ...] = ()) -> Iterator[tuple[str, Stat]]:
        identity = folder_identity(folder)
        if identity is None or identity in above or len(above) > MAX_DEPTH:
            return
        try:
            with os.scandir(folder) as listing:
                items = sorted(listing, key=lambda item: item.name)
        except OSError:
            return
        for item in items:
            path = f"{prefix}{item.name}"
            try:
                info = item.stat()
            except OSError:
                continue
            if item.is_symlink() and not self._folder.has(item.path):
                continue
            if stat.S_ISDIR(info.st_mode):
                if item.name not in NEVER and (not item.name.startswith(".") or f"{item.name}/" in _DOTTED):
                    yield from self._walk(item.path, f"{path}/", (*above, identity))
            elif stat.S_ISREG(info.st_mode) and is_wanted(path):
                yield path, Stat(info.st_size, bool(info.st_mode & stat.S_IXUSR))
