"""A name → the one component that it means. Never one of several: where they differ, somebody has to say which."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from cct_cloudflare.components.model import JSON_KINDS, Kind
from cct_cloudflare.components.names import check_name, name_key
from cct_cloudflare.components.package import Catalog, Item
from cct_cloudflare.errors import CctError, UsageError

Found = tuple[Catalog, Item]

_MOST_NAMED = 20


def find(catalogs: Sequence[Catalog], ref: str, kind: Kind) -> Found:
    """The component of that kind that `ref` means in all catalogs taken together, and where it is.

    `category/name` is a whole name; a bare name is the last part of one, or what an agent or skill calls itself.
    Several with the same content are one, the first. To tell that, they are loaded: one of a registry that
    cannot be reached counts as different.

    Raises UsageError: `component_invalid` for what is no name (before any catalog is asked), `component_ambiguous`,
    `component_not_found`. The catalogs' own errors are not caught.
    """
    name = check_name(ref)
    if kind in JSON_KINDS:
        name = name.removesuffix(".json")
    found = candidates(catalogs, name, kind) or _unlisted(catalogs, name, kind)
    if not found:
        raise UsageError(
            f"There is no {kind} named {name}.", hint=_not_found_hint(catalogs, name, kind), code="component_not_found"
        )
    if len(found) > 1 and not _are_one(found):
        raise UsageError(
            f"{name} fits several {kind.folder}: {_named(found)}.",
            hint=_ambiguous_hint(found),
            code="component_ambiguous",
        )
    return found[0]


def candidates(catalogs: Sequence[Catalog], name: str, kind: Kind) -> list[Found]:
    """Everything that a name, checked, can mean; in the order of the catalogs."""
    listed = [(catalog, item) for catalog in catalogs for item in catalog.items(kind)]
    key = name_key(name)
    if "/" in name:
        return [found for found in listed if name_key(found[1].name) == key]
    by_leaf = [found for found in listed if name_key(found[1].leaf) == key]
    return by_leaf or [found for found in listed if found[1].title and name_key(found[1].title) == key]


@runtime_checkable
class Seeking(Protocol):
    """A catalog that may have what it does not list: the index of a web site can be behind its files."""

    def seek(self, name: str, kind: Kind) -> Item | None: ...


def _unlisted(catalogs: Sequence[Catalog], name: str, kind: Kind) -> list[Found]:
    sought = ((catalog, catalog.seek(name, kind)) for catalog in catalogs if isinstance(catalog, Seeking))
    return [(catalog, item) for catalog, item in sought if item is not None]


def _are_one(found: Iterable[Found]) -> bool:
    digests: set[str] = set()
    for catalog, item in found:
        try:
            digests.add(catalog.load(item).digest)
        except CctError:
            return False
        if len(digests) > 1:
            return False
    return True


def _named(found: Sequence[Found]) -> str:
    told = [f"{item.name} ({catalog.label})" for catalog, item in found[:_MOST_NAMED]]
    more = len(found) - len(told)
    return ", ".join([*told, f"and {more:,} more"] if more else told)


def _ambiguous_hint(found: Sequence[Found]) -> str:
    names = {name_key(item.name) for _, item in found}
    labels = list(dict.fromkeys(catalog.label for catalog, _ in found))
    by_name = "Give the one you mean with its category."
    if len(labels) == 1:
        return by_name if len(names) > 1 else "Their names differ by case or spelling alone: rename one of them."
    by_source = f"Say where it should come from: --from {labels[0]}"
    return f"{by_source}, or give its category." if len(names) > 1 else f"{by_source}."


def _not_found_hint(catalogs: Sequence[Catalog], name: str, kind: Kind) -> str:
    from cct_cloudflare.catalog.search import search
    from cct_cloudflare.components.sources import nearest_names

    for other in Kind:
        if other is not kind and candidates(catalogs, name, other):
            return f"It is {'an' if other in (Kind.AGENT, Kind.MCP) else 'a'} {other}: use --{other} {name}."
    items = [item for catalog in catalogs for item in catalog.items(kind)]
    names = list(dict.fromkeys(item.name for item in items))
    if nearest := nearest_names(name, names):
        return f"Did you mean {' or '.join(nearest)}?"
    if about := [match.item.name for match in search(items, name, 3)]:
        return f"About that there is {', '.join(about)}. More: cct search {shlex.quote(name)}"
    if 0 < len(names) <= _MOST_NAMED:
        return f"The {kind.folder} there are: {', '.join(names)}."
    return f"See what there is: cct list --kind {kind}"
