"""`cct`: the group, its own options (the main job), and the one place where an error becomes an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cct_cloudflare import __version__
from cct_cloudflare.cli.answering import read_answer
from cct_cloudflare.cli.flags import are_to_be_installed, install
from cct_cloudflare.cli.lazy import LazyCommand, LazyGroup
from cct_cloudflare.cli.options import output_options, prompt_file_option, prompt_options, run_options
from cct_cloudflare.errors import CctError, Exit, UsageError
from cct_cloudflare.streams import wants_color

PROVIDERS = ("cloudflare",)

_EPILOG = """\b
Examples:
  cct                      (on a terminal: asks for everything)
  cct --sandbox cloudflare --demo --prompt "What is the 10th Fibonacci number?"
  cct --sandbox cloudflare --agent python-developer --prompt "Sum the primes below 1000"
  cct --sandbox cloudflare --command setup/setup-react --prompt-file idea.md --output app
  cct run main.py data.csv
  cct --agent code-reviewer --setting permissions/deny-secrets --yes    (installs them, as cct add does)

\b
Exit codes: 0 success, 1 the program failed, 2 usage, 3 configuration or key, 4 Worker or network,
5 generation, 6 time or memory limit, 7 something was refused as unsafe, 130 interrupted.
"""


@click.group(
    cls=LazyGroup,
    lazy={
        "run": LazyCommand("cct_cloudflare.cli.run:run", "Run a program of your own in the sandbox; no model, no key."),
        "monitor": LazyCommand("cct_cloudflare.cli.monitor:monitor", "Run a prompt and show where time and money go."),
        "deploy": LazyCommand("cct_cloudflare.cli.deploy:deploy", "Deploy the Worker to your Cloudflare account."),
        "logs": LazyCommand("cct_cloudflare.cli.logs:logs", "Show the log of the deployed Worker, live."),
        "secret": LazyCommand("cct_cloudflare.cli.secret:secret", "Show or rotate the deployed Worker's token."),
        "destroy": LazyCommand("cct_cloudflare.cli.destroy:destroy", "Remove the deployed Worker."),
        "history": LazyCommand("cct_cloudflare.cli.history:history", "List what was run; show it, or run it again."),
        "stats": LazyCommand("cct_cloudflare.cli.stats:stats", "Runs, success, time, tokens and cost, summed up."),
        "add": LazyCommand(
            "cct_cloudflare.cli.add:add", "Install agents, commands, skills, settings, hooks, MCP servers."
        ),
        "remove": LazyCommand("cct_cloudflare.cli.remove:remove", "Take installed components out again."),
        "update": LazyCommand("cct_cloudflare.cli.update:update", "Bring installed components up to date."),
        "diff": LazyCommand("cct_cloudflare.cli.diff:diff", "Show what you or their sources changed in components."),
        "init": LazyCommand("cct_cloudflare.cli.init:init", "Render the Worker project, or bring it up to date."),
        "dev": LazyCommand("cct_cloudflare.cli.dev:dev", "Serve the project's Worker here, for curl and the browser."),
        "mcp": LazyCommand("cct_cloudflare.cli.mcp:mcp", "Serve the sandbox as tools over MCP, on stdio."),
        "registry": LazyCommand("cct_cloudflare.cli.registry:registry", "Sources of components elsewhere, pinned."),
        "list": LazyCommand("cct_cloudflare.cli.listing:list_", "List components, all of them or the installed ones."),
        "search": LazyCommand("cct_cloudflare.cli.listing:search", "Search components by words."),
        "show": LazyCommand("cct_cloudflare.cli.showing:show", "Show a component, and what it would do."),
        "validate": LazyCommand("cct_cloudflare.cli.validate:validate", "Check components and settings for mistakes."),
        "doctor": LazyCommand("cct_cloudflare.cli.doctor:doctor", "Look at what a run depends on, and how to mend it."),
        "completion": LazyCommand(
            "cct_cloudflare.cli.completion:completion", "Print what completes cct's words in your shell."
        ),
    },
    invoke_without_command=True,
    subcommand_metavar="[COMMAND [ARGS]...]",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="cct %(version)s")
@click.option("--sandbox", metavar="PROVIDER", help="Where programs run: cloudflare.")
@click.option("--prompt", metavar="TEXT", help="What the program should do; - reads standard input.")
@prompt_file_option
@click.option("--dry-run", is_flag=True, help="Print what would be sent, or installed; do nothing.")
@click.option(
    "--direct", is_flag=True, help="Ask Claude from this machine and save the program; nothing runs, no sandbox."
)
@prompt_options
@run_options
@output_options
@click.pass_context
def cct(
    context: click.Context,
    /,
    sandbox: str | None,
    prompt: str | None,
    prompt_file: Path | None,
    dry_run: bool,
    direct: bool,
    **options: Any,
) -> int | None:
    """Turn a prompt into a running program inside a Cloudflare sandbox.

    Asks Claude for a program, runs it in a fresh sandbox without network, and saves the files that come back.
    """
    if context.invoked_subcommand is not None:
        return None
    if sandbox is not None and sandbox not in PROVIDERS:
        raise UsageError(
            f"There is no sandbox provider {sandbox!r}.", hint=f"Those that exist: {', '.join(PROVIDERS)}."
        )
    given: Sequence[str] = context.obj or ()
    if are_to_be_installed(context):
        install(options, dry_run=dry_run)
        return None
    if prompt is None and prompt_file is None and not dry_run:
        from cct_cloudflare.cli import wizard

        if wizard.can_ask(options):
            return wizard.start(given, {**options, "direct": direct})
        if not given:
            # Where nobody can be asked, the prompt is missing like any other time: what follows refuses that.
            click.echo(f"{context.get_help()}\n", err=True)
    from cct_cloudflare.cli.job import PromptOptions
    from cct_cloudflare.cli.prompt import run_prompt

    return run_prompt(prompt, prompt_file, PromptOptions(**options), dry_run=dry_run, direct=direct)


def run_cli(argv: Sequence[str]) -> int:
    """Runs one command line and returns its exit code. Everything that a person can act on ends here as one message."""
    # Wanted even where the command line cannot be parsed.
    as_json, no_color = "--json" in argv, "--no-color" in argv
    click.termui.visible_prompt_func = read_answer
    # False takes colours out of all that click prints; None leaves them where there is a terminal.
    color = None if wants_color(no_color=no_color) else False
    try:
        code = cct.main(args=list(argv), prog_name="cct", standalone_mode=False, obj=tuple(argv), color=color)
    except CctError as error:
        return _fail(error, as_json=as_json, no_color=no_color)
    except click.UsageError as error:
        hint = f"See: {error.ctx.command_path if error.ctx else _command_path(argv)} --help"
        return _fail(UsageError(error.format_message(), hint=hint), as_json=as_json, no_color=no_color)
    except click.ClickException as error:
        return _fail(UsageError(error.format_message()), as_json=as_json, no_color=no_color)
    except (click.Abort, KeyboardInterrupt) as ended:
        # click's own answer to Ctrl-C ends the line that it stands on, but for a question's.
        if ended.__cause__ is None and isinstance(ended.__context__, (KeyboardInterrupt, EOFError)):
            click.echo(err=True)
        was_declined = isinstance(ended, click.Abort) and ended.__cause__ is ended.__context__ is None
        message = "Not confirmed, so it was not done." if was_declined else "Interrupted."
        return _fail(CctError(message, code="interrupted"), as_json=as_json, no_color=no_color)
    except SystemExit:
        # Without its standalone mode click exits in one case: a pipe whose reader has gone, who has what they wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be flushed
        return Exit.OK
    return code if isinstance(code, int) else Exit.OK


def _command_path(argv: Sequence[str]) -> str:
    """The command that a line begins with, where click does not say which one a mistake is about."""
    path = "cct"
    command: click.Command = cct
    context = click.Context(cct)
    for word in argv:
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            break
        path, command = f"{path} {word}", below
    return path


def _fail(error: CctError, *, as_json: bool, no_color: bool) -> int:
    from cct_cloudflare.terminal import show_error

    show_error(error, as_json=as_json, no_color=no_color)
    return error.exit_code
