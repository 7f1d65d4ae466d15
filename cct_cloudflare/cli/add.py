"""`cct add`: components into a project's `.claude`, or the user's."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.completing import (
    agent_names,
    command_names,
    hook_names,
    mcp_names,
    registry_names,
    setting_names,
    skill_names,
)
from cct_cloudflare.cli.options import decision_of, directory_option, json_option, no_color_option

_EPILOG = """\b
Examples:
  cct add --agent code-reviewer,debugger --command git/commit --yes
  cct add --setting permissions/deny-secrets --mcp devtools/github
  cct add --hook git/guard-main --trust
  cct add --skill testing/playwright --scope user
  cct add --agent react-expert --from github:someone/components --dry-run

\b
Everything that would run, be set, be allowed or be contacted is shown before anything is written. Hooks, and
whatever else acts by itself or weakens a protection, need a yes of their own: --trust, or a second question.
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--agent", "agents", multiple=True, metavar="NAMES", shell_complete=agent_names, help="Agents; a,b or repeated."
)
@click.option("--command", "commands", multiple=True, metavar="NAMES", shell_complete=command_names, help="Commands.")
@click.option("--skill", "skills", multiple=True, metavar="NAMES", shell_complete=skill_names, help="Skills.")
@click.option("--setting", "settings", multiple=True, metavar="NAMES", shell_complete=setting_names, help="Settings.")
@click.option("--hook", "hooks", multiple=True, metavar="NAMES", shell_complete=hook_names, help="Hooks.")
@click.option("--mcp", "mcps", multiple=True, metavar="NAMES", shell_complete=mcp_names, help="MCP servers.")
@click.option(
    "--from",
    "source",
    metavar="SOURCE",
    shell_complete=registry_names,
    help="Only from there: a registry's name, a folder, or an address such as github:owner/repository.",
)
@click.option(
    "--scope",
    type=click.Choice(["project", "local", "user"]),
    default="project",
    show_default=True,
    help="For everybody in the project; for you there (settings and hooks); for you everywhere.",
)
@click.option("--keep", is_flag=True, help="In a conflict, leave yours.")
@click.option(
    "--replace",
    is_flag=True,
    help="In a conflict, take the component's; yours comes back with remove.",
)
@click.option("--both", is_flag=True, help="In a conflict between MCP servers, have both, under two names.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing; what is risky is refused.")
@click.option("--trust", is_flag=True, help="Install risky content, and approve MCP servers for Claude Code, unasked.")
@directory_option
@json_option
@no_color_option
def add(
    agents: tuple[str, ...],
    commands: tuple[str, ...],
    skills: tuple[str, ...],
    settings: tuple[str, ...],
    hooks: tuple[str, ...],
    mcps: tuple[str, ...],
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
) -> None:
    """Install components for Claude Code: agents, commands, skills, settings, hooks, MCP servers.

    Your own files and settings stay; `cct remove` takes out exactly what was put in.
    """
    from cct_cloudflare.cli.adding import Adding
    from cct_cloudflare.cli.adding import add as carry_out
    from cct_cloudflare.components.model import Kind
    from cct_cloudflare.install.lockfile import Scope

    carry_out(
        Adding(
            {
                Kind.AGENT: agents,
                Kind.COMMAND: commands,
                Kind.SKILL: skills,
                Kind.SETTING: settings,
                Kind.HOOK: hooks,
                Kind.MCP: mcps,
            },
            directory,
            source,
            Scope(scope),
            decision_of(keep=keep, replace=replace, both=both),
            yes,
            trust,
            dry_run,
            as_json,
            no_color,
        )
    )
