"""Which components the names on a run's command line mean: the project's own, then the bundled, then the registries'.

An earlier source shadows a later one. Registries are opened for a name that the others do not have, and nobody but
those that the user has added is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from cct_cloudflare import config
from cct_cloudflare.components import frontmatter
from cct_cloudflare.components.files import MAX_COMPONENT_BYTES, UnreadableFileError, decode
from cct_cloudflare.components.model import Component, Kind
from cct_cloudflare.components.package import Catalog, Item, Package
from cct_cloudflare.components.sources import component_of, default_sources, resolve
from cct_cloudflare.components.walking import Entry
from cct_cloudflare.errors import UsageError


class Named:
    """`notes` are sentences about registries that could not be used."""

    def __init__(self, project: Path) -> None:
        self.notes: list[str] = []
        self._project = project

    def components(self, refs: Sequence[str], kind: Kind) -> list[Component]:
        """The agent or command that each reference means, in the order given; one that is named twice comes once.

        Raises UsageError as `components.sources.resolve` does, and what loading from a registry raises.
        """
        sources = default_sources(self._project)
        found: dict[Path, Component] = {}
        for ref in refs:
            try:
                [component] = resolve([ref], kind, sources)
            except UsageError as error:
                package = self._of_registries(ref, kind) if error.code == "component_not_found" else None
                if package is None:
                    raise
                component = _component(package)
            found[component.path] = component
        return list(found.values())

    def packages(self, refs: Sequence[tuple[Kind, str]]) -> tuple[Package, ...]:
        """The same for skills, settings, hooks and MCP servers. Raises UsageError as `catalog.find` does."""
        if not refs:
            return ()
        from cct_cloudflare.catalog import bundled_catalog, project_catalog

        local = (project_catalog(self._project), bundled_catalog())
        found = dict.fromkeys(self._find(local, ref, kind) for kind, ref in refs)
        return tuple(catalog.load(item) for catalog, item in found)

    def _find(self, local: Sequence[Catalog], ref: str, kind: Kind) -> tuple[Catalog, Item]:
        from cct_cloudflare.catalog import find

        for catalogs in (*((catalog,) for catalog in local), self._registries):
            try:
                return find(catalogs, ref, kind)
            except UsageError as error:
                if error.code != "component_not_found":
                    raise
        return find((*local, *self._registries), ref, kind)  # for the error, which knows all that there is

    def _of_registries(self, ref: str, kind: Kind) -> Package | None:
        from cct_cloudflare.catalog import find

        try:
            catalog, item = find(self._registries, ref, kind)
        except UsageError as error:
            if error.code != "component_not_found":
                raise
            return None
        return catalog.load(item)

    @cached_property
    def _registries(self) -> tuple[Catalog, ...]:
        # What fetches takes as long to import as everything else.
        if not config.registries_file().exists():
            return ()
        from cct_cloudflare.registries import opened_catalogs

        return opened_catalogs(note=self.notes.append)


def _component(package: Package) -> Component:
    item = package.item
    try:
        text = decode(package.files[package.main], MAX_COMPONENT_BYTES)
    except UnreadableFileError as error:
        raise UsageError(
            f"The {item.kind} {item.name} cannot be used: {error}.",
            hint=f"It is from {item.source}.",
            code="component_invalid",
        ) from error
    entry = Entry(item.kind, item.name, f"{item.source}/{item.kind.folder}/{item.name}.md")
    return component_of(entry, item.source, frontmatter.parse(text), package.digest)
