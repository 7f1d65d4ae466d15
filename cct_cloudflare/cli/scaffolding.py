"""What `cct init` shows and asks, with and without `--update`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from cct_cloudflare.cli.options import may_ask
from cct_cloudflare.errors import ConfigError, UsageError
from cct_cloudflare.plain import plain
from cct_cloudflare.scaffold import Action, Plan, apply
from cct_cloudflare.scaffold.changes import FileChange, changes
from cct_cloudflare.scaffold.describe import summary, tree
from cct_cloudflare.scaffold.planning import WRITES
from cct_cloudflare.streams import is_rich
from cct_cloudflare.wording import counted

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def render_project(plan: Plan, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Carries the plan out. Raises click.Abort when the user declines."""
    overwritten = plan.having(Action.OVERWRITE)
    if overwritten and not dry_run and may_ask(yes=yes, as_json=as_json):
        click.confirm(f"Replace what you edited ({', '.join(overwritten)})?", abort=True, err=True)
    if not dry_run:
        plan = apply(plan)
    if as_json:
        _print_json(plan, dry_run=dry_run)
        return
    if dry_run:
        click.echo(tree(plan), nl=False)
    click.echo(summary(plan, applied=not dry_run), nl=False, err=True)


def update_project(plan: Plan, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Shows the changes, asks, and carries the plan out.

    Raises ConfigError for a project that has nothing to update, and UsageError when a question would be due and nobody
    is there to answer it.
    """
    if plan.is_new:
        raise ConfigError(
            f"There is no Worker project in {plan.project} that could be updated.",
            hint="Render it: cct init",
        )
    shown = changes(plan)
    touched = plan.having(*WRITES, Action.REMOVE)
    must_ask = bool(touched) and not (dry_run or yes)
    if must_ask and not may_ask(yes=yes, as_json=as_json):
        raise UsageError(
            "The update was not applied, because nobody can be asked here.",
            hint="--yes applies it, --dry-run shows it.",
        )
    if not as_json:
        _show(shown, err=not dry_run)
    if must_ask and not click.confirm(f"Apply this to {counted(len(touched), 'file')}?", default=True, err=True):
        click.echo("Nothing was changed.", err=True)
        return
    if not dry_run:
        plan = apply(plan)
    if as_json:
        _print_json(plan, dry_run=dry_run, changes=[change.to_json() for change in shown])
        return
    click.echo(summary(plan, applied=not dry_run), nl=False, err=True)
    if plan.having(Action.CONFLICT):
        click.echo(
            "Merge by hand, then: cct init --update --keep. Or take cct's files: cct init --update --force", err=True
        )


def _print_json(plan: Plan, *, dry_run: bool, **more: Any) -> None:
    click.echo(json.dumps({"success": True, "dryRun": dry_run, **plan.to_json(), **more}))


def _show(shown: Iterable[FileChange], *, err: bool) -> None:
    color = is_rich(sys.stderr if err else sys.stdout, no_color=False)
    for line in _lines(shown):
        click.echo(line, err=err, color=color)


def _lines(shown: Iterable[FileChange]) -> Iterator[str]:
    for change in shown:
        note = f": {change.note}" if change.note else ""
        if change.action is Action.CONFLICT:
            note += ": kept as it is; - is your file, + is cct's"
        yield click.style(f"{change.action.value:<9} {change.path}{note}", bold=True)
        for line in change.diff[2:]:
            text = _harmless(line)
            yield click.style(text, fg=_COLOURS.get(text[:1]))
        if change.omitted:
            yield click.style(f"… {change.omitted:,} more lines", dim=True)
        if change.diff:
            yield ""


def _harmless(line: str) -> str:
    """One line of a file, which may be anybody's, on one line of a terminal."""
    return plain(line).rstrip("\n").replace("\n", "␍")
