"""`cct validate`: what is wrong with components, before anybody installs them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cct_cloudflare.cli.options import json_option, no_color_option
from cct_cloudflare.components.model import Kind
from cct_cloudflare.errors import Exit, exit_for

if TYPE_CHECKING:
    from cct_cloudflare.validation.check import Report
    from cct_cloudflare.validation.model import Finding


@click.command(
    epilog="""\b
Examples:
  cct validate
  cct validate components --strict
  cct validate .claude/agents/reviewer.md .mcp.json
  cct validate draft.md --kind agent --json

\b
Each line is path:line: level: what is wrong (rule). An error is what Claude Code or cct does not
take, or what misleads a reader; a warning is what may be meant otherwise, or what nobody gets
without --trust. Exit code 0 without errors, else 2; with --strict, warnings count as errors.
""",
)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    help="What the files are, where their folders do not say it.",
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@json_option
@no_color_option
def validate(paths: tuple[Path, ...], kind: str | None, strict: bool, as_json: bool, no_color: bool) -> int:
    """Check agents, commands, skills, settings, hooks and MCP servers.

    A PATH is a file, a project, or a folder with agents/, commands/, skills/, settings/, hooks/ or mcps/; the current
    folder by default. Nothing is run, fetched or changed.
    """
    from cct_cloudflare.validation.check import FAILED
    from cct_cloudflare.validation.check import validate as check

    report = check(paths or (Path(),), None if kind is None else Kind(kind))
    passes = report.passes(strict=strict)
    if as_json:
        click.echo(json.dumps(report.to_json(strict=strict)))
    else:
        _show(report, no_color=no_color)
    return Exit.OK if passes else exit_for(FAILED)


def _show(report: Report, *, no_color: bool) -> None:
    from cct_cloudflare.streams import is_rich
    from cct_cloudflare.wording import counted

    colours = is_rich(sys.stdout, no_color=no_color)
    for finding in report.findings:
        click.echo(_line(finding, colours=colours))
    said = f"{counted(report.errors, 'error')}, {counted(report.warnings, 'warning')}"
    click.echo(f"{counted(report.checked, 'file')} checked: {said}.", err=True)


def _line(finding: Finding, *, colours: bool) -> str:
    level = str(finding.level)
    if colours:
        level = click.style(level, fg="red" if level == "error" else "yellow", bold=level == "error")
    place = f"{finding.path}:{finding.line}" if finding.line else finding.path
    return f"{place}: {level}: {finding.message} ({finding.rule})"
