"""Options that several commands share, and what their values become."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cct_cloudflare.cli.completing import (
    agent_names,
    command_names,
    hook_names,
    mcp_names,
    model_names,
    setting_names,
    skill_names,
)
from cct_cloudflare.errors import UsageError
from cct_cloudflare.limits import (
    DEFAULT_MAX_TOKENS,
    DEFAULT_TIMEOUT,
    LEAST_MAX_TOKENS,
    LEAST_TIMEOUT,
    MOST_MAX_TOKENS,
    MOST_TIMEOUT,
)

if TYPE_CHECKING:
    from cct_cloudflare.merging.model import Decision

_F = TypeVar("_F", bound=Callable[..., Any])

#: More is not even read: what a Worker takes is judged when it is known in full.
MAX_PROMPT_BYTES = 400_000

#: The sandboxes that a Worker may have (`src/api.ts`); which it has, its `/health` says.
ISOLATIONS = ("isolate", "process", "container")


class _Amount(click.FloatRange):
    """FloatRange alone lets NaN through: it is neither below nor above anything."""

    unit = ""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        amount = super().convert(value, param, ctx)
        if not math.isfinite(amount):
            self.fail(f"{value!r} is not a number of {self.unit}.", param, ctx)
        return amount


class Seconds(_Amount):
    unit = "seconds"


class Dollars(_Amount):
    unit = "dollars"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(value.removeprefix("$") if isinstance(value, str) else value, param, ctx)


directory_option = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path(),
    help="The project; the current folder by default.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, nothing else.")
local_option = click.option("--local", is_flag=True, help="This machine, whatever Worker is configured.")
no_color_option = click.option(
    "--no-color", is_flag=True, help="No colours; NO_COLOR in the environment does the same."
)
prompt_file_option = click.option(
    "--prompt-file", type=click.Path(path_type=Path, dir_okay=False), help="Read the prompt from a file."
)
trust_option = click.option(
    "--trust",
    is_flag=True,
    help="Take risky content of components: hooks that are installed, another address for Claude's API in a run.",
)
trust_project_option = click.option(
    "--trust-project", is_flag=True, help="Run the project's own, changed Worker source, which gets your key."
)
worker_url_option = click.option(
    "--worker-url", metavar="URL", help="A deployed Worker instead of this machine; its token is CCT_TOKEN."
)
yes_option = click.option("--yes", is_flag=True, help="Ask nothing.")


def output_options(command: _F) -> _F:
    """`--json`, `--quiet`, `--no-color`: how a run is shown."""
    for option in (
        no_color_option,
        click.option("--quiet", is_flag=True, help="Only the program's own output, and errors."),
        json_option,
    ):
        command = option(command)
    return command


def prompt_options(command: _F) -> _F:
    """`--agent` to `--trust-project`: what is asked, of which model, and where."""
    command = request_options(command)
    for option in (
        trust_option,
        click.option(
            "--mcp",
            "mcps",
            multiple=True,
            metavar="NAMES",
            shell_complete=mcp_names,
            help="MCP servers; a run in the sandbox leaves them out and says so.",
        ),
        click.option(
            "--hook",
            "hooks",
            multiple=True,
            metavar="NAMES",
            shell_complete=hook_names,
            help="Hooks; a run in the sandbox leaves them out and says so.",
        ),
        click.option(
            "--setting",
            "settings",
            multiple=True,
            metavar="NAMES",
            shell_complete=setting_names,
            help="Settings; in the sandbox their model and the length of the answer.",
        ),
        click.option(
            "--skill",
            "skills",
            multiple=True,
            metavar="NAMES",
            shell_complete=skill_names,
            help="Skills; in the sandbox the text of their SKILL.md.",
        ),
        click.option(
            "--command",
            "commands",
            multiple=True,
            metavar="NAMES",
            shell_complete=command_names,
            help="Commands that wrap the prompt; a,b or repeated.",
        ),
        click.option(
            "--agent",
            "agents",
            multiple=True,
            metavar="NAMES",
            shell_complete=agent_names,
            help="Agents, as category/name or name; a,b or repeated.",
        ),
    ):
        command = option(command)
    return command


def request_options(command: _F) -> _F:
    """`--model` to `--trust-project`: of which model a request is asked, and where."""
    for option in (
        trust_project_option,
        yes_option,
        directory_option,
        click.option("--demo", is_flag=True, help="Answer from a scripted model on this machine: no key, no account."),
        click.option(
            "--anthropic-api-key", metavar="KEY", help="Shows in the process list: better set ANTHROPIC_API_KEY."
        ),
        local_option,
        worker_url_option,
        click.option(
            "--max-cost",
            type=Dollars(min=0, min_open=True),
            metavar="USD",
            help="Refuse, before anything is sent, what can cost more than this.",
        ),
        click.option(
            "--max-tokens",
            type=click.IntRange(LEAST_MAX_TOKENS, MOST_MAX_TOKENS),
            help=f"The most that Claude may write; {DEFAULT_MAX_TOKENS} by default.",
        ),
        click.option(
            "--model",
            metavar="NAME",
            shell_complete=model_names,
            help="sonnet, opus, haiku or a full name; else the agent's, else the default.",
        ),
    ):
        command = option(command)
    return command


def deployment_options(command: _F) -> _F:
    """`--directory` to `--json`: which deployed Worker a command is about, and how it answers."""
    for option in (
        no_color_option,
        json_option,
        click.option("--account", metavar="ID", help="The Cloudflare account; CLOUDFLARE_ACCOUNT_ID does the same."),
        click.option(
            "--env",
            "environment",
            default="",
            metavar="NAME",
            help="An environment of wrangler.toml: development, staging, production; else the default one.",
        ),
        directory_option,
    ):
        command = option(command)
    return command


def run_options(command: _F) -> _F:
    """`--language` to `--no-history`: how a program is run, where its files go, and whether the run is kept."""
    for option in (
        click.option("--no-history", is_flag=True, help="Do not keep this run; CCT_NO_HISTORY=1 keeps none."),
        click.option(
            "--output",
            type=click.Path(path_type=Path, file_okay=False),
            help="Save files into this folder instead of a new cloudflare-<run id>/.",
        ),
        click.option(
            "--timeout",
            type=Seconds(LEAST_TIMEOUT / 1000, MOST_TIMEOUT / 1000),
            metavar="SECONDS",
            help=(
                f"Stop the program after this long; {DEFAULT_TIMEOUT // 1000} by default,"
                f" at most {MOST_TIMEOUT // 1000}."
            ),
        ),
        click.option(
            "--isolation",
            type=click.Choice(ISOLATIONS),
            help="Which of the Worker's sandboxes runs the program; its own default otherwise.",
        ),
        click.option(
            "--language",
            type=click.Choice(["python", "javascript", "typescript", "web"]),
            help="What the program is written in.",
        ),
    ):
        command = option(command)
    return command


def may_ask(*, yes: bool, as_json: bool) -> bool:
    """Whether a question may be asked, and somebody is there to answer."""
    return not yes and not as_json and sys.stdin.isatty() and sys.stderr.isatty()


def milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def decision_of(*, keep: bool, replace: bool, both: bool) -> Decision | None:
    """What `--keep`, `--replace` or `--both` say about every conflict. Raises UsageError for more than one."""
    from cct_cloudflare.merging.model import Decision

    given = {Decision.KEEP: keep, Decision.REPLACE: replace, Decision.BOTH: both}
    decisions = [decision for decision, is_given in given.items() if is_given]
    if len(decisions) > 1:
        flags = " and ".join(f"--{decision}" for decision in decisions)
        raise UsageError(f"{flags} contradict each other.", hint="Give one of them.")
    return decisions[0] if decisions else None


def read_prompt(prompt: str | None, prompt_file: Path | None) -> str | None:
    """The prompt of `--prompt TEXT`, `--prompt -` or `--prompt-file FILE`, or None. Raises UsageError."""
    if prompt is not None and prompt_file is not None:
        raise UsageError("--prompt and --prompt-file are both given.", hint="Give one of them.")
    if prompt_file is not None and str(prompt_file) != "-":
        try:
            with prompt_file.open("rb") as file:
                return _decode(file.read(MAX_PROMPT_BYTES + 1), str(prompt_file))
        except OSError as error:
            raise UsageError(
                f"{prompt_file} cannot be read: {error.strerror}.", hint="Check the name and its permissions."
            ) from error
    if prompt == "-" or prompt_file is not None:
        return _decode(sys.stdin.buffer.read(MAX_PROMPT_BYTES + 1), "standard input")
    return prompt


def _decode(data: bytes, where: str) -> str:
    if len(data) > MAX_PROMPT_BYTES:
        raise UsageError(
            f"The prompt in {where} is larger than {MAX_PROMPT_BYTES // 1000} kB.",
            hint="Shorten it.",
            code="payload_too_large",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"The prompt in {where} is not UTF-8.", hint="Save it as UTF-8.") from error
