"""One question after the other, each with a way back. A step takes a draft and gives it back with one more answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from cct_cloudflare import config, pricing, scripted
from cct_cloudflare.claude_api import list_models
from cct_cloudflare.components.model import Kind
from cct_cloudflare.errors import CctError, ConfigError
from cct_cloudflare.wizard import catalog, checks
from cct_cloudflare.wizard.draft import Draft, NewKey, NewWorker, Where
from cct_cloudflare.wizard.known import Known
from cct_cloudflare.wizard.questions import BACK, Back, ChooseMany, ChooseOne, Enter, Option, Screen, Write
from cct_cloudflare.wording import tilde_path

Step: TypeAlias = Callable[[Draft], "Draft | Back"]


def walk(steps: Sequence[Step], draft: Draft) -> Draft | Back:
    """Takes the steps in their order. BACK returns to the last step that asked something, or to the caller.

    A step that has nothing to ask gives back the very draft that it was given.
    """
    asked: list[tuple[int, Draft]] = []
    at = 0
    while at < len(steps):
        answer = steps[at](draft)
        if answer is BACK:
            if not asked:
                return BACK
            at, draft = asked.pop()
            continue
        if answer is not draft:
            asked.append((at, draft))
        draft, at = answer, at + 1
    return draft


@dataclass(frozen=True)
class Steps:
    """The questions about one run. `api_url` is what ANTHROPIC_BASE_URL says; `is_first` has no question before it."""

    screen: Screen
    project: Path
    known: Known
    api_url: str | None = None
    is_first: bool = False

    def where(self, draft: Draft) -> Draft | Back:
        if draft.given:
            return draft
        answer = self.screen.choose(
            ChooseOne(
                message="Where should programs run?",
                label="Where",
                options=where_options(self.known),
                default=(draft.where, draft.worker_url),
                has_back=not self.is_first,
            )
        )
        if answer is BACK:
            return BACK
        where, url = answer
        local = where is Where.HERE and self.known.usual_worker is not None
        return replace(draft, where=where, worker_url=url, local=local, new_worker=None)

    def worker(self, draft: Draft) -> Draft | Back:
        """The URL of a Worker that this machine does not know yet."""
        if draft.where is not Where.WORKER or draft.worker_url is not None:
            return draft
        while True:
            url = self.screen.enter(Enter(message="The Worker's URL?", label="Worker", check=_url_fault))
            if url is BACK:
                return BACK
            url = config.checked_worker_url(url)
            try:
                with self.screen.waiting("Asking the Worker how it is"):
                    health = checks.worker_health(url)
            except CctError as error:
                self.screen.error(error)
                continue
            self.screen.note(f"{health.worker} {health.version}, model {health.model or 'not known'}")
            return replace(draft, worker_url=url)

    def token(self, draft: Draft) -> Draft | Back:
        """The token of a Worker for which none is known."""
        url = draft.worker_url
        if url is None or draft.new_worker is not None:
            return draft
        target = config.worker_target(url)
        if target is None or target.token is not None:
            return draft
        while True:
            token = self.screen.enter(
                Enter(message="Its token (CCT_TOKEN)?", label="Token", check=_token_fault, secret=True)
            )
            if token is BACK:
                return BACK
            try:
                with self.screen.waiting("Checking the token"):
                    checks.check_token(url, token)
            except CctError as error:
                if error.code == "unauthorized":
                    error.hint = "Copy the CCT_TOKEN that this Worker was deployed with again."
                self.screen.error(error)
                continue
            return replace(draft, new_worker=NewWorker(url, token))

    def key(self, draft: Draft) -> Draft | Back:
        """The Anthropic key, where one is needed and none is known."""
        if draft.where not in (Where.HERE, Where.DEPLOY) or draft.has_key or self.known.key or draft.new_key:
            return draft
        while True:
            value = self.screen.enter(
                Enter(
                    message="Your Anthropic API key, from platform.claude.com?",
                    label="Key",
                    check=_key_fault,
                    secret=True,
                )
            )
            if value is BACK:
                return BACK
            if not self._is_accepted(value):
                continue
            keep = self.screen.choose(
                ChooseOne(
                    message="Should cct keep this key?",
                    label="Keep it",
                    options=[
                        Option(True, "Yes, for me", f"in {tilde_path(config.config_dir())}, which only you can read"),
                        Option(False, "Only this session", "it is gone when this cct ends"),
                    ],
                )
            )
            if keep is not BACK:
                return replace(draft, new_key=NewKey(value, keep))

    def _is_accepted(self, key: str) -> bool:
        """Whether Claude's API takes the key, or the user goes on without knowing."""
        while True:
            try:
                with self.screen.waiting("Checking the key"):
                    list_models(key, self.api_url)
            except CctError as error:
                if error.code == "key_rejected":
                    error.hint = "Copy it again from platform.claude.com, or make a new one there."
                self.screen.error(error)
                if error.code == "key_rejected":
                    return False
            else:
                self.screen.note("Claude's API accepts the key.")
                return True
            answer = self.screen.choose(
                ChooseOne(
                    message="The key could not be checked.",
                    options=[
                        Option("again", "Try again"),
                        Option("on", "Go on without the check"),
                        Option("other", "Enter it again"),
                    ],
                    has_back=False,
                )
            )
            if answer != "again":
                return answer == "on"

    def components(self, draft: Draft) -> Draft | Back:
        if draft.given:
            return draft
        components = catalog.load_all(self.project)
        answer = self.screen.choose_many(
            ChooseMany(
                message="Which agents and commands should help? None is fine.",
                label="Helpers",
                options=catalog.options(components),
                rank=catalog.rank(components),
                chosen=[
                    *(catalog.Ref(Kind.AGENT, name) for name in draft.agents),
                    *(catalog.Ref(Kind.COMMAND, name) for name in draft.commands),
                ],
            )
        )
        if answer is BACK:
            return BACK
        return replace(
            draft,
            agents=tuple(ref.name for ref in answer if ref.kind is Kind.AGENT),
            commands=tuple(ref.name for ref in answer if ref.kind is Kind.COMMAND),
        )

    def prompt(self, draft: Draft) -> Draft | Back:
        message = "What should the program do?"
        if draft.where is not Where.DEMO:
            text = self.screen.write(
                Write(message=message, label="Prompt", check=_prompt_fault, default=draft.prompt or "")
            )
            return replace(draft, prompt=text)
        answer = self.screen.choose(
            ChooseOne(
                message=f"{message} The scripted model knows these:",
                label="Prompt",
                options=[Option(prompt, prompt) for prompt in scripted.prompts()],
                default=draft.prompt,
                has_back=not draft.given,
            )
        )
        return BACK if answer is BACK else replace(draft, prompt=answer)

    def model(self, draft: Draft) -> Draft | Back:
        table = pricing.model_table()
        options: list[Option[str]] = [Option("", "The default", "an agent's own choice, else " + table.default)]
        options += [
            Option(name, name, f"${price.input:g} in, ${price.output:g} out per million tokens")
            for name, price in table.prices.items()
        ]
        answer = self.screen.choose(
            ChooseOne(message="Which model?", label="Model", options=options, default=draft.model or "")
        )
        return BACK if answer is BACK else replace(draft, model=answer or None)


