"""`cct logs`: what the deployed Worker logs, as it happens."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.options import deployment_options

_EPILOG = """\b
Examples:
  cct logs
  cct logs --status error --json
  cct logs --search model_failed

\b
Ctrl-C ends it. Cloudflare keeps logs for some days, too: the dashboard shows them under the Worker's observability.
"""


@click.command(epilog=_EPILOG)
@deployment_options
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(["ok", "error", "canceled"]),
    help="Only requests that ended so; repeat for more.",
)
@click.option("--search", metavar="TEXT", help="Only requests whose log has this text.")
@click.option("--method", "methods", multiple=True, metavar="METHOD", help="Only this HTTP method; repeat for more.")
def logs(
    directory: Path,
    environment: str,
    account: str | None,
    as_json: bool,
    no_color: bool,
    statuses: tuple[str, ...],
    search: str | None,
    methods: tuple[str, ...],
) -> None:
    """Show the log of the deployed Worker, live.

    With --json each request is one line with one JSON object, as Cloudflare gives it.
    """
    del no_color  # the log has no colours
    from cct_cloudflare.cli.deployed import run_logs

    filters = [f"--status={status}" for status in statuses]
    filters += [f"--search={search}"] if search is not None else []
    filters += [f"--method={method}" for method in methods]
    run_logs(directory.resolve(), environment, account, filters, as_json=as_json)
