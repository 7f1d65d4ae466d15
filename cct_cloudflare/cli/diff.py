"""`cct diff`: what has changed since components were installed."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.completing import installed_refs
from cct_cloudflare.cli.options import directory_option, json_option, no_color_option

_EPILOG = """\b
Examples:
  cct diff
  cct diff agent/code-reviewer
  cct diff --local --exit-code
  cct diff --json

\b
Two differences, both from the installed version: your edits, and what cct update would bring. Of settings and other
files that components are merged into, only the component's own keys are compared.
"""


@click.command(epilog=_EPILOG)
@click.argument("refs", nargs=-1, metavar="[KIND/NAME]...", shell_complete=installed_refs)
@click.option("--from", "source", metavar="SOURCE", help="Compare with this source; where they came from by default.")
@click.option("--local", is_flag=True, help="Your edits alone; no source is looked at.")
@click.option(
    "--scope",
    type=click.Choice(["project", "local", "user"]),
    default="project",
    show_default=True,
    help="Where they are installed: in the project, or for you everywhere.",
)
@click.option("--exit-code", is_flag=True, help="End with 1 when there is a difference.")
@directory_option
@json_option
@no_color_option
def diff(
    refs: tuple[str, ...],
    source: str | None,
    local: bool,
    scope: str,
    exit_code: bool,
    directory: Path,
    as_json: bool,
    no_color: bool,
) -> int:
    """Show what you changed in installed components, and what has changed at their sources."""
    from cct_cloudflare.cli.diffing import Diffing
    from cct_cloudflare.cli.diffing import diff as carry_out
    from cct_cloudflare.install.lockfile import Scope

    return carry_out(Diffing(refs, directory, source, local, Scope(scope), exit_code, as_json, no_color))
