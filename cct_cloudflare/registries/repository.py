"""The layout of a components repository: `<kind>s/<category…>/<leaf>` below `cli-tool/components`, `components`, or the
top. Paths and an index in, a list of components out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cct_cloudflare.catalog.packing import SIDE_SUFFIXES
from cct_cloudflare.catalog.reading import Summary
from cct_cloudflare.components.model import KINDS_WITH_SIDES, Kind
from cct_cloudflare.components.names import name_problem
from cct_cloudflare.components.walking import ABOUT, SKILL_FILE, SUFFIXES, name_of
from cct_cloudflare.registries.indexes import MARKETPLACE, PLUGIN, Indexed
from cct_cloudflare.registries.listing import Listed, Located, located
from cct_cloudflare.registries.tree import Stat

ROOTS = ("cli-tool/components/", "components/", "", ".claude/")


def find_root(paths: Iterable[str]) -> str | None:
    """The folder that has the folders of kinds, as a prefix; None where there is none."""
    tops = {prefix for path in paths for prefix in _prefixes(path)}
    return next((root for root in ROOTS if any(f"{root}{kind.folder}/" in tops for kind in Kind)), None)


def folder_root(folder: Path) -> str | None:
    """Where in a directory a components repository has its components; None where it is none."""
    tops = [f"{root}{kind.folder}/" for root in ROOTS for kind in Kind]
    # find_root looks at the folders that paths lie in.
    found = find_root(f"{top}x" for top in tops if (folder / top).is_dir())
    is_marketplace = any((folder / path).is_file() for path in (MARKETPLACE, PLUGIN))
    return preferred(found, is_marketplace=is_marketplace)


def preferred(root: str | None, *, is_marketplace: bool) -> str | None:
    """A plugin, too, has folders like agents/ at its top: then it is a plugin."""
    return root if root is None or root.endswith("components/") or not is_marketplace else None


def arrange_paths(root: str, stats: Mapping[str, Stat]) -> list[Listed]:
    """The components among paths that are known to exist."""
    return [listed for kind in Kind for listed in _of_kind(kind, f"{root}{kind.folder}/", stats)]


def arrange_index(root: str, index: Iterable[Indexed]) -> list[Listed]:
    """The components that an index names, where nothing else says what exists."""
    return [_indexed(root, entry) for entry in index]


def indexed_summary(entry: Indexed | None) -> Summary | None:
    """What an index says of a component, where it says something."""
    if entry is None or not entry.description:
        return None
    return Summary(entry.description, entry.tools, entry.title)


def skills_below(top: str, stats: Mapping[str, Stat]) -> Iterator[tuple[str, dict[str, Located]]]:
    """The path of each skill's folder below `top`, and its files. A skill inside of a skill is a file of that."""
    below = sorted(path for path in stats if path.startswith(top))
    folders: list[str] = []
    for path in sorted(below, key=lambda path: path.count("/")):
        folder, _, name = path.rpartition("/")
        if name == SKILL_FILE and len(folder) > len(top) - 1:
            parents = folder.split("/")
            if not any("/".join(parents[:depth]) in folders for depth in range(1, len(parents))):
                folders.append(folder)
    files: dict[str, dict[str, Located]] = {folder: {} for folder in folders}
    for path in below:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder in files:
                files[folder][path[len(folder) + 1 :]] = located(path, stats)
                break
    for folder in sorted(files):
        yield folder[len(top) :], files[folder]


def skill(name: str, files: Mapping[str, Located]) -> Listed:
    return Listed(Kind.SKILL, name, SKILL_FILE, files)


def _of_kind(kind: Kind, top: str, stats: Mapping[str, Stat]) -> Iterator[Listed]:
    if kind is Kind.SKILL:
        for name, skill_files in skills_below(top, stats):
            if name_problem(name) is None:
                yield skill(name, skill_files)
        return
    suffix = SUFFIXES[kind]
    for path in sorted(path for path in stats if path.startswith(top) and path.endswith(suffix)):
        name, main = name_of(path[len(top) :], kind), path.rpartition("/")[2]
        if name_problem(name) is None and main not in ABOUT:
            yield Listed(kind, name, main, dict(_files(kind, path, stats)))


def _files(kind: Kind, path: str, stats: Mapping[str, Stat]) -> Iterator[tuple[str, Located]]:
    paths = [path]
    if kind in KINDS_WITH_SIDES:
        beside = [path.removesuffix(SUFFIXES[kind]) + suffix for suffix in SIDE_SUFFIXES]
        paths += [side for side in beside if side in stats]
    for each in paths:
        yield each.rpartition("/")[2], located(each, stats)


def _indexed(root: str, entry: Indexed) -> Listed:
    base = f"{root}{entry.kind.folder}/{entry.name}"
    summary = indexed_summary(entry)
    if entry.kind is Kind.SKILL:
        names = dict.fromkeys([SKILL_FILE, *entry.files])
        files = {name: Located(f"{base}/{name}") for name in names}
        return Listed(entry.kind, entry.name, SKILL_FILE, files, summary)
    main = f"{entry.name.rpartition('/')[2]}{SUFFIXES[entry.kind]}"
    folder = base.rpartition("/")[0]
    names = dict.fromkeys([main, *entry.files])
    files = {name: Located(f"{folder}/{name}") for name in names}
    may_have_sides = entry.kind in KINDS_WITH_SIDES and not entry.files
    return Listed(entry.kind, entry.name, main, files, summary, may_have_sides=may_have_sides)


def _prefixes(path: str) -> Iterator[str]:
    parts = path.split("/")
    for depth in range(1, min(len(parts), 4)):
        yield "/".join(parts[:depth]) + "/"
