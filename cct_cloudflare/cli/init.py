"""`cct init`: renders the Worker project. Installs nothing and runs nothing."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.options import json_option, yes_option

_EPILOG = """\b
Examples:
  cct init
  cct init --name my-worker --model opus --allowed-origin https://example.com
  cct init --with-container
  cct init --update --dry-run
  cct init --update --yes

\b
--name, --model, --allowed-origin and --with-container are remembered in the project, for every later run.
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The project to render into; the current folder by default.",
)
@click.option("--name", metavar="NAME", help="The Worker's name on Cloudflare.")
@click.option(
    "--model",
    metavar="NAME",
    help="The model of requests that name none: sonnet, opus, haiku or a full name; `default` is cct's choice again.",
)
@click.option(
    "--allowed-origin",
    "allowed_origins",
    multiple=True,
    metavar="URL",
    help="A web page's origin that may call the Worker; repeat for more. Replaces the list; `none` empties it.",
)
@click.option(
    "--with-container/--without-container",
    "container",
    default=None,
    help="Offer full Linux containers beside the default sandbox; Cloudflare bills them, no Docker is needed.",
)
@click.option("--update", is_flag=True, help="Show line by line what a newer template changes, ask, and apply it.")
@click.option("--keep", is_flag=True, help="With --update: count your version of files in conflict as merged.")
@click.option("--force", is_flag=True, help="Rewrite files that you edited, too; yours go to .cct-backup/.")
@click.option("--dry-run", is_flag=True, help="Show what would happen to each file, and write nothing.")
@yes_option
@json_option
def init(
    directory: Path,
    name: str | None,
    model: str | None,
    allowed_origins: tuple[str, ...],
    container: bool | None,
    update: bool,
    keep: bool,
    force: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Render the Worker project into .claude/sandbox/cloudflare, or bring it up to date.

    What you edited there is kept. A second run changes nothing.
    """
    from cct_cloudflare.cli.scaffolding import render_project, update_project
    from cct_cloudflare.errors import UsageError
    from cct_cloudflare.scaffold import plan

    if keep and (force or not update):
        raise UsageError(
            "--keep goes with --update, and not with --force.",
            hint="--update --keep settles conflicts with your version, --update --force with cct's.",
        )
    decided = plan(
        directory,
        name=name,
        model=model,
        allowed_origins=allowed_origins or None,
        container=container,
        force=force,
        keep=keep,
    )
    carry_out = update_project if update else render_project
    carry_out(decided, dry_run=dry_run, yes=yes, as_json=as_json)
