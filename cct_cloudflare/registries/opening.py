"""An address → the registry that lies there, at one revision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cct_cloudflare.catalog.local import DirectoryCatalog, bundled_catalog
from cct_cloudflare.components.package import Catalog
from cct_cloudflare.errors import UsageError
from cct_cloudflare.registries.address import Address, Place, parse_address
from cct_cloudflare.registries.book import Registry, find_registry, registries
from cct_cloudflare.registries.catalog import RegistryCatalog
from cct_cloudflare.registries.listing import Listing, keep_listing, read_listing
from cct_cloudflare.registries.telling import Note, Progress, ignore

# Arranging and fetching are imported where they are done: a registry that is known is listed without.
if TYPE_CHECKING:
    from cct_cloudflare.registries.fetching import Fetcher
    from cct_cloudflare.registries.tree import Tree

#: What the catalog that comes with cct is called as a source.
BUNDLED = "bundled"


class Source:
    """One registry, opened when it is needed. With a `revision` nothing is asked for as long as the cache has it."""

    def __init__(
        self,
        address: Address,
        revision: str | None = None,
        *,
        offline: bool = False,
        stale: bool = True,
        note: Note = ignore,
        progress: Progress | None = None,
    ) -> None:
        self.address = address
        self._revision = revision
        self._offline = offline
        self._stale = stale
        self._note = note
        self._progress = progress

    @cached_property
    def tree(self) -> Tree:
        address, revision = self.address, self._revision
        if address.place is Place.FOLDER:
            from cct_cloudflare.registries.tree import FolderTree

            return FolderTree(Path(address.target))
        if address.place is Place.GIT:
            from cct_cloudflare.registries.git import open_git

            return open_git(address, revision, offline=self._offline, stale=self._stale, note=self._note)
        if address.place is Place.GITHUB:
            from cct_cloudflare.registries.github import open_github

            return open_github(address, revision, self._fetcher, stale=self._stale)
        from cct_cloudflare.registries.site import open_site

        return open_site(address, revision, self._fetcher, stale=self._stale)

    @cached_property
    def listing(self) -> Listing:
        revision = self._revision or self.tree.revision
        kept = None if revision is None else read_listing(self.address.text, revision)
        if kept is not None:
            return kept
        from cct_cloudflare.registries.arranging import arrange

        own = self.address.target if self.address.place is Place.GITHUB else ""
        listing = arrange(self.tree, own=own, progress=self._progress)
        if revision is not None:
            keep_listing(self.address.text, revision, listing)
        return listing

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Keeps its connections for all that is asked meanwhile."""
        with self._fetcher.opened():
            yield

    @cached_property
    def _fetcher(self) -> Fetcher:
        from cct_cloudflare.registries.fetching import Fetcher

        is_github = self.address.place is Place.GITHUB
        return Fetcher(offline=self._offline, note=self._note, doubts_absence=is_github)


def opened_catalogs(*, offline: bool = False, note: Note = ignore) -> tuple[Catalog, ...]:
    """The registries that the user has added, in that order, each at the revision that it is pinned to.

    Listing them reads the cache alone, unless that was deleted. One whose folder has gone is left out, and `note`
    is told. Raises ConfigError for a list of registries that cannot be read.
    """
    found = []
    for registry in registries():
        try:
            found.append(_catalog(registry, offline=offline, note=note))
        except UsageError as error:
            note(f"The registry {registry.name} is left out. {error.message}")
    return tuple(found)


def catalog_of(
    address: str, *, base: Path | None = None, revision: str | None = None, offline: bool = False, note: Note = ignore
) -> Catalog:
    """What `--from` names: `bundled`, a registry's name, a folder (below `base` where it is relative) or an address.

    An address that is no registry of the user's is opened at its newest version, or at `revision`.
    Raises UsageError for what is neither, WorkerError where it cannot be used.
    """
    if address == BUNDLED:
        return bundled_catalog()
    registry = find_registry(address)
    if registry is not None:
        pinned = replace(registry, revision=revision or registry.revision)
        return _catalog(pinned, offline=offline, note=note)
    parsed = parse_address(address, base=base)
    label = f"{parsed.text}@{parsed.ref}" if parsed.ref else parsed.text
    return _opened(label, parsed, Source(parsed, revision, offline=offline, note=note))


def _catalog(registry: Registry, *, offline: bool, note: Note) -> Catalog:
    place = registry.place
    return _opened(registry.name, place, Source(place, registry.revision, offline=offline, note=note))


def _opened(label: str, address: Address, source: Source) -> Catalog:
    if address.place is Place.FOLDER:
        from cct_cloudflare.registries.repository import folder_root

        folder = Path(address.target)
        root = folder_root(folder)
        if root is not None:
            return DirectoryCatalog(label, folder / root, folder)
    return RegistryCatalog(label, source)
