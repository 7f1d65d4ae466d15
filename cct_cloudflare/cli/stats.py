"""`cct stats`: what the runs come to."""

from __future__ import annotations

import json

import click

from cct_cloudflare.cli.options import json_option


@click.command(
    epilog="""\b
Examples:
  cct stats
  cct stats --days 7
  cct stats --json
""",
)
@click.option(
    "--days", type=click.IntRange(1, 36_500), help="Only the last days, today among them; all runs otherwise."
)
@json_option
def stats(days: int | None, as_json: bool) -> None:
    """Sum up the history: runs, success, time, tokens and cost, per day and per model.

    Days are those of your time zone. Runs with the scripted model (--demo) are counted apart.
    """
    from cct_cloudflare.history import database
    from cct_cloudflare.history.reading import start_of_days
    from cct_cloudflare.history.statistics import NOTHING, collect
    from cct_cloudflare.history.summing import statistics_lines
    from cct_cloudflare.history.telling import FIRST_RUN

    with database.opened() as connection:
        since = None if days is None else start_of_days(days)
        statistics = collect(connection, since) if connection else NOTHING
    if as_json:
        click.echo(json.dumps({"days": days, **statistics.to_json()}))
        return
    import shutil

    for line in statistics_lines(statistics, days, shutil.get_terminal_size().columns):
        click.echo(line)
    if not statistics.totals.runs and not statistics.demo_runs and days is None:
        click.echo(f"A first run, without a key:\n  {FIRST_RUN}", err=True)
