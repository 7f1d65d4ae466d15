"""`cct dev`: the project's Worker on a port of this machine, until Ctrl-C."""

from __future__ import annotations

from pathlib import Path

import click

from cct_cloudflare.cli.options import directory_option, may_ask, no_color_option, trust_project_option, yes_option


@click.command(
    epilog="""\b
Examples:
  cct dev
  cct dev --demo
  cct dev --port 9000 --json

\b
While it runs, every change that is saved in .claude/sandbox/cloudflare (src/, scripts/, package.json,
wrangler.toml's DEFAULT_MODEL and ALLOWED_ORIGINS) is built and served at the same address. A change
that cannot be built is shown, and what was served before goes on. Only this machine can connect.
With --json it also ends when nobody reads its output any more.
The token is CCT_TOKEN where that is set, else a new one for this session, which cct knows by itself.
Ctrl-C ends it, with exit code 0.
""",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Exactly this port, 0 for any; by default 8787 or the next one that is free.",
)
@click.option("--demo", is_flag=True, help="Answer from a scripted model: no key, no account.")
@directory_option
@yes_option
@trust_project_option
@no_color_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line on stdout: ready, request, …")
def dev(
    port: int | None, demo: bool, directory: Path, yes: bool, trust_project: bool, no_color: bool, as_json: bool
) -> int:
    """Serve the project's Worker on this machine, for curl and the browser, and load every change of its source.

    Without a key it still runs programs (POST /run); only prompts need one.
    """
    from cct_cloudflare.cli.dev_screen import make_screen
    from cct_cloudflare.cli.job import ask_consent, render_project
    from cct_cloudflare.dev import DevRequest, develop, find_access, find_token, listen
    from cct_cloudflare.sandbox.toolchain import check_platform
    from cct_cloudflare.terminal import make_display

    check_platform()
    project = directory.resolve()
    token, access = find_token(), None if demo else find_access(project)
    asks = may_ask(yes=yes, as_json=as_json)
    with listen(port) as listening:
        with make_display(as_json=as_json, no_color=no_color) as display:
            render_project(project, display, ask=asks)
        screen = make_screen(
            listening, token, demo=demo, has_key=access is not None, as_json=as_json, no_color=no_color
        )
        develop(
            DevRequest(
                project,
                token.value,
                access,
                demo=demo,
                trust_project=trust_project,
                ask=screen.asking(ask_consent) if asks else None,
            ),
            listening,
            screen.show,
            screen.is_over,
        )
    return 0
