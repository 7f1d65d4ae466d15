"""Which components a folder has: `<kind>s/<category…>/<leaf>`, to any depth.

An agent or command is `<leaf>.md`; a setting, hook or MCP server is `<leaf>.json`; a skill is a folder `<leaf>/` with
a `SKILL.md`. This is the only walk: prompts, catalogs and installs see the same components under the same names.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import MAX_DEPTH, name_problem

MAX_FOLDERS = 20_000
SKILL_FILE = "SKILL.md"

#: What tools leave behind, and what is not meant to be seen.
NEVER = frozenset({"__pycache__", "node_modules"})
#: Files that tell people about a folder and are no agents. In small letters each is a name like any other.
ABOUT = frozenset({"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE.md", "README.md"})

#: Of a main file; a skill is a folder.
SUFFIXES = {
    Kind.AGENT: ".md",
    Kind.COMMAND: ".md",
    Kind.SETTING: ".json",
    Kind.HOOK: ".json",
    Kind.MCP: ".json",
}


class Entry(NamedTuple):
    """A component that was found and not read yet; `name` is `category/leaf`, `file` the path of its main file."""

    kind: Kind
    name: str
    file: str

    @property
    def path(self) -> Path:
        return Path(self.file)

    @property
    def leaf(self) -> str:
        return self.name.rpartition("/")[2]


class Folder:
    """The components below `root`. Nothing outside `boundary` is seen, whatever links say."""

    def __init__(self, root: Path, boundary: Path) -> None:
        self.root = root
        self.boundary = boundary

    def entries(self, kind: Kind) -> list[Entry]:
        """Every component of a kind, in the order of their names. Files whose name cannot be asked for are left out."""
        top = self.root / kind.folder
        if not self.has(top):
            return []
        prefix = len(os.fspath(top)) + 1
        found = []
        for file in _Walk(self, kind).below(os.fspath(top)):
            path = file[prefix:].replace(os.sep, "/")
            name = name_of(path, kind)
            if name_problem(name) is None and path.rpartition("/")[2] not in ABOUT:
                found.append(Entry(kind, name, file))
        return sorted(found, key=lambda entry: entry.name)

    def entry(self, kind: Kind, name: str) -> Entry | None:
        """The one of that name, which must be whole, or None where there is none."""
        path = self.root / path_of(kind, name)
        if name_problem(name) is not None or path.name in ABOUT or not path.is_file() or not self.has(path):
            return None
        return Entry(kind, name, os.fspath(path))

    def has(self, path: str | Path) -> bool:
        """Whether it is there, inside the boundary, and not part of a git directory."""
        try:
            resolved = Path(path).resolve(strict=True)
        except (OSError, RuntimeError):  # absent, or a loop of links
            return False
        if not resolved.is_relative_to(self._resolved_boundary):
            return False
        return ".git" not in resolved.relative_to(self._resolved_boundary).parts

    def listing(self, folder: str) -> list[os.DirEntry[str]]:
        """What lies in a folder and may be looked at, in the order of the names; nothing where it cannot be read."""
        try:
            items = visible(folder)
        except OSError:
            return []
        return [item for item in items if not item.is_symlink() or self.has(item.path)]

    @cached_property
    def _resolved_boundary(self) -> Path:
        return self.boundary.resolve()


class _Walk:
    """One way through all folders of a kind. A folder is gone through once, whatever links lead to it."""

    def __init__(self, folder: Folder, kind: Kind) -> None:
        self._folder = folder
        self._suffix = SUFFIXES.get(kind)
        self._roots: list[Path] = []
        self._count = 0

    def below(self, top: str) -> Iterator[str]:
        self._roots.append(Path(top).resolve())
        return self._below(top, 0)

    def _below(self, folder: str, depth: int) -> Iterator[str]:
        self._count += 1
        if depth > MAX_DEPTH or self._count > MAX_FOLDERS:
            return
        if self._suffix is None and depth > 0:
            # Most folders of skills are skills, and need not be listed to know it.
            main = f"{folder}{os.sep}{SKILL_FILE}"
            if self._is_there(main):
                yield main
                return
        for item in self._folder.listing(folder):
            if is_folder(item):
                if not item.is_symlink() or self._is_new(item.path):
                    yield from self._below(item.path, depth + 1)
            elif self._suffix is not None and item.name.endswith(self._suffix):
                yield item.path

    def _is_there(self, file: str) -> bool:
        try:
            mode = os.lstat(file).st_mode
        except OSError:
            return False
        return not stat.S_ISDIR(mode) and (not stat.S_ISLNK(mode) or self._folder.has(file))

    def _is_new(self, link: str) -> bool:
        """Whether a link leads to a folder that is neither gone through anyway nor above one that is."""
        target = Path(link).resolve()
        if any(target.is_relative_to(root) or root.is_relative_to(target) for root in self._roots):
            return False
        self._roots.append(target)
        return True


def visible(folder: str) -> list[os.DirEntry[str]]:
    """What lies in a folder, in the order of the names, without what is hidden or a tool's. Raises OSError."""
    with os.scandir(folder) as found:
        items = [item for item in found if not item.name.startswith(".") and item.name not in NEVER]
    return sorted(items, key=lambda item: item.name)


def path_of(kind: Kind, name: str) -> str:
    """The path of a main file below the folder that has the folders of kinds: `agents/category/leaf.md`."""
    return f"{kind.folder}/{name}{SUFFIXES.get(kind, f'/{SKILL_FILE}')}"


def name_of(path: str, kind: Kind) -> str:
    """`category/leaf` of a main file, from its path below the folder of its kind."""
    suffix = SUFFIXES.get(kind)
    return path.removesuffix(f"/{SKILL_FILE}") if suffix is None else path.removesuffix(suffix)


def folder_identity(folder: str) -> tuple[int, int] | None:
    """What two paths to one folder have in common; None where it cannot be looked at."""
    try:
        info = os.stat(folder)  # noqa: PTH116 - thousands of paths are looked at
    except OSError:
        return None
    return info.st_dev, info.st_ino


def is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:
        return False
