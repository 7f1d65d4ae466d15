"""The whole conversation: the first time, and the menu of later times.

Every command is run as its own command line, so that what is shown is what happens.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cct_cloudflare import config, deployments
from cct_cloudflare.components.model import Component, Kind
from cct_cloudflare.errors import CctError, Exit
from cct_cloudflare.scaffold.settings import ScaffoldSettings
from cct_cloudflare.wizard import catalog
from cct_cloudflare.wizard.draft import Draft, Verb, Where, command_line
from cct_cloudflare.wizard.known import look
from cct_cloudflare.wizard.questions import BACK, Back, ChooseOne, Enter, Fact, Option, Screen
from cct_cloudflare.wizard.steps import Steps, walk
from cct_cloudflare.wizard.summary import Summary, planned, summarize
from cct_cloudflare.wording import tilde_path

#: Runs one command line (without the name of the program) and returns its exit code.
RunCommand = Callable[[Sequence[str]], int]

_MAX_SHOWN_LINES = 60


class Choice(enum.Enum):
    """An item of the menu; those with a command line of their own need no further question."""

    RUN = "run"
    MONITOR = "monitor"
    BROWSE = "browse"
    INIT = "init"
    DEPLOY = "deploy"
    DEV = "dev"
    DOCTOR = "doctor"
    HISTORY = "history"
    STATS = "stats"
    QUIT = "quit"


_MENU = (
    Option(Choice.RUN, "Run a prompt", "Claude writes a program, a sandbox runs it"),
    Option(Choice.MONITOR, "Monitor a run", "where its time and its money go"),
    Option(Choice.BROWSE, "Browse components", "agents and commands that help with a prompt"),
    Option(Choice.INIT, "Set up the project", "render the Worker project, run nothing"),
    Option(Choice.DEPLOY, "Deploy", "a Worker of your own on Cloudflare"),
    Option(Choice.DEV, "Develop", "the local Worker for curl and the browser, until Ctrl-C"),
    Option(Choice.DOCTOR, "Doctor", "what is missing or out of date, with the fix"),
    Option(Choice.HISTORY, "History", "the runs so far"),
    Option(Choice.STATS, "Statistics", "runs, times, tokens and cost"),
    Option(Choice.QUIT, "Quit"),
)


class Confirm(enum.Enum):
    GO = "go"
    PROMPT = "prompt"
    COMPONENTS = "components"
    MODEL = "model"
    QUIT = "quit"


class _Leave(Exception):  # noqa: N818 - a wish, not an error
    """The user wants to leave without doing what was prepared."""


@dataclass
class Session:
    """`environ` is this process's environment: a key that is not kept goes there, for the commands of this session."""

    screen: Screen
    run: RunCommand
    project: Path
    environ: MutableMapping[str, str] = field(default_factory=lambda: os.environ)
    _last: Draft = field(default_factory=Draft, init=False)
    _choice: Choice = field(default=Choice.RUN, init=False)
    _code: int = field(default=Exit.OK, init=False)

    def start(self) -> int:
        """The first time, the questions of a first run; then the menu. Returns the exit code of the last command."""
        try:
            if look(self.project, self.environ).is_first_time:
                self.screen.facts("Welcome to cct", _WELCOME)
                self._prepare("run", is_first=True)
            while True:
                self._menu()
        except _Leave:
            return self._code

    def complete(self, draft: Draft) -> int:
        """Asks for what the command line `draft.given` lacks, and runs it. Raises CctError for what is wrong in it."""
        planned(replace(draft, prompt="?"), self.project)
        steps = self._steps(is_first=True)
        try:
            ready = walk([steps.token, steps.key, steps.prompt], draft)
            if ready is BACK or self._confirm(steps, ready) is BACK:
                return Exit.INTERRUPTED
        except _Leave:
            return Exit.INTERRUPTED
        return self._code

    # One run

    def _prepare(self, verb: Verb, *, is_first: bool = False) -> None:
        """From the first question to the end of the run; back from the first question is the end, too."""
        draft = replace(self._last, verb=verb, given=())
        while True:
            steps = self._steps(is_first=is_first)
            ready = walk([steps.where, steps.worker, steps.token, steps.key], draft)
            if ready is BACK:
                return
            if ready.where is Where.DEPLOY:
                deployed = self._deploy_first(ready)
                if deployed is None:
                    continue
                draft = ready = deployed
                steps = self._steps(is_first=False)
            asked = walk([steps.components, steps.prompt], ready)
            if asked is not BACK and self._confirm(steps, asked) is not BACK:
                return

    def _confirm(self, steps: Steps, draft: Draft) -> Back | None:
        """The last question before anything is written; what does not suit can be changed here. Then the run."""
        while True:
            summary = self._shown(steps, draft)
            answer = self.screen.choose(_confirm_question(draft, can_go=summary is not None))
            if answer is BACK:
                return BACK
            if answer is Confirm.QUIT:
                self.screen.note("Nothing was written.")
                raise _Leave
            if answer is Confirm.GO and summary is not None:
                self._keep(draft)
                self._last = replace(draft, new_key=None, new_worker=None)
                self._run(summary.argv)
                return None
            change = {Confirm.PROMPT: steps.prompt, Confirm.COMPONENTS: steps.components, Confirm.MODEL: steps.model}
            changed = change[answer](draft)
            draft = draft if changed is BACK else changed

    def _shown(self, steps: Steps, draft: Draft) -> Summary | None:
        try:
            summary = summarize(draft, self.project, steps.known, steps.api_url)
        except CctError as error:
            self.screen.error(error)
            return None
        self.screen.facts("Ready", summary.facts)
        self.screen.command(summary.line)
        return summary

    def _keep(self, draft: Draft) -> None:
        """What was typed in and is needed from now on. The first thing that is written."""
        if draft.new_key is not None and draft.new_key.keep:
            self.screen.note(f"Kept the key in {tilde_path(config.store_anthropic_key(draft.new_key.value))}")
        elif draft.new_key is not None:
            self.environ[config.KEY_VARIABLE] = draft.new_key.value
        if draft.new_worker is not None:
            path = config.store_worker(draft.new_worker.url, draft.new_worker.token)
            self.screen.note(f"Kept the token in {tilde_path(path)}")

    def _deploy_first(self, draft: Draft) -> Draft | None:
        """Deploys, and gives a draft for the new Worker; None when there is none."""
        argv = ["deploy"]
        is_kept = draft.new_key is None or draft.new_key.keep
        self.screen.facts("Deploy", _DEPLOYING)
        self.screen.command(command_line(argv, session_key=not is_kept))
        answer = self.screen.choose(
            ChooseOne(message="Start with it?", options=[Option(True, "Yes, show me the plan")], default=True)
        )
        if answer is BACK:
            return None
        self._keep(draft)
        if self._run(argv) != Exit.OK:
            return None
        url = deployments.current_url(self.project)
        if url is None:
            return None
        return replace(draft, where=Where.WORKER, worker_url=url, new_key=None)

    def _run(self, argv: Sequence[str]) -> int:
        self.screen.gap()
        self._code = self.run(argv)
        self.screen.gap()
        return self._code

    def _steps(self, *, is_first: bool = False) -> Steps:
        known = look(self.project, self.environ)
        return Steps(self.screen, self.project, known, self.environ.get("ANTHROPIC_BASE_URL") or None, is_first)

    # The menu

    def _menu(self) -> None:
        choice = self.screen.choose(
            ChooseOne(message="What next?", options=_MENU, default=self._choice, has_back=False)
        )
        if choice is BACK or choice is Choice.QUIT:
            raise _Leave
        self._choice = choice
        match choice:
            case Choice.RUN | Choice.MONITOR:
                self._prepare("run" if choice is Choice.RUN else "monitor")
            case Choice.BROWSE:
                self._browse()
            case Choice.INIT:
                self._set_up()
            case _:
                self._command([choice.value])

    def _command(self, argv: Sequence[str]) -> None:
        self.screen.command(command_line(argv))
        self._run(argv)

    def _set_up(self) -> None:
        """The project alone, rendered and not run."""
        name = self.screen.enter(
            Enter(message="The Worker's name on Cloudflare? Leave it empty for the one it has.", check=_name_fault)
        )
        if name is BACK:
            return
        argv = ["init", *(["--name", name] if name else [])]
        answer = self.screen.choose(
            ChooseOne(
                message="Render the Worker project?",
                options=[
                    Option("show", "Show first what would be written", "writes nothing"),
                    Option("render", "Render it", "what you edited there is kept"),
                ],
            )
        )
        if answer is not BACK:
            self._command([*argv, "--dry-run"] if answer == "show" else argv)

    def _browse(self) -> None:
        """The list, then one component, until somebody has seen enough."""
        components = {catalog.Ref(c.kind, c.name): c for c in catalog.load_all(self.project)}
        at: catalog.Ref | None = None
        while True:
            ref = self.screen.choose(
                ChooseOne(
                    message="Which component?",
                    options=catalog.options(list(components.values())),
                    rank=catalog.rank(list(components.values())),
                    default=at,
                    is_searchable=True,
                )
            )
            if ref is BACK:
                return
            at = ref
            if self._look_at(components[ref]):
                return

    def _look_at(self, component: Component) -> bool:
        """Whether it is to be used now."""
        self.screen.facts(component.name, _describe(component))
        is_there = component.source == "project"
        install = [] if is_there else [Option("install", "Install it", "into .claude, for Claude Code")]
        while True:
            answer = self.screen.choose(
                ChooseOne(
                    message=component.leaf,
                    options=[
                        Option("use", "Use it in the next run"),
                        *install,
                        Option("text", "Show its text"),
                        Option("back", "← back"),
                    ],
                )
            )
            if answer == "use":
                self._last = _with(self._last, component)
                self._prepare("run")
                return True
            if answer == "install":
                self._command(["add", f"--{component.kind}", component.name])
            if answer != "text":
                return False
            self.screen.text(component.name, _beginning(component))


