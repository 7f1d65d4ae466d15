"""`cct update`: installed components, brought to their sources' present versions."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.completing import installed_refs
from cct_cloudflare.cli.options import decision_of, directory_option, json_option, no_color_option

_EPILOG = """\b
Examples:
  cct update --dry-run
  cct update agent/code-reviewer --yes
  cct update hook/git/guard-main --trust
  cct update --from ../our-components

\b
What you changed stays. Where the new version changes the same lines or keys, both sides are shown and you are
asked; --keep and --replace answer for all. New code of a hook, and whatever else needs a yes of its own when it is
installed, needs it again. A registry gives what it is pinned to: cct registry update moves the pin.
"""


@click.command(epilog=_EPILOG)
@click.argument("refs", nargs=-1, metavar="[KIND/NAME]...", shell_complete=installed_refs)
@click.option(
    "--from", "source", metavar="SOURCE", help="Take new versions from here, of what it has; else where each came from."
)
@click.option(
    "--scope",
    type=click.Choice(["project", "local", "user"]),
    default="project",
    show_default=True,
    help="Where they are installed: in the project, or for you everywhere.",
)
@click.option("--keep", is_flag=True, help="In a conflict, leave yours.")
@click.option("--replace", is_flag=True, help="In a conflict, take the component's.")
@click.option("--both", is_flag=True, help="In a conflict between MCP servers, have both.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing; what is newly risky is refused.")
@click.option("--trust", is_flag=True, help="Take newly risky content, and approve new MCP servers, unasked.")
@directory_option
@json_option
@no_color_option
def update(
    refs: tuple[str, ...],
    source: str | None,
    scope: str,
    keep: bool,
    replace: bool,
    both: bool,
    dry_run: bool,
    yes: bool,
    trust: bool,
    directory: Path,
    as_json: bool,
    no_color: bool,
) -> int:
    """Bring installed components to the versions that their sources have now; all of them, or those that are named.

    Only what is theirs is changed, and your edits stay.
    """
    from cct_cloudflare.cli.updating import Updating
    from cct_cloudflare.cli.updating import update as carry_out
    from cct_cloudflare.install.lockfile import Scope

    decision = decision_of(keep=keep, replace=replace, both=both)
    return carry_out(Updating(refs, directory, source, Scope(scope), decision, yes, trust, dry_run, as_json, no_color))
