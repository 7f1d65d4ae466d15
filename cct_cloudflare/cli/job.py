"""What the commands that send a prompt share: their options, the job that these describe, and the Worker for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from cct_cloudflare import scaffold
from cct_cloudflare.cli.options import may_ask, milliseconds
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import parse_refs
from cct_cloudflare.estimates import check_plan
from cct_cloudflare.place import Place, choose_place, open_place
from cct_cloudflare.run import RunPlan, RunRequest, plan_run
from cct_cloudflare.sandbox.client import WorkerClient
from cct_cloudflare.scaffold.variables import project_model
from cct_cloudflare.terminal import Display, Intro


@dataclass(frozen=True, kw_only=True)
class PromptOptions:
    """The values of `prompt_options`, `run_options` and `output_options`, under the names that click gives them."""

    agents: tuple[str, ...]
    commands: tuple[str, ...]
    skills: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    mcps: tuple[str, ...] = ()
    trust: bool = False
    model: str | None
    max_tokens: int | None
    max_cost: float | None
    worker_url: str | None
    local: bool
    anthropic_api_key: str | None
    demo: bool
    directory: Path
    yes: bool
    trust_project: bool
    language: str | None
    isolation: str | None
    timeout: float | None
    output: Path | None
    no_history: bool
    as_json: bool
    quiet: bool
    no_color: bool

    @property
    def project(self) -> Path:
        return self.directory.resolve()

    @property
    def may_ask(self) -> bool:
        return may_ask(yes=self.yes, as_json=self.as_json)


@dataclass(frozen=True)
class Job:
    """A prompt, ready to be sent."""

    plan: RunPlan
    place: Place
    options: PromptOptions


def plan_of(prompt: str, options: PromptOptions) -> RunPlan:
    """What would be sent. Raises UsageError."""
    return plan_run(
        RunRequest(
            prompt=prompt,
            project=options.project,
            agents=tuple(parse_refs(options.agents)),
            commands=tuple(parse_refs(options.commands)),
            skills=tuple(parse_refs(options.skills)),
            settings=tuple(parse_refs(options.settings)),
            hooks=tuple(parse_refs(options.hooks)),
            mcps=tuple(parse_refs(options.mcps)),
            trust=options.trust,
            model=options.model,
            language=options.language,
            timeout_ms=milliseconds(options.timeout),
            max_tokens=options.max_tokens,
            sandbox=options.isolation,
        )
    )


def job_of(plan: RunPlan, options: PromptOptions, *, runs: int = 1) -> Job:
    """Nothing has been written or started yet. Raises UsageError and ConfigError for all that is missing.

    `runs` is how often the prompt will be sent, which --max-cost bounds as a whole.
    """
    place = choose_place(
        plan,
        options.project,
        worker_url=options.worker_url,
        local=options.local,
        key=options.anthropic_api_key,
        demo=options.demo,
    )
    return ready_job(plan, place, options, runs=runs)


def ready_job(plan: RunPlan, place: Place, options: PromptOptions, *, runs: int = 1) -> Job:
    """The job, unless it can cost more than it may. Raises UsageError (`cost_limit`)."""
    if place.is_this_machine:
        plan = plan.with_model(project_model(options.project))
    else:
        plan = plan.without_api_url(unused_address(demo=place.is_demo))
    if options.max_cost is not None:
        check_plan(options.max_cost, plan, place, runs=runs)
    return Job(plan, place, options)


def unused_address(*, demo: bool) -> str:
    """Why a place does not ask Claude where a component says."""
    return "the scripted model answers" if demo else "a deployed Worker asks Claude where it was told to"


@contextlib.contextmanager
def opened(job: Job, display: Display) -> Iterator[WorkerClient]:
    """Tells what is about to happen, sees to the rendered project, and gives the Worker that is to be asked."""
    plan, place, options = job.plan, job.place, job.options
    show_warnings(job, display)
    render_project(options.project, display, ask=options.may_ask)
    display.begin(intro_of(plan, place))
    with open_place(
        place,
        options.project,
        trust_project=options.trust_project,
        ask=ask_consent if options.may_ask else None,
        progress=display.progress,
    ) as client:
        yield client


def show_warnings(job: Job, display: Display) -> None:
    """What somebody should know before anything is sent."""
    if job.options.anthropic_api_key is not None:
        display.warn("--anthropic-api-key shows in the process list; ANTHROPIC_API_KEY does not.")
    for warning in job.plan.merged.warnings:
        display.warn(warning)
    if job.plan.api_url is not None:
        display.warn(f"Claude is asked at {job.plan.api_url.value}, as {job.plan.api_url.component} says")


def render_project(project: Path, display: Display, *, ask: bool, name: str | None = None) -> None:
    """Renders the Worker project when it is missing or out of date. Raises click.Abort when the user declines.

    `name` changes the name that the project's Worker has on Cloudflare.
    """
    plan = scaffold.plan(project, name=name)
    if plan.is_done:
        return
    is_new = not plan.target.exists()
    place = plan.target.relative_to(plan.project).as_posix()
    if ask:
        what = "Render the Worker project into" if is_new else "Update the Worker project in"
        click.confirm(f"{what} {place}?", default=True, abort=True, err=True)
    applied = scaffold.apply(plan)
    display.note(f"{'Rendered' if is_new else 'Updated'} {place}")
    for path in applied.having(scaffold.Action.CONFLICT):
        display.warn(f"{place}/{path} was edited by you and kept; cct init --update shows what differs")


def ask_consent(target: Path) -> bool:
    """Asks whether a project's own Worker source, which lies in `target`, may run."""
    click.echo(
        f"\nThe Worker source in {target} is not what cct renders. It would run on this machine and get your key.",
        err=True,
    )
    return click.confirm("Have you read it, and should it run?", default=False, err=True)


def intro_of(plan: RunPlan, place: Place) -> Intro:
    """What is known of a job before anything is sent."""
    sent = [component for component in plan.components if component.kind in (Kind.AGENT, Kind.COMMAND, Kind.SKILL)]
    kinds = dict.fromkeys(f"{component.kind}s" for component in sent if component.kind is not Kind.COMMAND)
    return Intro(
        where=place.label,
        question=plan.merged.question,
        system=plan.merged.system,
        system_from=" and ".join(kinds) or "agents",
        components=tuple(component.name for component in sent),
        not_applied=plan.not_applied,
        included_files=len(plan.merged.included_files),
        demo=place.is_demo,
    )
