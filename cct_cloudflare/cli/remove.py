"""`cct remove`: components out of a project's `.claude`, or the user's."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.completing import installed_refs
from cct_cloudflare.cli.options import directory_option, json_option, no_color_option

_EPILOG = """\b
Examples:
  cct remove agent/code-reviewer
  cct remove hook/git/guard-main mcp/devtools/github --yes
  cct remove --all --dry-run
"""


@click.command(epilog=_EPILOG)
@click.argument("refs", nargs=-1, metavar="KIND/NAME...", shell_complete=installed_refs)
@click.option("--all", "all_of_them", is_flag=True, help="Everything that cct installed here.")
@click.option(
    "--scope",
    type=click.Choice(["project", "local", "user"]),
    default="project",
    show_default=True,
    help="Where it is installed: in the project, or for you everywhere.",
)
@click.option("--force", is_flag=True, help="Remove files that you changed, too; a copy is kept.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing; files that you changed stay.")
@directory_option
@json_option
@no_color_option
def remove(
    refs: tuple[str, ...],
    all_of_them: bool,
    scope: str,
    force: bool,
    dry_run: bool,
    yes: bool,
    directory: Path,
    as_json: bool,
    no_color: bool,
) -> None:
    """Take installed components out again: just what is theirs, and nothing that you wrote or changed since."""
    from cct_cloudflare.cli.removing import Removing
    from cct_cloudflare.cli.removing import remove as carry_out
    from cct_cloudflare.install.lockfile import Scope

    carry_out(Removing(refs, directory, Scope(scope), all_of_them, force, dry_run, yes, as_json, no_color))
