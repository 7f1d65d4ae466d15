"""All components that there are for a project: its own, those of the user's registries, the bundled ones; and which of
them are installed.

`.claude/cct.lock` says what cct installed, and from where. What else lies in `.claude/` is the project's own, and is
installed as well. A file that cct wrote is listed where it came from, and not once more as the project's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cct_cloudflare import config
from cct_cloudflare.catalog import bundled_catalog, find, project_catalog
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import name_key, printable
from cct_cloudflare.components.package import Catalog, Item, Package, item_to_json
from cct_cloudflare.components.walking import path_of

if TYPE_CHECKING:
    from cct_cloudflare.install.lockfile import Locked

PROJECT = "project"

Note = Callable[[str], None]


class Listed(NamedTuple):
    """One component; `scope` says where it is installed (a lock file's `Scope`), None where it is not."""

    item: Item
    scope: str | None = None

    @property
    def installed(self) -> bool:
        return self.scope is not None

    def to_json(self) -> dict[str, Any]:
        return item_to_json(self.item, installed=self.installed)


def select(listed: Iterable[Listed], *, category: str | None = None, installed: bool = False) -> list[Listed]:
    """Those that are installed, or of one category or below it; case does not count."""
    wanted = None if category is None else name_key(category.strip("/"))
    return [
        one
        for one in listed
        if (one.installed or not installed)
        and (wanted is None or f"{name_key(one.item.category)}/".startswith(f"{wanted}/"))
    ]


def search_listed(listed: Sequence[Listed], query: str) -> list[Listed]:
    """Those that fit the query, the best first."""
    from cct_cloudflare.catalog.search import search

    by_item = {id(one.item): one for one in listed}
    return [by_item[id(match.item)] for match in search((one.item for one in listed), query)]


class Inventory:
    """`catalogs` are listed in their order, and what is installed from anywhere else after them."""

    def __init__(self, catalogs: Sequence[Catalog], locked: Sequence[Locked] = (), *, is_whole: bool = True) -> None:
        """`is_whole` is False where only some sources are looked at: what comes from others is not listed then."""
        self._locked = {(one.kind, name_key(one.name), one.source): one for one in locked}
        self._is_whole = is_whole
        written = {path for one in locked for path in one.files}
        self._catalogs = tuple(_Own(catalog, written) if catalog.label == PROJECT else catalog for catalog in catalogs)

    def listed(self, kind: Kind | None = None) -> list[Listed]:
        """Everything of a kind, or of all kinds, in the order of kinds, sources and names."""
        return [one for each in (Kind if kind is None else (kind,)) for one in self._of_kind(each)]

    def load(self, ref: str, kind: Kind) -> tuple[Listed, Package]:
        """What `ref` means over all sources, with its files. Raises what `catalog.find` and `Catalog.load` do."""
        catalog, item = find(self._catalogs, ref, kind)
        return Listed(item, self.scope_of(item)), catalog.load(item)

    def scope_of(self, item: Item) -> str | None:
        if item.source == PROJECT:
            return PROJECT
        if not self._locked:
            return None
        locked = self._locked.get((item.kind, name_key(item.name), item.source))
        return locked.scope if locked else None

    def _of_kind(self, kind: Kind) -> Iterator[Listed]:
        for catalog in self._catalogs:
            for item in catalog.items(kind):
                yield Listed(item, self.scope_of(item))
        elsewhere = [(key, locked) for key, locked in self._locked.items() if locked.kind is kind]
        if not elsewhere:
            return
        known = {(kind, name_key(item.name), item.source) for own in self._catalogs for item in own.items(kind)}
        for key, locked in elsewhere:
            if key not in known and (self._is_whole or locked.source in self._labels):
                yield Listed(Item(kind, locked.name, self._described(locked), printable(locked.source)), locked.scope)

    def _described(self, locked: Locked) -> str:
        """What the installed file says, where its source is not at hand."""
        told = (own.described(path) for own in self._catalogs if isinstance(own, _Own) for path in locked.files)
        return next(filter(None, told), "")

    @cached_property
    def _labels(self) -> frozenset[str]:
        return frozenset(catalog.label for catalog in self._catalogs)


class _Own:
    """A project's catalog without the files that cct wrote; `written` are their paths, as the lock has them."""

    def __init__(self, catalog: Catalog, written: set[str]) -> None:
        self._catalog = catalog
        self._written = written

    @property
    def label(self) -> str:
        return self._catalog.label

    def items(self, kind: Kind | None = None) -> Sequence[Item]:
        items = self._catalog.items(kind)
        return [item for item in items if _path(item) not in self._written] if self._written else items

    def load(self, item: Item) -> Package:
        return self._catalog.load(item)

    def described(self, path: str) -> str:
        return self._descriptions.get(path, "")

    @cached_property
    def _descriptions(self) -> dict[str, str]:
        return {_path(item): item.description for item in self._catalog.items()}


def take(project: Path, source: str | None = None, *, note: Note) -> Inventory:
    """What there is for the project, or what one source of `catalog_named` has; `note` is told what is left out.

    Raises what `catalog_named` does, and ConfigError for a lock file or a list of registries that cannot be used.
    """
    locked = read_locks(project)
    if source is not None:
        return Inventory((catalog_named(source, project, note=note),), locked, is_whole=False)
    return Inventory((project_catalog(project), *_registries(note), bundled_catalog()), locked)


def catalog_named(source: str, project: Path, *, note: Note) -> Catalog:
    """`project`, `bundled`, the name of a registry, a folder (relative to the current one) or an address.

    The last is contacted, and nothing else is. Raises UsageError for a source that is none of these, WorkerError
    for an address that cannot be reached.
    """
    if source == PROJECT:
        return project_catalog(project)
    if source == "bundled":
        return bundled_catalog()
    from cct_cloudflare.registries import catalog_of

    return catalog_of(source, base=Path.cwd(), note=note)


def read_locks(project: Path) -> tuple[Locked, ...]:
    """What cct has installed in the project, and for this user everywhere. Raises ConfigError."""
    files = dict.fromkeys(folder.resolve() / "cct.lock" for folder in (project / ".claude", config.claude_dir()))
    if not any(map(os.path.lexists, files)):
        return ()  # what reads them takes a while to import
    from cct_cloudflare.install.lockfile import read_lock_file

    return tuple(locked for file in files for locked in read_lock_file(file).components)


def _registries(note: Note) -> Sequence[Catalog]:
    # The rooms that fetch take as long to import as all others together.
    if not config.registries_file().exists():
        return ()
    from cct_cloudflare.registries import opened_catalogs

    return opened_catalogs(note=note)


def _path(item: Item) -> str:
    return f".claude/{path_of(item.kind, item.name)}"
