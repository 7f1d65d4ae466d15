"""`cct history`: what was run, what came of it, and running it again."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from cct_cloudflare.cli.completing import run_ids
from cct_cloudflare.cli.options import json_option, may_ask, output_options, request_options, run_options, yes_option


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  cct history
  cct history --failed --days 7
  cct history --search todo --limit 5
  cct history show last
  cct history rerun 0tw4yrxep --model opus
""",
)
@click.option("--search", metavar="TEXT", help="Only runs whose prompt, components, files, model or error has TEXT.")
@click.option("--failed", is_flag=True, help="Only runs that did not succeed.")
@click.option("--days", type=click.IntRange(1, 36_500), help="Only runs of the last days, today among them.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the newest first.")
@json_option
@click.pass_context
def history(
    context: click.Context, search: str | None, failed: bool, days: int | None, limit: int, as_json: bool
) -> None:
    """List what was run here, the newest first.

    Prompts, programs and what they printed are kept in a file of yours alone, keys and tokens are not.
    """
    if context.invoked_subcommand is not None:
        return
    from cct_cloudflare.history import database
    from cct_cloudflare.history.reading import Query, count_runs, list_runs, start_of_days

    since = None if days is None else start_of_days(days)
    query = Query(text=search, failed=failed, since_ms=since, limit=limit)
    with database.opened() as connection:
        runs = list_runs(connection, query) if connection else []
        total = count_runs(connection, query) if connection else 0
    if as_json:
        click.echo(json.dumps({"runs": [run.to_json() for run in runs], "total": total}))
        return
    from cct_cloudflare.history.telling import FIRST_RUN, runs_table

    if not runs:
        is_asked = search is not None or failed or days is not None
        said = (
            "No run is like that." if is_asked else f"Nothing was run yet. A first run, without a key:\n  {FIRST_RUN}"
        )
        click.echo(said, err=True)
        return
    for line in runs_table(runs, _width()):
        click.echo(line)
    if total > len(runs):
        click.echo(f"{len(runs):,} of {total:,} runs; --limit shows more.", err=True)


@history.command(
    epilog="""\b
Examples:
  cct history show last
  cct history show 0tw4 --save again
""",
)
@click.argument("run", metavar="ID", shell_complete=run_ids)
@click.option(
    "--save", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="Write its files into a folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, with every text as it was kept.")
def show(run: str, save: Path | None, as_json: bool) -> int:
    """Show one run: prompt, components, program, output, figures.

    ID is a run's id, or as much of its beginning as is its alone; last is the latest.
    """
    from cct_cloudflare.history import database
    from cct_cloudflare.history.reading import find_run
    from cct_cloudflare.history.telling import run_lines

    with database.opened() as connection:
        record = find_run(connection, run)
    if save is not None:
        from cct_cloudflare.cli.again import save_again

        return save_again(record, save, as_json=as_json)
    click.echo(json.dumps(record.to_json()) if as_json else "\n".join(run_lines(record)))
    return 0


@history.command(
    epilog="""\b
Examples:
  cct history rerun last
  cct history rerun 0tw4 --model opus --output second
""",
)
@click.argument("run", metavar="ID", shell_complete=run_ids)
@request_options
@run_options
@output_options
def rerun(run: str, **options: Any) -> int:
    """Send the same request once more, word for word.

    Options of then hold unless others are given; it runs where it ran. A program of one's own runs again as it was.
    ID is a run's id, or as much of its beginning as is its alone; last is the latest.
    """
    from cct_cloudflare.cli.again import run_again
    from cct_cloudflare.cli.job import PromptOptions
    from cct_cloudflare.history import database
    from cct_cloudflare.history.reading import find_run

    with database.opened() as connection:
        record = find_run(connection, run)
    return run_again(record, PromptOptions(agents=(), commands=(), **options))


@history.command()
@click.option("--older-than", type=click.IntRange(1, 36_500), metavar="DAYS", help="Only runs from before these days.")
@yes_option
@json_option
def clear(older_than: int | None, yes: bool, as_json: bool) -> None:
    """Remove runs from the history, for good. Files that runs have saved stay."""
    from cct_cloudflare.errors import UsageError
    from cct_cloudflare.history import database
    from cct_cloudflare.history.clearing import count_older, remove_older
    from cct_cloudflare.history.reading import start_of_days
    from cct_cloudflare.wording import counted

    before = None if older_than is None else start_of_days(older_than)
    removed = 0
    if database.path().exists():
        with database.opened(write=True) as connection:
            assert connection is not None  # noqa: S101 - opened for writing, there is one
            count = count_older(connection, before)
            if count and not yes:
                if not may_ask(yes=yes, as_json=as_json):
                    raise UsageError(f"{counted(count, 'run')} would be removed.", hint="Say so with --yes.")
                click.confirm(f"Remove {counted(count, 'run')}, for good?", default=False, abort=True, err=True)
            removed = remove_older(connection, before) if count else 0
    click.echo(json.dumps({"success": True, "removed": removed}) if as_json else f"Removed {counted(removed, 'run')}.")


def _width() -> int | None:
    """The terminal's width; None where the list goes elsewhere and is not to be cut."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() or os.environ.get("COLUMNS") else None
