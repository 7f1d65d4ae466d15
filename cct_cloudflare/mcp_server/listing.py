"""The components that there are for a project, listed or searched."""

from __future__ import annotations

from pathlib import Path

from cct_cloudflare.catalog import bundled_catalog, project_catalog
from cct_cloudflare.catalog.search import search
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import item_to_json
from cct_cloudflare.install.lockfile import read_lock
from cct_cloudflare.mcp_server.shapes import ComponentAnswer, ComponentsAnswer, ListComponentsArguments

#: More are not listed at once: a client's model has to read them.
MAX_LISTED = 100


def list_components(project: Path, arguments: ListComponentsArguments) -> ComponentsAnswer:
    """Raises ConfigError for a lock file that cannot be read."""
    kind = None if arguments.kind is None else Kind(arguments.kind)
    lock = read_lock(project)
    items = [item for catalog in (project_catalog(project), bundled_catalog()) for item in catalog.items(kind)]
    if arguments.query:
        items = [match.item for match in search(items, arguments.query)]
    listed = [(item, lock.get(item.kind, item.name) is not None) for item in items]
    if arguments.installed:
        listed = [(item, installed) for item, installed in listed if installed]
    return ComponentsAnswer(
        components=[
            ComponentAnswer.model_validate(item_to_json(item, installed=installed))
            for item, installed in listed[:MAX_LISTED]
        ],
        total=len(listed),
    )
