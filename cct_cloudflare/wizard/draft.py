"""The answers so far, and the command line that does the same. Values only: nothing here reads or writes."""

from __future__ import annotations

import enum
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from cct_cloudflare.config import KEY_VARIABLE

_KEY_OPTION = "--anthropic-api-key"

#: What the wizard prepares: one run, or one observed run.
Verb = Literal["run", "monitor"]


class Where(enum.Enum):
    HERE = "this machine"
    WORKER = "a Worker"
    DEPLOY = "a Worker that is to be deployed first"
    DEMO = "this machine, with the scripted model"


@dataclass(frozen=True, slots=True)
class NewKey:
    """An Anthropic key that was typed in. `keep` stores it for later; otherwise it lives as long as this process."""

    value: str = field(repr=False)
    keep: bool


@dataclass(frozen=True, slots=True)
class NewWorker:
    """A Worker and the token that was typed in for it."""

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """`given` is the command line that the wizard was started with, kept word for word; it then asks what is missing.

    `local` keeps the prompt from going to a Worker that is configured. `agents` and `commands` are names as
    `category/name`; components of other kinds, and `trust`, come from `given` alone. `has_key` says that `given` brings
    a key, `renders` that the command renders the project. `yes` is set when the last confirm has answered for all that
    the command would ask.
    """

    verb: Verb = "run"
    given: tuple[str, ...] = ()
    where: Where | None = None
    worker_url: str | None = None
    local: bool = False
    agents: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    mcps: tuple[str, ...] = ()
    trust: bool = False
    model: str | None = None
    prompt: str | None = None
    has_key: bool = False
    renders: bool = True
    yes: bool = False
    new_key: NewKey | None = None
    new_worker: NewWorker | None = None


def run_argv(draft: Draft) -> list[str]:
    """The command line of a draft whose questions are all answered, without the name of the program."""
    if draft.prompt is None:
        raise ValueError("the prompt was not asked")
    argv = list(draft.given) or _options(draft)
    if draft.yes and "--yes" not in argv:
        argv.append("--yes")
    if draft.verb == "monitor":
        # Behind -- whatever it begins with.
        return [*argv, "--", draft.prompt] if draft.prompt.startswith("-") else [*argv, draft.prompt]
    return [*argv, "--prompt", draft.prompt]


def _options(draft: Draft) -> list[str]:
    argv = ["monitor"] if draft.verb == "monitor" else ["--sandbox", "cloudflare"]
    if draft.where is Where.DEMO:
        argv.append("--demo")
    elif draft.where is Where.WORKER and draft.worker_url:
        argv += ["--worker-url", draft.worker_url]
    elif draft.local:
        argv.append("--local")
    for option, names in (("--agent", draft.agents), ("--command", draft.commands)):
        if names:
            argv += [option, ",".join(names)]
    if draft.model:
        argv += ["--model", draft.model]
    return argv


def command_line(argv: Sequence[str], *, session_key: bool = False) -> str:
    """The line that a person would type. Keys are never shown; one that is not stored would be in the environment."""
    words = ["cct"]
    for before, word in zip(["", *argv], argv, strict=False):
        is_key = before == _KEY_OPTION
        words.append("…" if is_key else f"{_KEY_OPTION}=…" if word.startswith(f"{_KEY_OPTION}=") else word)
    line = shlex.join(words)
    return f"{KEY_VARIABLE}=… {line}" if session_key else line
