"""What the sources of installed components have now, or what `--from` names has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Catalog, Item, Package
from cct_cloudflare.errors import CctError, UsageError
from cct_cloudflare.install.lockfile import Locked
from cct_cloudflare.install.origins import BUNDLED, Note, open_recorded


@dataclass(frozen=True, slots=True)
class Unavailable:
    """An installed component whose present version cannot be had."""

    locked: Locked
    error: CctError

    def to_json(self) -> dict[str, Any]:
        told = self.error.to_json()
        return {
            "kind": str(self.locked.kind),
            "name": self.locked.name,
            "source": self.locked.source,
            **{key: told[key] for key in ("error", "errorCode", "hint", "retryable")},
        }


@dataclass(frozen=True, slots=True)
class Present:
    packages: tuple[Package, ...] = ()
    unavailable: tuple[Unavailable, ...] = ()


def present_versions(
    installed: Sequence[Locked],
    *,
    source: str | None = None,
    base: Path | None = None,
    is_each_wanted: bool = True,
    note: Note = lambda _: None,
) -> Present:
    """The package of each component, from where it came or from `source`, a relative one below `base`.

    A source that is gone takes no other with it. `is_each_wanted` is False where a component that `source` does not
    have is simply not meant. `note` is told what the registries say. Raises what opening `source` raises.
    """
    opened = _Opened(None if source is None else _open_named(source, base, note), note)
    packages: list[Package] = []
    unavailable: list[Unavailable] = []
    groups: dict[int, tuple[Catalog, list[tuple[Locked, Item]]]] = {}
    for locked in installed:
        try:
            catalog = opened.catalog(locked)
            item = opened.item(catalog, locked)
        except CctError as error:
            unavailable.append(Unavailable(locked, error))
            continue
        if item is None:
            if source is None or is_each_wanted:
                unavailable.append(Unavailable(locked, _not_there(catalog, locked)))
            continue
        groups.setdefault(id(catalog), (catalog, []))[1].append((locked, item))
    for catalog, wanted in groups.values():
        found = _load(catalog, wanted)
        packages += found.packages
        unavailable += found.unavailable
    order = {locked.ref: place for place, locked in enumerate(installed)}
    return Present(
        tuple(sorted(packages, key=lambda package: order[package.item.ref])),
        tuple(sorted(unavailable, key=lambda gone: order[gone.locked.ref])),
    )


class _Opened:
    """Each source once, however many components came from it; one that fails, fails for all of them."""

    def __init__(self, named: Catalog | None, note: Note) -> None:
        self._named = named
        self._note = note
        self._known: dict[tuple[str, str | None], Catalog | CctError] = {}
        self._items: dict[tuple[int, Kind], dict[str, Item]] = {}

    def catalog(self, locked: Locked) -> Catalog:
        if self._named is not None:
            return self._named
        recorded = (locked.source, locked.address)
        if recorded not in self._known:
            try:
                self._known[recorded] = open_recorded(*recorded, self._note)
            except CctError as error:
                self._known[recorded] = error
        found = self._known[recorded]
        if isinstance(found, CctError):
            raise found
        return found

    def item(self, catalog: Catalog, locked: Locked) -> Item | None:
        """By its whole name alone: what only looks like it is something else."""
        key = (id(catalog), locked.kind)
        if key not in self._items:
            self._items[key] = {item.name: item for item in catalog.items(locked.kind)}
        return self._items[key].get(locked.name)


def _open_named(source: str, base: Path | None, note: Note) -> Catalog:
    from cct_cloudflare.catalog import bundled_catalog
    from cct_cloudflare.registries import catalog_of

    return bundled_catalog() if source == BUNDLED else catalog_of(source, base=base, note=note)


def _not_there(catalog: Catalog, locked: Locked) -> UsageError:
    return UsageError(
        f"{catalog.label} has no {locked.kind} named {locked.name} any more.",
        hint=f"To take it out: cct remove {locked.ref}",
        code="component_not_found",
    )


def _load(catalog: Catalog, wanted: Sequence[tuple[Locked, Item]]) -> Present:
    """Together where that works, else one by one, so that what is broken is known."""
    from cct_cloudflare.registries import load_all

    try:
        return Present(tuple(load_all([(catalog, item) for _, item in wanted])))
    except CctError as error:
        if len(wanted) == 1:
            return Present((), (Unavailable(wanted[0][0], error),))
        if error.retryable:  # what cannot be reached is not asked again for each of them
            return Present((), tuple(Unavailable(locked, error) for locked, _ in wanted))
    found = [_load(catalog, [one]) for one in wanted]
    return Present(
        tuple(package for part in found for package in part.packages),
        tuple(gone for part in found for gone in part.unavailable),
    )


def usable(found: Present, installed: Sequence[Locked], check: Callable[[Package, Locked], object]) -> Present:
    """Without packages that `check` raises CctError for; these count as unavailable."""
    by_ref = {locked.ref: locked for locked in installed}
    packages: list[Package] = []
    broken: list[Unavailable] = []
    for package in found.packages:
        locked = by_ref[package.item.ref]
        try:
            check(package, locked)
        except CctError as error:
            broken.append(Unavailable(locked, error))
        else:
            packages.append(package)
    return replace(found, packages=tuple(packages), unavailable=(*found.unavailable, *broken))
