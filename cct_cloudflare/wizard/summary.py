"""What the last confirm shows: everything that would happen, as facts. Reads, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cct_cloudflare import config, pricing, scaffold
from cct_cloudflare.claude_api import base_url
from cct_cloudflare.components.names import parse_refs
from cct_cloudflare.estimates import estimate_plan
from cct_cloudflare.left_out import told
from cct_cloudflare.pricing import dollars
from cct_cloudflare.run import RunPlan, RunRequest, plan_run
from cct_cloudflare.scaffold.planning import WRITES
from cct_cloudflare.scaffold.variables import project_model
from cct_cloudflare.wizard.draft import Draft, Where, command_line, run_argv
from cct_cloudflare.wizard.known import Known
from cct_cloudflare.wizard.questions import Fact
from cct_cloudflare.wording import counted, tilde_path


@dataclass(frozen=True)
class Summary:
    facts: tuple[Fact, ...]
    argv: tuple[str, ...]
    line: str


def planned(draft: Draft, project: Path) -> RunPlan:
    """What a draft with a prompt would send. Raises CctError."""
    return plan_run(
        RunRequest(
            prompt=draft.prompt or "",
            project=project,
            agents=tuple(parse_refs(draft.agents)),
            commands=tuple(parse_refs(draft.commands)),
            skills=tuple(parse_refs(draft.skills)),
            settings=tuple(parse_refs(draft.settings)),
            hooks=tuple(parse_refs(draft.hooks)),
            mcps=tuple(parse_refs(draft.mcps)),
            trust=draft.trust,
            model=draft.model,
        )
    )


def summarize(draft: Draft, project: Path, known: Known, api_url: str | None) -> Summary:
    """Raises CctError for all that would stop the run before it begins."""
    plan = planned(draft, project)
    model = plan.model
    if draft.where is Where.HERE:
        plan = plan.with_model(project_model(project))
    rendering = scaffold.plan(project)
    # The confirm answers for a new project. An older or edited one has questions of its own, which it may ask.
    argv = run_argv(replace(draft, yes=draft.renders and not rendering.target.exists()))
    facts = [
        ("Where", [draft.worker_url or Where.HERE.value]),
        ("Model", [_model(draft, plan, by_component=model is not None)]),
        ("Key", list(_key(draft, known, api_url))),
        ("Helpers", [", ".join(component.name for component in plan.components)]),
        ("Left out", told(plan.not_applied)),
        ("Prompt", [_prompt(draft, plan)]),
        ("Note", list(plan.merged.warnings)),
        ("Files", list(_files(draft, rendering))),
        ("Cost", list(_cost(draft, plan))),
    ]
    line = command_line(argv, session_key=draft.new_key is not None and not draft.new_key.keep)
    return Summary(tuple((label, lines) for label, lines in facts if any(lines)), tuple(argv), line)


def _model(draft: Draft, plan: RunPlan, *, by_component: bool) -> str:
    if draft.where is Where.DEMO:
        return "SCRIPTED MODEL: its answers are written in advance"
    if plan.model is None:
        # A deployed Worker may have a default of its own.
        return "the Worker's default" if draft.where is Where.WORKER else f"{pricing.default_model()}, the default"
    if draft.model:
        return plan.model
    chooser = "an agent" if plan.merged.model else "a component" if by_component else "the project"
    return f"{plan.model}, {chooser}'s choice"


def _key(draft: Draft, known: Known, api_url: str | None) -> Iterator[str]:
    if draft.where is not Where.HERE:
        if draft.new_worker is not None:
            yield f"the token will be kept in {tilde_path(config.config_dir())}, for this Worker alone"
        return
    # As it is asked, or not at all: what cannot be an address may hold a password.
    api = f", for {base_url(api_url)}" if api_url else ""
    if draft.new_key is not None:
        kept = f"will be kept in {tilde_path(config.config_dir())}" if draft.new_key.keep else "for this session only"
        yield f"the one you typed; {kept}{api}"
    elif known.key is not None:
        yield f"from {config.KEY_SOURCES[known.key.source]}{api}"


def _prompt(draft: Draft, plan: RunPlan) -> str:
    typed = len(draft.prompt or "")
    sent = len(plan.merged.question) + len(plan.merged.system or "")
    more = "" if sent == typed else f"; {sent:,} with helpers and files"
    return f"{typed:,} characters{more}"


def _files(draft: Draft, rendering: scaffold.Plan) -> Iterator[str]:
    place = rendering.target.relative_to(rendering.project).as_posix()
    writes = len(rendering.having(*WRITES))
    if draft.renders and not rendering.is_done:
        yield f"the Worker project, {counted(writes, 'file')}, into {place}/"
    if draft.verb == "monitor":
        yield "what the program brings back is measured, not saved"
    elif "--output" not in draft.given:
        yield "what the program brings back, into a new folder cloudflare-…/"


def _cost(draft: Draft, plan: RunPlan) -> Iterator[str]:
    if draft.where is Where.DEMO:
        yield "none"
        return
    expected = estimate_plan(plan, remote=draft.where is Where.WORKER)
    if expected.likely_usd is None or expected.at_most_usd is None:
        yield "the price of this model is not known"
    else:
        yield f"about {dollars(expected.likely_usd)}, at most {dollars(expected.at_most_usd)}"
