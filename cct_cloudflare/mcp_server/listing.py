"""The components that there are for a project, listed or searched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cct_cloudflare.components.model import Kind
from cct_cloudflare.inventory import search_listed, select, take
from cct_cloudflare.mcp_server.shapes import ComponentAnswer, ComponentsAnswer, ListComponentsArguments

#: More are not listed at once: a client's model has to read them.
MAX_LISTED = 100


def list_components(project: Path, arguments: ListComponentsArguments, note: Callable[[str], None]) -> ComponentsAnswer:
    """The project's own, those of the user's registries, the bundled ones; no network. `note` is told what is left out.

    Raises ConfigError for a lock file that cannot be read.
    """
    kind = None if arguments.kind is None else Kind(arguments.kind)
    listed = select(take(project, note=note).listed(kind), installed=arguments.installed)
    if arguments.query:
        listed = search_listed(listed, arguments.query)
    return ComponentsAnswer(
        components=[ComponentAnswer.model_validate(one.to_json()) for one in listed[:MAX_LISTED]], total=len(listed)
    )
