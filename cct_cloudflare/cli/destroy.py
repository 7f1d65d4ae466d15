"""`cct destroy`: takes the deployed Worker away again."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.options import deployment_options

_EPILOG = """\b
Examples:
  cct destroy
  cct destroy --env staging --yes
"""


@click.command(epilog=_EPILOG)
@deployment_options
@click.option("--yes", is_flag=True, help="Ask nothing.")
def destroy(directory: Path, environment: str, account: str | None, as_json: bool, no_color: bool, yes: bool) -> None:
    """Remove the deployed Worker from your Cloudflare account.

    Removes the Worker, its secrets and its Durable Objects, and forgets its URL and token. Your project's files stay.
    """
    from cct_cloudflare.cli.deployed import run_destroy

    run_destroy(directory.resolve(), environment, account, yes=yes, as_json=as_json, no_color=no_color)
