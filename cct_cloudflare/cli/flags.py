"""`cct --agent X --mcp Y --yes`: components named without a command, a sandbox or a prompt are to be installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from cct_cloudflare.cli.options import may_ask
from cct_cloudflare.errors import UsageError

#: What names components, by the name of its kind.
_COMPONENTS = {
    "agent": "agents",
    "command": "commands",
    "skill": "skills",
    "setting": "settings",
    "hook": "hooks",
    "mcp": "mcps",
}
#: What an install takes beside them; any other option asks for a run.
_ALSO = frozenset({"trust", "yes", "dry_run", "directory", "as_json", "no_color"})


def are_to_be_installed(context: click.Context) -> bool:
    """Whether the command line names components, and nothing that only a run has."""
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    named = given & set(_COMPONENTS.values())
    return bool(named) and given <= named | _ALSO


def install(options: Mapping[str, Any], *, dry_run: bool) -> None:
    """Does what `cct add` does. Raises UsageError where nobody can be asked, and --yes does not say what was meant."""
    from cct_cloudflare.cli.adding import Adding, add
    from cct_cloudflare.components.model import Kind

    yes, as_json = options["yes"], options["as_json"]
    if not (yes or dry_run or may_ask(yes=yes, as_json=as_json)):
        raise UsageError(
            "There is no prompt, and nobody who could say that the components are to be installed.",
            hint='To install them: --yes, or cct add. To run a prompt with them: --prompt "…"',
        )
    if not yes and not dry_run:
        click.echo("Without a prompt, components are installed, as cct add does.\n", err=True)
    add(
        Adding(
            {Kind(kind): options[name] for kind, name in _COMPONENTS.items()},
            options["directory"],
            yes=yes,
            trust=options["trust"],
            dry_run=dry_run,
            as_json=as_json,
            no_color=options["no_color"],
        )
    )
