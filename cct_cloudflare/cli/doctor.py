"""`cct doctor`: what is there, what is not, and what to do about it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cct_cloudflare.cli.options import (
    directory_option,
    json_option,
    local_option,
    no_color_option,
    worker_url_option,
)
from cct_cloudflare.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cct_cloudflare.doctor import Check
    from cct_cloudflare.doctor.report import Span

_COLOURS: dict[str, dict[str, Any]] = {
    "ok": {"fg": "green"},
    "warn": {"fg": "yellow"},
    "fail": {"fg": "red", "bold": True},
    "skip": {"dim": True},
    "fix": {"fg": "cyan"},
}


@click.command(
    epilog="""\b
Examples:
  cct doctor
  cct doctor --fix
  cct doctor --worker-url https://cct-sandbox.example.workers.dev
  cct doctor --offline --json

\b
Each line is ok, warn (works, but not for long or not everywhere), fail (runs cannot work until it is mended)
or skip (not needed, or not asked). Exit code 0 when nothing failed, else 1. No key or token is ever shown.
""",
)
@directory_option
@worker_url_option
@local_option
@click.option(
    "--fix",
    is_flag=True,
    help="Mend what is safe to mend: update project files that you have not edited, install the local runtime, take"
    " other users' rights to your keys away, end what killed sessions left.",
)
@click.option("--offline", is_flag=True, help="Ask nothing over the network: no Claude, no Worker, no Cloudflare.")
@click.option("--online", is_flag=True, help="Ask the package index as well whether there is a newer cct.")
@json_option
@no_color_option
def doctor(
    directory: Path,
    worker_url: str | None,
    local: bool,
    fix: bool,
    offline: bool,
    online: bool,
    as_json: bool,
    no_color: bool,
) -> int:
    """Look at everything that a run or a deployment depends on, and say how to mend it.

    Asks Claude's API whether the key is valid, and the Worker for its health: nothing is run there, nothing is paid.
    """
    from cct_cloudflare.doctor import Context, examine, mend
    from cct_cloudflare.doctor.report import is_healthy, mended_text, summary_text, to_json

    if offline and online:
        raise UsageError("--offline and --online are both given.", hint="Give one of them.")
    if local and worker_url is not None:
        raise UsageError("--local is this machine; --worker-url names another.", hint="Give one of them.")

    def context() -> Context:
        return Context(directory.resolve(), worker_url=worker_url, local=local, offline=offline, online=online)

    mended = []
    if fix:
        mended = mend(examine(context()), lambda step: click.echo(f"  {step}", err=True))
        for item in mended:
            click.echo(mended_text(item), nl=False, err=True)
    if as_json:
        checks = list(examine(context()))
        click.echo(json.dumps(to_json(checks, mended)))
    else:
        checks = list(_shown(examine(context()), no_color=no_color))
        click.echo("\n" + summary_text(checks), nl=False)
    return Exit.OK if is_healthy(checks) else Exit.UNHEALTHY


def _shown(checks: Iterable[Check], *, no_color: bool) -> Iterable[Check]:
    """Shows each check as it comes, below the heading of its group, and gives it on."""
    from cct_cloudflare.doctor.report import check_text
    from cct_cloudflare.streams import is_rich

    width = min(shutil.get_terminal_size().columns, 120) if sys.stdout.isatty() else None
    colours = is_rich(sys.stdout, no_color=no_color)
    group = None
    for check in checks:
        if check.group != group:
            heading = ("" if group is None else "\n") + check.group + "\n"
            click.echo(click.style(heading, bold=True) if colours else heading, nl=False)
            group = check.group
        click.echo(_line(check_text(check, width), colours=colours), nl=False)
        yield check


def _line(spans: Iterable[Span], *, colours: bool) -> str:
    return "".join(click.style(text, **_COLOURS[kind]) if colours and kind else text for text, kind in spans)