_WELCOME = (
    ("What", ["Claude writes a program, a fresh sandbox without network runs it, its files come back to you."]),
    ("Keys", ["arrows choose, Enter goes on, Esc goes back, Ctrl-C leaves at any time"]),
    ("Safe", ["nothing is written, and no prompt is sent, before you have confirmed it"]),
)
_DEPLOYING = (
    ("What", ["cct deploy renders the Worker project, checks your login at Cloudflare and shows its plan"]),
    ("Asks", ["once more before anything is deployed"]),
    ("Needs", ["a Cloudflare account with the Workers Paid plan"]),
)


def _confirm_question(draft: Draft, *, can_go: bool) -> ChooseOne[Confirm]:
    go = [Option(Confirm.GO, "Monitor it" if draft.verb == "monitor" else "Run it")] if can_go else []
    changes = [Option(Confirm.PROMPT, "Change the prompt")]
    if not draft.given:
        changes.append(Option(Confirm.COMPONENTS, "Change the helpers"))
        if draft.where is not Where.DEMO:
            changes.append(Option(Confirm.MODEL, "Choose the model"))
    return ChooseOne(
        message="Go?" if can_go else "What now?",
        options=[*go, *changes, Option(Confirm.QUIT, "Leave", "nothing is written")],
        has_back=not draft.given,
    )


def _describe(component: Component) -> list[Fact]:
    facts: list[Fact] = [("Kind", [component.kind.value]), ("What", [component.description])]
    if component.argument_hint:
        facts.append(("Takes", [component.argument_hint]))
    if component.model:
        facts.append(("Model", [component.model]))
    return [*facts, ("File", [tilde_path(component.path)])]


def _beginning(component: Component) -> str:
    lines = component.body.strip("\n").split("\n")
    if len(lines) <= _MAX_SHOWN_LINES:
        return "\n".join(lines)
    return "\n".join(
        [*lines[:_MAX_SHOWN_LINES], f"… {len(lines) - _MAX_SHOWN_LINES} more lines in {tilde_path(component.path)}"]
    )


def _with(draft: Draft, component: Component) -> Draft:
    """The draft with one more helper; one that is there already stays where it is."""
    if component.kind is Kind.AGENT:
        return replace(draft, agents=tuple(dict.fromkeys((*draft.agents, component.name))))
    return replace(draft, commands=tuple(dict.fromkeys((*draft.commands, component.name))))


def _name_fault(text: str) -> str | None:
    try:
        ScaffoldSettings(text or ScaffoldSettings().name)
    except CctError as error:
        return f"{error.message} {error.hint}"
    return None