def where_options(known: Known) -> list[Option[tuple[Where, str | None]]]:
    """The places to choose from. One that is ruled out says why."""
    need = f"with the key from {config.KEY_SOURCES[known.key.source]}" if known.key else "needs an Anthropic key"
    usual = [known.usual_worker] if known.usual_worker else []
    workers = [*usual, *(url for url in known.workers if url not in usual)]
    kept: list[Option[tuple[Where, str | None]]] = [
        Option((Where.WORKER, url), url, "its token is kept" if url in known.workers else "") for url in workers
    ]
    return [
        Option((Where.HERE, None), "This machine", f"Cloudflare's runtime, {need}", known.key_fault),
        *kept,
        Option((Where.WORKER, None), "Another Worker" if workers else "A Worker that exists", "by its URL and token"),
        Option((Where.DEPLOY, None), "Deploy a new Worker", "to your Cloudflare account", known.key_fault),
        Option((Where.DEMO, None), "Just look", "a scripted model: no key, no account, no cost"),
    ]


def _url_fault(text: str) -> str | None:
    return _fault(lambda: config.checked_worker_url(text))


def _token_fault(text: str) -> str | None:
    return _fault(lambda: config.checked_token(text, "This"))


def _key_fault(text: str) -> str | None:
    return _fault(lambda: config.checked_key(text))


def _fault(check: Callable[[], object]) -> str | None:
    try:
        check()
    except ConfigError as error:
        return error.message
    return None


def _prompt_fault(text: str) -> str | None:
    if not text:
        return "Say what the program should do."
    return "A lone dash would mean standard input." if text == "-" else None
