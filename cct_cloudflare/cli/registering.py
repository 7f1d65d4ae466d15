"""What `cct registry` does and shows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from cct_cloudflare.cli.listing import shown_width
from cct_cloudflare.cli.progress import shown_progress
from cct_cloudflare.components.model import Kind
from cct_cloudflare.errors import CctError, Exit
from cct_cloudflare.plain import plain_line
from cct_cloudflare.registries import catalog_of
from cct_cloudflare.registries.book import Registry, forget, registries
from cct_cloudflare.registries.changing import Updated, add_registry, update_registry
from cct_cloudflare.registries.listing import Listing, counts_of, read_listing
from cct_cloudflare.tables import Column, table
from cct_cloudflare.terminal import show_error
from cct_cloudflare.wording import counted, short_revision

#: So many lines of a list are shown; --json has them all.
_MOST_LINES = 8
_KINDS = {"mcps": ("MCP server", "MCP servers")}


def run_add(name: str, address: str, ref: str | None, *, as_json: bool, no_color: bool) -> None:
    with shown_progress(f"Looking at {plain_line(address)}", no_color=no_color) as progress:
        added = add_registry(name, address, ref=ref, progress=progress, note=_note)
    if as_json:
        click.echo(json.dumps({"success": True, **_to_json(added.registry, added.listing)}))
        return
    registry, listing = added.registry, added.listing
    click.echo(
        f"{click.style('✓', fg='green')} Added {registry.name}, a {listing.layout}: {_counts(listing.counts())}."
    )
    click.echo(f"  {_pinned(registry)}")
    _show_left_out(listing)
    click.echo(f"See what it has: cct list --from {registry.name}", err=True)


def run_list(*, as_json: bool) -> None:
    known = [(registry, _known_counts(registry)) for registry in registries()]
    if as_json:
        entries = [{**registry.to_json(), "components": counts} for registry, counts in known]
        click.echo(json.dumps({"registries": entries}))
        return
    if not known:
        click.echo("No registry was added yet. One of many:", err=True)
        click.echo("  cct registry add templates github:davila7/claude-code-templates", err=True)
        return
    columns = [Column("NAME"), Column("PINNED TO"), Column("COMPONENTS", "right"), Column("ADDRESS", least=20)]
    rows = [
        [registry.name, _short(registry.revision), _total(counts), _address(registry)] for registry, counts in known
    ]
    for line in table(columns, rows, shown_width()):
        click.echo(line)


def run_update(names: Sequence[str], *, as_json: bool, no_color: bool) -> int:
    """The exit code: that of the first one that could not be updated; the others are."""
    wanted = list(dict.fromkeys(names)) or [registry.name for registry in registries()]
    updated: list[dict[str, Any]] = []
    failed: list[CctError] = []
    for name in wanted:
        try:
            with shown_progress(f"Looking at {plain_line(name)}", no_color=no_color) as progress:
                result = update_registry(name, progress=progress, note=_note)
        except CctError as error:
            failed.append(error)
            updated.append({"name": name, **error.to_json()})
            if not as_json:
                show_error(error, no_color=no_color)
            continue
        updated.append(_update_to_json(result))
        if not as_json:
            _show_update(result)
    if as_json:
        click.echo(json.dumps({"success": not failed, "registries": updated}))
    elif not wanted:
        click.echo("No registry was added yet: cct registry add NAME ADDRESS", err=True)
    return failed[0].exit_code if failed else Exit.OK


def run_remove(name: str, *, as_json: bool) -> None:
    removed = forget(name)
    if as_json:
        click.echo(json.dumps({"success": True, "registry": removed.to_json()}))
        return
    click.echo(f"Removed {removed.name}. What was installed from it stays.")


def _show_update(result: Updated) -> None:
    registry = result.registry
    if registry.revision is None:
        click.echo(f"{registry.name}  is a folder, and always as it is now: {_counts(result.listing.counts())}.")
        return
    if not result.is_new:
        changed = f"{counted(result.refreshed, 'file')} changed" if result.refreshed else "nothing new"
        click.echo(f"{registry.name}  {_short(registry.revision)}, {changed}.")
        return
    click.echo(f"{registry.name}  {_short(result.old_revision)} → {_short(registry.revision)}")
    for sign, color, refs in (("+", "green", result.added), ("-", "red", result.removed)):
        _show_lines([f"{sign} {plain_line(ref)}" for ref in refs or ()], color)
    if result.added is None:
        click.echo(f"  It has {_counts(result.listing.counts())}.")
    elif not result.added and not result.removed:
        click.echo("  The same components; their content may have changed.")


def _show_left_out(listing: Listing) -> None:
    if listing.left_out:
        click.echo(f"Left out: {counted(len(listing.left_out), 'part')} that cannot be installed from it.", err=True)
        _show_lines(listing.left_out, None, err=True)


def _show_lines(lines: Sequence[str], color: str | None, *, err: bool = False) -> None:
    for line in lines[:_MOST_LINES]:
        click.echo(f"  {click.style(line, fg=color)}", err=err)
    if len(lines) > _MOST_LINES:
        click.echo(f"  … and {len(lines) - _MOST_LINES:,} more; --json names them all.", err=err)


def _to_json(registry: Registry, listing: Listing) -> dict[str, Any]:
    return {
        **registry.to_json(),
        "layout": listing.layout,
        "components": listing.counts(),
        "leftOut": list(listing.left_out),
    }


def _update_to_json(result: Updated) -> dict[str, Any]:
    known = None if result.added is None else list(result.added)
    gone = None if result.removed is None else list(result.removed)
    return {
        "success": True,
        **_to_json(result.registry, result.listing),
        "oldRevision": result.old_revision,
        "added": known,
        "removed": gone,
        "refreshed": result.refreshed,
    }


def _known_counts(registry: Registry) -> dict[str, int] | None:
    """How many of each kind, as far as that is known here; of a folder, what it has now."""
    if registry.revision is not None:
        listing = read_listing(registry.address, registry.revision)
        return None if listing is None else listing.counts()
    try:
        return counts_of(catalog_of(registry.name).items())
    except CctError:
        return None


def _counts(counts: Mapping[str, int]) -> str:
    names = {kind.folder: (str(kind), kind.folder) for kind in Kind} | _KINDS
    parts = [counted(count, *names[folder]) for folder, count in counts.items()]
    return ", ".join(parts) or "no components"


def _pinned(registry: Registry) -> str:
    if registry.revision is None:
        return f"{_address(registry)}, always as it is now"
    # A commit is shown whole: people compare it with what git or GitHub say.
    revision = _short(registry.revision) if registry.revision.startswith("sha256:") else plain_line(registry.revision)
    return f"{_address(registry)}, pinned to {revision}"


def _address(registry: Registry) -> str:
    return plain_line(registry.address) + (f" ({registry.ref})" if registry.ref else "")


def _short(revision: str | None) -> str:
    return "-" if revision is None else plain_line(short_revision(revision))


def _total(counts: Mapping[str, int] | None) -> str:
    return "-" if counts is None else f"{sum(counts.values()):,}"


def _note(text: str) -> None:
    click.echo(f"Note: {plain_line(text)}", err=True)
