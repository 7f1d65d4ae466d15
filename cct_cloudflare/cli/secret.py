"""`cct secret`: the token of the deployed Worker."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.options import deployment_options

_ROTATE_EPILOG = """\b
Examples:
  cct secret rotate
  cct secret rotate --keep-old      both tokens count, while you hand out the new one
  cct secret rotate                 …and then ends that: the old one is refused

\b
A rotation that was interrupted goes on when you run it again.
"""

_SHOW_EPILOG = """\b
Examples:
  export CCT_TOKEN=$(cct secret show)
"""


@click.group()
def secret() -> None:
    """The token of the deployed Worker."""


@secret.command(epilog=_ROTATE_EPILOG)
@deployment_options
@click.option("--keep-old", is_flag=True, help="Let the old token count, too, until the next cct secret rotate.")
def rotate(
    directory: Path, environment: str, account: str | None, as_json: bool, no_color: bool, keep_old: bool
) -> None:
    """Give the deployed Worker a new CCT_TOKEN, with no gap.

    The Worker accepts the old and the new token until your own clients use the new one; then the old one goes.
    """
    from cct_cloudflare.cli.deployed import run_rotate

    run_rotate(directory.resolve(), environment, account, keep_old=keep_old, as_json=as_json, no_color=no_color)


@secret.command(epilog=_SHOW_EPILOG)
@deployment_options
def show(directory: Path, environment: str, account: str | None, as_json: bool, no_color: bool) -> None:
    """Print the token of the deployed Worker, for other clients."""
    del no_color
    from cct_cloudflare.cli.deployed import run_show

    run_show(directory.resolve(), environment, account, as_json=as_json)
