"""`cct destroy`: takes the deployed Worker away again."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.options import deployment_options

_EPILOG = """\b
Examples:
  cct destroy
  cct destroy --env staging --yes
  cct destroy --name cct-sandbox      one that was deployed before, under another name
"""


@click.command(epilog=_EPILOG)
@deployment_options
@click.option("--name", metavar="NAME", help="The Worker's name on Cloudflare; the project's own one by default.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
def destroy(
    directory: Path, environment: str, account: str | None, as_json: bool, no_color: bool, name: str | None, yes: bool
) -> None:
    """Remove the deployed Worker from your Cloudflare account.

    Removes the Worker, its secrets and its Durable Objects, and forgets its URL and token. Your project's files stay.
    """
    from cct_cloudflare.cli.deployed import run_destroy
    from cct_cloudflare.deploy.request import DeployRequest

    request = DeployRequest(project=directory.resolve(), environment=environment, name=name, account=account)
    run_destroy(request, yes=yes, as_json=as_json, no_color=no_color)
