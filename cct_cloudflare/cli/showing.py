"""`cct show`: one component, as it is and what it would do."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cct_cloudflare.cli.completing import kinds_and_refs, names_of_kind
from cct_cloudflare.cli.listing import KINDS, note, shown_width, source_option
from cct_cloudflare.cli.options import directory_option, json_option
from cct_cloudflare.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  cct show agent frontend-developer
  cct show hook git/guard-main
  cct show skill/testing/playwright --json
  cct show mcp github --from bundled
""",
)
@click.argument("kind", metavar="KIND", shell_complete=kinds_and_refs)
@click.argument("name", metavar="NAME", required=False, shell_complete=names_of_kind)
@source_option
@directory_option
@json_option
def show(kind: str, name: str | None, source: str | None, directory: Path, as_json: bool) -> None:
    """Show a component: what it is for, what would take effect, its files and its text.

    KIND is agent, command, setting, hook, mcp or skill; NAME is category/name, or the name alone where one has it.
    """
    from cct_cloudflare.components.model import Kind
    from cct_cloudflare.inventory import take
    from cct_cloudflare.inventory.telling import component_json, component_lines
    from cct_cloudflare.validation import effects, risks

    kind, name = _reference(kind, name)
    one, package = take(directory, source, note=note).load(name, Kind(kind))
    told = (one, package, effects(package), risks(package))
    click.echo(json.dumps(component_json(*told)) if as_json else "\n".join(component_lines(*told, shown_width())))


def _reference(kind: str, name: str | None) -> tuple[str, str]:
    """The two arguments, or one as `cct list` and `cct remove` write it: `agent/category/name`."""
    if name is None:
        kind, _, name = kind.partition("/")
    if kind not in KINDS:
        raise UsageError(f"{kind!r} is no kind of component.", hint=f"Those that exist: {', '.join(KINDS)}.")
    if not name:
        raise UsageError(f"The name of the {kind} is missing.", hint=f"See what there is: cct list --kind {kind}")
    return kind, name
