"""`cct mcp`: the sandbox as tools for a client that speaks the Model Context Protocol."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import click

from cct_cloudflare.cli.options import Dollars, directory_option, local_option, worker_url_option
from cct_cloudflare.errors import ConfigError, UsageError


@click.command(
    epilog="""\b
Examples:
  claude mcp add sandbox -- cct mcp
  cct mcp --directory ~/project --max-cost 1

\b
Tools: run_program (a program that the client wrote; no key), ask_and_run (Claude writes it; needs a key),
list_components. Needs the package mcp: pip install 'cct-cloudflare[mcp]'
""",
)
@directory_option
@worker_url_option
@local_option
@click.option(
    "--max-cost",
    type=Dollars(min=0),
    metavar="USD",
    default=5.0,
    show_default=True,
    help="What ask_and_run may cost, in this session as a whole; what could pass it is refused, unsent.",
)
@click.option("--no-history", is_flag=True, help="Keep none of the runs; CCT_NO_HISTORY=1 does the same.")
def mcp(directory: Path, worker_url: str | None, local: bool, max_cost: float, no_history: bool) -> None:
    """Serve the sandbox over MCP, on standard input and output.

    A client starts it, such as Claude Code. The local Worker starts with the first call and ends with the session.
    Files that programs write are saved in new folders of the project.
    """
    if importlib.util.find_spec("mcp") is None:
        raise ConfigError(
            "cct mcp needs the Python package mcp, which is not installed.",
            hint="Install it: pip install 'cct-cloudflare[mcp]'",
        )
    from cct_cloudflare.mcp_server.server import serve
    from cct_cloudflare.mcp_server.session import Settings
    from cct_cloudflare.place import chosen_worker

    chosen_worker(worker_url, local=local)  # what is wrong with these is told now, and not to each call
    if sys.stdin is None or sys.stdout is None:
        raise UsageError(
            "cct mcp needs standard input and output, and one of them is closed.",
            hint="Let a client start it, such as: claude mcp add sandbox -- cct mcp",
        )
    if sys.stdin.isatty():
        click.echo(
            "cct mcp speaks MCP with the client that starts it, such as: claude mcp add sandbox -- cct mcp\n"
            "Ctrl-C ends it.",
            err=True,
        )
    serve(
        Settings(
            project=directory.resolve(),
            worker_url=worker_url,
            local=local,
            max_cost_usd=max_cost,
            keep_history=not no_history,
        )
    )
