"""`cct init`: renders the Worker project. Installs nothing and runs nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command()
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The project to render into; the current folder by default.",
)
@click.option("--name", help="The Worker's name on Cloudflare; remembered in the project.")
@click.option("--force", is_flag=True, help="Rewrite files that you edited, too; yours go to .cct-backup/.")
@click.option("--dry-run", is_flag=True, help="Show what would happen to each file, and write nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def init(directory: Path, name: str | None, force: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Render the Worker project into .claude/sandbox/cloudflare, or bring it up to date.

    What you edited there is kept. A second run changes nothing.
    """
    from cct_cloudflare.scaffold import Action, apply, plan
    from cct_cloudflare.scaffold.describe import summary, tree

    decided = plan(directory, name=name, force=force)
    overwritten = decided.having(Action.OVERWRITE)
    if overwritten and not (dry_run or yes or as_json) and sys.stdin.isatty():
        click.confirm(f"Replace what you edited ({', '.join(overwritten)})?", abort=True, err=True)
    if not dry_run:
        decided = apply(decided)
    if as_json:
        click.echo(json.dumps({"success": True, "dryRun": dry_run, **decided.to_json()}))
        return
    if dry_run:
        click.echo(tree(decided), nl=False)
    click.echo(summary(decided, applied=not dry_run), nl=False, err=True)
