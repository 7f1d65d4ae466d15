"""Adding a registry, and pinning it to what it has now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cct_cloudflare.registries.address import parse_address
from cct_cloudflare.registries.book import Registry, check_free, checked_name, known_registry, remember, repin
from cct_cloudflare.registries.catalog import possible_paths
from cct_cloudflare.registries.listing import Listing, read_listing
from cct_cloudflare.registries.opening import Source
from cct_cloudflare.registries.site import SiteTree
from cct_cloudflare.registries.telling import Note, Progress, ignore


@dataclass(frozen=True, slots=True)
class Added:
    registry: Registry
    listing: Listing


@dataclass(frozen=True, slots=True)
class Updated:
    """`added` and `removed` are `kind/category/leaf`; both None where what it had before is no longer known.

    `refreshed`: so many files of a web site that were fetched before have other content now.
    """

    registry: Registry
    old_revision: str | None
    listing: Listing
    added: tuple[str, ...] | None = None
    removed: tuple[str, ...] | None = None
    refreshed: int = 0

    @property
    def is_new(self) -> bool:
        return self.registry.revision != self.old_revision


def add_registry(
    name: str, address: str, *, ref: str | None = None, progress: Progress | None = None, note: Note = ignore
) -> Added:
    """Contacts it, lists it, pins it, remembers it; it is not remembered before all of that went well.

    Raises UsageError (the name, the address, one that is taken), WorkerError, ConfigError.
    """
    checked_name(name)
    parsed = parse_address(address, ref=ref)
    registry = Registry(name, parsed.text, parsed.ref)
    check_free(registry)
    source = Source(parsed, stale=False, note=note, progress=progress)
    with source.connected():
        pinned = replace(registry, revision=source.tree.revision)
        listing = source.listing
    remember(pinned)
    return Added(pinned, listing)


def update_registry(name: str, *, progress: Progress | None = None, note: Note = ignore) -> Updated:
    """Pins it to what it has now. Raises what `add_registry` raises; the old pin then stays."""
    registry = known_registry(name)
    before = read_listing(registry.address, registry.revision) if registry.revision else None
    source = Source(registry.place, stale=False, note=note, progress=progress)
    with source.connected():
        revision = source.tree.revision
        listing = source.listing
        refreshed = source.tree.refresh(possible_paths(listing)) if isinstance(source.tree, SiteTree) else 0
    if revision != registry.revision:
        repin(name, revision)
    updated = Updated(replace(registry, revision=revision), registry.revision, listing, refreshed=refreshed)
    if before is None:
        return updated
    old, new = _refs(before), _refs(listing)
    return replace(updated, added=_without(new, old), removed=_without(old, new))


def _refs(listing: Listing) -> list[str]:
    return [f"{kind}/{name}" for kind, name in listing.by_ref]


def _without(refs: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    known = set(others)
    return tuple(ref for ref in refs if ref not in known)
