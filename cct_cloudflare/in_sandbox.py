"""What skills, settings, hooks and MCP servers come to in a run in the sandbox.

Claude is asked once there, through an API that takes a text, a model and a length, and the program that it writes runs
without network, tools or environment. So a skill's instructions mean something, a model and a few variables do, and
the rest is Claude Code's own business: it is not dropped silently, but named in a `NotApplied`.

Values of variables are never told: one may be a key. What reads settings is imported where there are some: most
prompts have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cct_cloudflare.claude_api import base_url
from cct_cloudflare.components import frontmatter
from cct_cloudflare.components.model import Component, Kind
from cct_cloudflare.components.models import UnknownModelError, model_of
from cct_cloudflare.components.names import printable
from cct_cloudflare.components.package import Package
from cct_cloudflare.components.prompt import Instructions
from cct_cloudflare.errors import ConfigError, UnsafeError, UsageError
from cct_cloudflare.left_out import NotApplied
from cct_cloudflare.limits import LEAST_MAX_TOKENS, MOST_MAX_TOKENS

BASE_URL = "ANTHROPIC_BASE_URL"
MODEL = "ANTHROPIC_MODEL"
MAX_TOKENS = "CLAUDE_CODE_MAX_OUTPUT_TOKENS"

_EVENTS = "Claude Code's events do not happen in the sandbox"
_TOOLS = "Claude has no tools in the sandbox that could be permitted"
_SERVERS = "Claude is asked once and without tools, and the sandbox has no network"
_VARIABLE = "programs in the sandbox have an empty environment"
_SECRET = "keys and tokens come from you, never from a component"  # noqa: S105 - a sentence
_OWN = "it is for Claude Code itself"
_ASIDE = "of a skill, only the text of SKILL.md goes along"

#: What one says of a variable that Claude Code reads and a run does not.
_VARIABLES: Mapping[str, str] = {
    "API_TIMEOUT_MS": "how long Claude is waited for is fixed",
    "MAX_THINKING_TOKENS": "how much Claude thinks is left to the model",
    "CLAUDE_CODE_EFFORT_LEVEL": "how much Claude thinks is left to the model",
}
_SETTINGS: Mapping[str, str] = {
    "fallbackModel": "one model is asked, and none takes its place",
    "effortLevel": "how much Claude thinks is left to the model",
    "alwaysThinkingEnabled": "how much Claude thinks is left to the model",
}
#: Rules of `validation.variables` for what can send the key elsewhere, or load other code.
_REFUSED = frozenset({"env-base-url", "env-loader", "env-proxy"})
_SECRET_NAME = re.compile(r"(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|HEADERS)(?:_|$)")
#: What a skill's frontmatter asks of Claude Code.
_SKILL_KEYS = ("allowed-tools", "disallowed-tools", "hooks", "mcpServers", "context", "agent", "effort")
#: The same of agents and commands, whose tools are left out without a word: there are none for anybody.
_PROMPT_KEYS: Mapping[Kind, Mapping[str, str]] = {
    Kind.AGENT: {
        "hooks": _EVENTS,
        "mcpServers": _SERVERS,
        "permissionMode": _TOOLS,
        "skills": "a run has the skills that --skill names",
        "memory": "a run remembers nothing of earlier ones",
    },
    Kind.COMMAND: {"hooks": _EVENTS, "model": "a command chooses no model for a run; --model does"},
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A value that a component asks for: `value` of `what`."""

    component: str
    what: str
    value: Any


@dataclass(frozen=True, slots=True)
class Applied:
    """What packages come to. Of several wishes for one thing the first one counts, unless the user has chosen.

    `api_url` is where Claude's API is, as a trusted component says.
    """

    instructions: tuple[Instructions, ...] = ()
    models: tuple[Wish, ...] = ()
    max_tokens: tuple[Wish, ...] = ()
    api_url: Wish | None = None
    not_applied: tuple[NotApplied, ...] = ()
    warnings: tuple[str, ...] = ()


def settle(wishes: Sequence[Wish], chosen: Any, by: str) -> tuple[Any, tuple[NotApplied, ...]]:
    """The value that holds, and the wishes that came too late: for `chosen`, which `by` has chosen, or for an
    earlier wish. Without any of them the value is None."""
    late = []
    for wish in wishes:
        if chosen is None:
            chosen, by = wish.value, wish.component
        elif wish.value != chosen:
            late.append(NotApplied(wish.component, wish.what, f"{by} chose {chosen}"))
    return chosen, tuple(late)


def apply(packages: Iterable[Package], *, trust: bool) -> Applied:
    """What each package comes to, in the order given; agents and commands are `components.prompt`'s business.

    Raises UnsafeError (`unsafe_component`) for a variable that nobody but a trusted component may set, and UsageError
    (`component_invalid`).
    """
    found = _Found(trust=trust)
    for package in packages:
        if package.item.kind is Kind.SKILL:
            found.skill(package)
        elif package.item.kind is Kind.MCP:
            found.servers(package)
        else:
            found.settings(package)
    return Applied(
        tuple(found.instructions),
        tuple(found.models),
        tuple(found.max_tokens),
        found.api_url,
        tuple(found.not_applied),
        tuple(found.warnings),
    )


def left_of(components: Iterable[Component]) -> tuple[NotApplied, ...]:
    """What agents and commands ask for beside their text that a run in the sandbox has not."""
    return tuple(
        NotApplied(f"{component.kind}/{component.name}", key, why)
        for component in components
        for key, why in _PROMPT_KEYS.get(component.kind, {}).items()
        if component.frontmatter.get(key)
    )


