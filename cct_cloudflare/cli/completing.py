"""Which values an option or argument can have, for a shell that completes them. Whatever goes wrong, there are none."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cct_cloudflare.plain import plain_line

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from cct_cloudflare.components.model import Kind
    from cct_cloudflare.components.package import Catalog

#: What a shell takes as one word as it is; any other name has to be typed.
_ONE_WORD = re.compile(r"[\w./-]+")

#: bash shows no descriptions, so that nothing has to be read for them.
_SHELL_VARIABLE = "_CCT_COMPLETE"

_MOST_RUNS = 50


def agent_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The agents of the project and the bundled ones; after a comma, those that are not named before it."""
    from cct_cloudflare.components.model import Kind

    return _component_names(context, Kind.AGENT, incomplete)


def command_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The same for commands."""
    from cct_cloudflare.components.model import Kind

    return _component_names(context, Kind.COMMAND, incomplete)


def skill_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The same for skills."""
    from cct_cloudflare.components.model import Kind

    return _component_names(context, Kind.SKILL, incomplete)


def setting_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The same for settings."""
    from cct_cloudflare.components.model import Kind

    return _component_names(context, Kind.SETTING, incomplete)


def hook_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The same for hooks."""
    from cct_cloudflare.components.model import Kind

    return _component_names(context, Kind.HOOK, incomplete)


def mcp_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The same for MCP servers."""
    from cct_cloudflare.components.model import Kind

    return _component_names(context, Kind.MCP, incomplete)


def registry_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The registries that were added."""
    from cct_cloudflare.errors import CctError
    from cct_cloudflare.registries.book import registries

    try:
        return _items({registry.name: registry.address for registry in registries()}, incomplete)
    except CctError:
        return []


def kinds_and_refs(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The kinds; behind `agent/` what there is of that kind, as `cct list` and `cct remove` write it."""
    from cct_cloudflare.components.model import Kind

    kind, slash, beginning = incomplete.partition("/")
    if not slash:
        return _items(dict.fromkeys(Kind, ""), incomplete)
    if kind not in list(Kind):
        return []
    fitting = _component_names(context, Kind(kind), beginning)
    return [_item(f"{kind}/{item.value}", item.help or "") for item in fitting]


def names_of_kind(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What there is of the kind that was typed before."""
    from cct_cloudflare.components.model import Kind

    kind = context.params.get("kind")
    return _component_names(context, Kind(kind), incomplete) if kind in list(Kind) else []


def source_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What `--from` takes by a name."""
    own = {"project": "what this project has itself", "bundled": "what comes with cct"}
    return [*_items(own, incomplete), *registry_names(context, parameter, incomplete)]


def model_names(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Aliases, then the full names that cct knows."""
    from cct_cloudflare.pricing import model_table

    table = model_table()
    return _items({**table.aliases, **dict.fromkeys(table.prices, "")}, incomplete)


def run_ids(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The latest runs of the history."""
    from cct_cloudflare.errors import CctError
    from cct_cloudflare.history import database
    from cct_cloudflare.history.reading import Query, list_runs

    try:
        with database.opened() as connection:
            runs = list_runs(connection, Query(limit=_MOST_RUNS)) if connection else []
    except CctError:
        return []
    return _items({"last": "the latest run", **{run.id: run.title for run in runs}} if runs else {}, incomplete)


def installed_refs(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What is installed in the project, or for the user with `--scope user`, as `kind/category/name`."""
    from cct_cloudflare.errors import CctError
    from cct_cloudflare.install.lockfile import Scope
    from cct_cloudflare.install.site import Site

    named = set(context.params.get("refs") or ())
    try:
        scope = Scope(context.params.get("scope") or Scope.PROJECT)
        lock = Site.of(scope, Path(context.params.get("directory") or Path())).read_lock()
    except (CctError, OSError, ValueError):
        return []
    return _items({locked.ref: locked.source for locked in lock.components if locked.ref not in named}, incomplete)


def _component_names(context: click.Context, kind: Kind, incomplete: str) -> list[CompletionItem]:
    before, comma, beginning = incomplete.rpartition(",")
    named = {name.strip() for name in before.split(",")}
    found = {name: told for name, told in _components(context, kind) if _ONE_WORD.fullmatch(name) and name not in named}
    fitting = [name for name in found if name.startswith(beginning)]
    if not fitting:
        # The last part is a name as well. Where several fit, a shell would put in its place what all begin with.
        fitting = [name for name in found if name.rpartition("/")[2].startswith(beginning)]
        fitting = fitting if len(fitting) == 1 else []
    is_told = not os.environ.get(_SHELL_VARIABLE, "").startswith("bash")
    return [_item(f"{before}{comma}{name}", found[name] if is_told else "") for name in fitting]


def _components(context: click.Context, kind: Kind) -> Iterator[tuple[str, str]]:
    """Every name with what it is for, once for each place that has it, the one that counts last. Asks nobody."""
    from cct_cloudflare import config
    from cct_cloudflare.catalog import bundled_catalog, project_catalog
    from cct_cloudflare.errors import CctError

    project = Path(context.params.get("directory") or Path()).resolve()
    try:
        catalogs: list[Catalog] = [bundled_catalog()]
        if config.registries_file().exists():
            from cct_cloudflare.registries import opened_catalogs

            catalogs += opened_catalogs(offline=True)
        for catalog in (*catalogs, project_catalog(project)):
            with contextlib.suppress(CctError):
                yield from ((item.name, item.description) for item in catalog.items(kind))
    except (CctError, OSError):
        return


def _items(described: Mapping[str, str], incomplete: str) -> list[CompletionItem]:
    return [_item(name, text) for name, text in described.items() if name.startswith(incomplete)]


def _item(value: str, description: str) -> CompletionItem:
    from click.shell_completion import CompletionItem

    # A line break would begin another item.
    return CompletionItem(value, help=plain_line(description) or None)
