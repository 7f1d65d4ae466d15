"""`cct registry`: components from elsewhere."""

from __future__ import annotations

import click

from cct_cloudflare.cli.completing import registry_names
from cct_cloudflare.cli.options import json_option, no_color_option

_EPILOG = """\b
Examples:
  cct registry add templates github:davila7/claude-code-templates
  cct registry list
  cct registry update
  cct registry remove templates
  cct list --from templates
"""

_ADD_EPILOG = """\b
Examples:
  cct registry add templates github:davila7/claude-code-templates
  cct registry add plugins https://github.com/anthropics/claude-plugins-official --ref main
  cct registry add team git@git.example.com:tools/claude.git
  cct registry add mine ~/claude-components
  cct registry add site https://example.com/catalog

\b
ADDRESS is a folder, github:owner/repository[@ref], a git address (https://….git, ssh://, git@host:path, a
folder with --ref), or a web address below which an index lies. Either layout is understood: a components
repository (agents/, commands/, skills/, … or cli-tool/components/…), and a plugin marketplace
(.claude-plugin/marketplace.json).
"""

_UPDATE_EPILOG = """\b
Examples:
  cct registry update
  cct registry update templates --json
"""


@click.group(epilog=_EPILOG)
def registry() -> None:
    """Sources of components elsewhere: none is contacted that you have not added or named.

    Each is pinned to the commit that it had when it was added, until you update it.
    """


@registry.command(epilog=_ADD_EPILOG)
@click.argument("name")
@click.argument("address")
@click.option("--ref", metavar="REF", help="A branch, tag or commit instead of the repository's default branch.")
@json_option
@no_color_option
def add(name: str, address: str, ref: str | None, as_json: bool, no_color: bool) -> None:
    """Add a source, under a name of your own.

    It is pinned to what it has now.
    """
    from cct_cloudflare.cli.registering import run_add

    run_add(name, address, ref, as_json=as_json, no_color=no_color)


@registry.command("list")
@json_option
def list_registries(as_json: bool) -> None:
    """List the sources that you have added. Nothing is contacted."""
    from cct_cloudflare.cli.registering import run_list

    run_list(as_json=as_json)


@registry.command(epilog=_UPDATE_EPILOG)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=registry_names)
@json_option
@no_color_option
def update(names: tuple[str, ...], as_json: bool, no_color: bool) -> int:
    """Pin sources to what they have now.

    All of them where none is named. Shows what came and what went.
    What is installed stays as it is: cct update brings that up to date.
    """
    from cct_cloudflare.cli.registering import run_update

    return run_update(names, as_json=as_json, no_color=no_color)


@registry.command()
@click.argument("name", shell_complete=registry_names)
@json_option
def remove(name: str, as_json: bool) -> None:
    """Forget a source. What was installed from it stays."""
    from cct_cloudflare.cli.registering import run_remove

    run_remove(name, as_json=as_json)