@dataclass
class _Found:
    trust: bool
    instructions: list[Instructions] = field(default_factory=list)
    models: list[Wish] = field(default_factory=list)
    max_tokens: list[Wish] = field(default_factory=list)
    api_url: Wish | None = None
    not_applied: list[NotApplied] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def skill(self, package: Package) -> None:
        ref = package.item.ref
        document = frontmatter.parse(_text(package))
        self.instructions.append(Instructions(package.item.name, document.body))
        self.warnings += [f"skill {package.item.name}: {warning}" for warning in document.warnings]
        self._model(ref, "model", frontmatter.text_value(document.metadata, "model"))
        self._leave(ref, [key for key in _SKILL_KEYS if key in document.metadata], _OWN)
        self._leave(ref, sorted(path for path in package.files if path != package.main), _ASIDE)

    def servers(self, package: Package) -> None:
        servers = _object(package).get("mcpServers")
        names = servers if isinstance(servers, dict) else ()
        self._leave(package.item.ref, [f"mcpServers.{printable(name)}" for name in names], _SERVERS)

    def settings(self, package: Package) -> None:
        from cct_cloudflare.merging.settings import IGNORED

        ref = package.item.ref
        for key, value in _object(package).items():
            if key in IGNORED:
                continue
            inner = [f"{printable(key)}.{printable(name)}" for name in value] if isinstance(value, dict) else None
            if key == "model":
                self._model(ref, "model", value)
            elif key == "env":
                self._environment(ref, value if isinstance(value, dict) else {})
            elif key == "hooks":
                self._leave(ref, inner or [key], _EVENTS)
            elif key == "permissions":
                self._leave(ref, inner or [key], _TOOLS)
            else:
                self._leave(ref, [printable(key)], _SETTINGS.get(key, _OWN))

    def _environment(self, ref: str, variables: Mapping[str, Any]) -> None:
        risky = [name for name in variables if _is_risky(name)]
        if risky and not self.trust:
            raise UnsafeError(
                f"{ref} sets {printable(', '.join(risky))}, which can send your key elsewhere or load other code.",
                hint=f"Read it (cct show {ref.replace('/', ' ', 1)}); with --trust it is used.",
                code="unsafe_component",
            )
        for name, value in variables.items():
            what = f"env.{printable(name)}"
            if name == MODEL:
                # As in Claude Code, the variable decides over the setting beside it.
                self._model(ref, what, value, first=True)
            elif name == MAX_TOKENS:
                self._max_tokens(ref, what, value)
            elif name == BASE_URL:
                self._api_url(ref, what, value)
            elif _SECRET_NAME.search(name.upper()):
                self._leave(ref, [what], _SECRET)
            else:
                self._leave(ref, [what], _VARIABLES.get(name, _VARIABLE))

    def _model(self, ref: str, what: str, wanted: Any, *, first: bool = False) -> None:
        try:
            model = model_of(wanted if isinstance(wanted, str) else None)
        except UnknownModelError:
            self._leave(ref, [what], f"the model {printable(wanted)[:80]!r} is not known")
            return
        if model is not None:
            at = next((at for at, wish in enumerate(self.models) if first and wish.component == ref), len(self.models))
            self.models.insert(at, Wish(ref, what, model))

    def _max_tokens(self, ref: str, what: str, value: Any) -> None:
        try:
            tokens = int(str(value))
        except ValueError:
            tokens = 0
        if LEAST_MAX_TOKENS <= tokens <= MOST_MAX_TOKENS:
            self.max_tokens.append(Wish(ref, what, tokens))
        else:
            self._leave(ref, [what], f"it is no number from {LEAST_MAX_TOKENS} to {MOST_MAX_TOKENS}")

    def _api_url(self, ref: str, what: str, value: Any) -> None:
        try:
            url = base_url(value if isinstance(value, str) else "?")
        except ConfigError as error:
            raise UsageError(
                f"{ref} cannot be used: {error.message}", hint=error.hint, code="component_invalid"
            ) from error
        if self.api_url is None:
            self.api_url = Wish(ref, what, url)
        elif self.api_url.value != url:
            self._leave(ref, [what], f"{self.api_url.component} chose {self.api_url.value}")

    def _leave(self, ref: str, parts: Iterable[str], why: str) -> None:
        self.not_applied += [NotApplied(ref, part, why) for part in parts]


def _is_risky(name: str) -> bool:
    from cct_cloudflare.validation.variables import danger

    found = danger(name)
    return found is not None and found.rule in _REFUSED


def _text(package: Package) -> str:
    try:
        return package.files[package.main].decode()
    except UnicodeDecodeError as error:
        raise _unusable(package, "it is not UTF-8 text") from error


def _object(package: Package) -> dict[str, Any]:
    from cct_cloudflare.merging import jsonc

    try:
        data = jsonc.load(package.files[package.main])
    except jsonc.JsoncError as error:
        raise _unusable(package, str(error)) from error
    if not isinstance(data, dict):
        raise _unusable(package, "it is not a JSON object")
    return data


def _unusable(package: Package, problem: str) -> UsageError:
    return UsageError(
        f"The {package.item.kind} {package.item.name} cannot be used: {problem}.",
        hint=f"Look at its file, {printable(package.main)}.",
        code="component_invalid",
    )
