"""The journey of a prompt, up to the point where it is sent: what the user asked for becomes one request.

Nothing here writes, prints or starts anything, so `--dry-run` shows exactly what a run would send.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cct_cloudflare import pricing
from cct_cloudflare.components.model import Component, Kind
from cct_cloudflare.components.names import check_name
from cct_cloudflare.components.package import Item, Package
from cct_cloudflare.components.prompt import MergedPrompt, merge
from cct_cloudflare.errors import UsageError
from cct_cloudflare.in_sandbox import Wish, apply, left_of, settle
from cct_cloudflare.left_out import NotApplied
from cct_cloudflare.limits import EXECUTE_BODY, QUESTION_CHARACTERS, SYSTEM_CHARACTERS, characters
from cct_cloudflare.named import Named
from cct_cloudflare.sandbox.client import ExecuteRequest

if TYPE_CHECKING:
    from cct_cloudflare.history.record import UsedComponent


@dataclass(frozen=True)
class RunRequest:
    """What the flags, or the wizard, say. Names are as they were typed; nothing has been read yet."""

    prompt: str
    project: Path
    agents: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    mcps: tuple[str, ...] = ()
    #: Whether a component may say where Claude's API is.
    trust: bool = False
    model: str | None = None
    language: str | None = None
    timeout_ms: int | None = None
    max_tokens: int | None = None
    sandbox: str | None = None

    @property
    def packages(self) -> tuple[tuple[Kind, str], ...]:
        """What is neither an agent nor a command, by kind and name."""
        named = {Kind.SKILL: self.skills, Kind.SETTING: self.settings, Kind.HOOK: self.hooks, Kind.MCP: self.mcps}
        return tuple((kind, ref) for kind, refs in named.items() for ref in refs)


@dataclass(frozen=True)
class RunPlan:
    """Exactly what will be sent, and where its parts came from."""

    merged: MergedPrompt
    execute: ExecuteRequest
    #: The model that was chosen; None leaves it to the Worker's own default.
    model: str | None = field(default=None)
    #: As it was typed.
    prompt: str = ""
    #: For a plan from the history: the components as they were then.
    recorded: tuple[UsedComponent, ...] | None = None
    #: The skills, settings, hooks and MCP servers among the components.
    packages: tuple[Package, ...] = ()
    #: What of them means nothing in a sandbox.
    not_applied: tuple[NotApplied, ...] = ()
    #: Where Claude's API is for a run from this machine, as a trusted component says.
    api_url: Wish | None = None

    @property
    def components(self) -> tuple[Component | Item, ...]:
        """All of them: agents, commands, then the others."""
        return (*self.merged.components, *(package.item for package in self.packages))

    def with_model(self, model: str | None) -> RunPlan:
        """The same, asked of `model` where no model was chosen."""
        if model is None or self.model is not None:
            return self
        return replace(self, execute=replace(self.execute, model=model), model=model)

    def without_api_url(self, why: str) -> RunPlan:
        """The same for a place that asks Claude where it was told to; `why` ends a sentence."""
        if self.api_url is None:
            return self
        left = NotApplied(self.api_url.component, self.api_url.what, why)
        return replace(self, api_url=None, not_applied=(*self.not_applied, left))

    def to_json(self) -> dict[str, Any]:
        return {
            "system": self.merged.system,
            "question": self.merged.question,
            "model": self.model,
            "apiUrl": self.api_url.value if self.api_url else None,
            "components": [
                {"kind": component.kind.value, "name": component.name, "source": component.source}
                for component in self.components
            ],
            "notApplied": [part.to_json() for part in self.not_applied],
            "includedFiles": [
                {"path": file.label, "bytes": len(file.text.encode())} for file in self.merged.included_files
            ],
            "warnings": list(self.merged.warnings),
        }


def plan_run(request: RunRequest) -> RunPlan:
    """Finds and reads the components and the files that the prompt mentions. Raises UsageError, UnsafeError."""
    for ref in (*request.agents, *request.commands, *(ref for _, ref in request.packages)):
        check_name(ref)  # all of them, before a registry is asked for one
    named = Named(request.project)
    packages = named.packages(request.packages)
    applied = apply(packages, trust=request.trust)
    merged = merge(
        named.components(request.agents, Kind.AGENT),
        named.components(request.commands, Kind.COMMAND),
        request.prompt,
        request.project,
        applied.instructions,
    )
    merged = replace(merged, warnings=(*named.notes, *merged.warnings, *applied.warnings))
    chosen = pricing.resolve_model(request.model) if request.model else merged.model
    model, late_models = settle(applied.models, chosen, "--model" if request.model else "an agent")
    max_tokens, late_tokens = settle(applied.max_tokens, request.max_tokens, "--max-tokens")
    execute = ExecuteRequest(
        question=merged.question,
        system=merged.system,
        language=request.language,
        model=model,
        timeout_ms=request.timeout_ms,
        max_tokens=max_tokens,
        sandbox=request.sandbox,
    )
    _check_size(execute)
    return RunPlan(
        merged,
        execute,
        model,
        request.prompt,
        packages=packages,
        not_applied=(*left_of(merged.components), *applied.not_applied, *late_models, *late_tokens),
        api_url=applied.api_url,
    )


def _check_size(request: ExecuteRequest) -> None:
    """Raises UsageError (`payload_too_large`) for what the Worker would refuse."""
    for what, size, most, unit in (
        ("The prompt with its commands and files", characters(request.question), QUESTION_CHARACTERS, "characters"),
        ("The text of the agents and skills", characters(request.system or ""), SYSTEM_CHARACTERS, "characters"),
        ("The request", len(json.dumps(request.to_json(), ensure_ascii=False).encode()), EXECUTE_BODY, "bytes"),
    ):
        if size > most:
            raise UsageError(
                f"{what} has {size:,} {unit}; at most {most:,} are sent.",
                hint="Shorten it, or name fewer files and components.",
                code="payload_too_large",
            )
