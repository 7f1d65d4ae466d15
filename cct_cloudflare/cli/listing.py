"""`cct list` and `cct search`: which components there are."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cct_cloudflare.cli.completing import source_names
from cct_cloudflare.cli.options import directory_option, json_option

if TYPE_CHECKING:
    from cct_cloudflare.inventory import Listed

_F = TypeVar("_F", bound=Callable[..., Any])

KINDS = ("agent", "command", "setting", "hook", "mcp", "skill")

kind_option = click.option("--kind", type=click.Choice(KINDS), help="Only components of one kind.")
source_option = click.option(
    "--from",
    "source",
    metavar="SOURCE",
    shell_complete=source_names,
    help="Only what one source has: project, bundled, the name of a registry, a folder or an address.",
)


@click.command(
    "list",
    epilog="""\b
Examples:
  cct list
  cct list --installed
  cct list --kind hook
  cct list --category security --json
  cct list --from ../our-components
""",
)
@click.option("--installed", is_flag=True, help="Only what this project has.")
@kind_option
@click.option("--category", metavar="NAME", help="Only components of one category, and of those below it.")
@source_option
@directory_option
@json_option
def list_(
    installed: bool, kind: str | None, category: str | None, source: str | None, directory: Path, as_json: bool
) -> None:
    """List components: the project's own, those of your registries, and those that come with cct.

    What cct installed is known from .claude/cct.lock; what else lies in .claude/ is the project's own.
    """
    from cct_cloudflare.cli.healing import heal_project
    from cct_cloudflare.components.model import Kind
    from cct_cloudflare.inventory import select, take

    heal_project(directory)
    listed = take(directory, source, note=note).listed(None if kind is None else Kind(kind))
    listed = select(listed, category=category, installed=installed)
    is_filtered = kind is not None or category is not None or source is not None
    nothing = "No component is like that. All there is: cct list" if is_filtered else "There is no component."
    if installed and not is_filtered:
        nothing = "Nothing is installed here. What there is: cct list"
    _show(listed, as_json=as_json, nothing=nothing)


@click.command(
    epilog="""\b
Examples:
  cct search react
  cct search "review a pull request" --kind agent
  cct search playwrigth --limit 3 --json
""",
)
@click.argument("query", nargs=-1, required=True)
@kind_option
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the best first.")
@source_option
@directory_option
@json_option
def search(
    query: Sequence[str], kind: str | None, limit: int, source: str | None, directory: Path, as_json: bool
) -> None:
    """Search components by words, the best first: in names, categories, tools and descriptions.

    A mistyped word finds what it was meant to be.
    """
    from cct_cloudflare.components.model import Kind
    from cct_cloudflare.inventory import search_listed, take

    listed = take(directory, source, note=note).listed(None if kind is None else Kind(kind))
    found = search_listed(listed, " ".join(query))
    _show(found[:limit], as_json=as_json, nothing="No component is found by these words. All there is: cct list")
    if len(found) > limit and not as_json:
        click.echo(f"{limit:,} of {len(found):,} components; --limit shows more.", err=True)


def note(text: str) -> None:
    """What was left out, beside the answer."""
    click.echo(text, err=True)


def _show(listed: Sequence[Listed], *, as_json: bool, nothing: str) -> None:
    if as_json:
        click.echo(json.dumps({"items": [one.to_json() for one in listed]}))
    elif not listed:
        click.echo(nothing, err=True)
    else:
        from cct_cloudflare.inventory.telling import listed_table

        click.echo("\n".join(listed_table(listed, shown_width())))


def shown_width() -> int | None:
    """The terminal's width; None where the list goes elsewhere and is not to be cut."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() or os.environ.get("COLUMNS") else None
