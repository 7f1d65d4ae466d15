"""The components that can be chosen: the project's own, then the bundled ones that these do not shadow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.catalog.search import search
from cct_cloudflare.components.model import Component, Kind
from cct_cloudflare.components.names import name_key, parse_refs
from cct_cloudflare.components.package import Item
from cct_cloudflare.components.sources import Source, default_sources
from cct_cloudflare.errors import UsageError
from cct_cloudflare.plain import plain_line
from cct_cloudflare.wizard.questions import Option, Rank


@dataclass(frozen=True)
class Ref:
    """A component by its kind and whole name."""

    kind: Kind
    name: str


def load_all(project: Path, sources: Sequence[Source] | None = None) -> list[Component]:
    """Every agent and command that can be read, agents first, each kind in the order of its names."""
    sources = default_sources(project) if sources is None else sources
    found: list[Component] = []
    for kind in (Kind.AGENT, Kind.COMMAND):
        by_name: dict[str, Component] = {}
        for source in sources:
            for entry in source.entries(kind):
                # A name that a command line would not carry as it is cannot be chosen.
                if name_key(entry.name) in by_name or parse_refs([entry.name]) != [entry.name]:
                    continue
                try:
                    by_name[name_key(entry.name)] = source.load(entry)
                except UsageError:
                    continue  # named on a command line it says why; in a list it could only be in the way
        found += sorted(by_name.values(), key=lambda component: component.name)
    return found


def rank(components: Sequence[Component]) -> Rank:
    """How these are searched: as by `cct search`, or, before a whole word is typed, by the letters that a name has."""
    items = [
        Item(component.kind, component.name, component.description, component.source, component.tools, component.title)
        for component in components
    ]
    places = {id(item): place for place, item in enumerate(items)}

    def ranked(typed: str) -> list[int]:
        found = [places[id(match.item)] for match in search(items, typed)]
        key = name_key(typed.strip())
        return found or [place for place, item in enumerate(items) if key in name_key(item.name)]

    return ranked


def options(components: Sequence[Component]) -> list[Option[Ref]]:
    """One row for each; where it comes from stands in the description when that is the project."""
    return [
        Option(
            Ref(component.kind, component.name),
            f"{component.kind.value:<7} {plain_line(component.name)}",
            plain_line(component.description) + (" (this project)" if component.source == "project" else ""),
        )
        for component in components
    ]
