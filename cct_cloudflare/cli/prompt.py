"""The main job: a prompt becomes a program that runs in a sandbox."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from cct_cloudflare import config, scaffold
from cct_cloudflare.cli.options import milliseconds, read_prompt
from cct_cloudflare.cli.show import conclude, follow
from cct_cloudflare.components.names import parse_refs
from cct_cloudflare.errors import UsageError
from cct_cloudflare.run import RunPlan, RunRequest, plan_run
from cct_cloudflare.sandbox.client import WorkerClient
from cct_cloudflare.sandbox.session import ModelAccess, check_token, local_session, remote_session, trusted_source
from cct_cloudflare.terminal import Display, Intro, make_display


def run_prompt(
    *,
    agents: tuple[str, ...],
    commands: tuple[str, ...],
    prompt: str | None,
    prompt_file: Path | None,
    model: str | None,
    max_tokens: int | None,
    worker_url: str | None,
    anthropic_api_key: str | None,
    demo: bool,
    dry_run: bool,
    directory: Path,
    yes: bool,
    trust_project: bool,
    language: str | None,
    timeout: float | None,
    output: Path | None,
    as_json: bool,
    quiet: bool,
    no_color: bool,
) -> int:
    text = read_prompt(prompt, prompt_file)
    if text is None:
        raise UsageError("There is no prompt.", hint='Say what the program should do: --prompt "…"')
    project = directory.resolve()
    plan = plan_run(
        RunRequest(
            prompt=text,
            project=project,
            agents=tuple(parse_refs(agents)),
            commands=tuple(parse_refs(commands)),
            model=model,
            language=language,
            timeout_ms=milliseconds(timeout),
            max_tokens=max_tokens,
        )
    )
    if dry_run:
        _show_plan(plan, as_json=as_json)
        return 0
    place = _choose_place(plan, project, worker_url, anthropic_api_key, demo=demo)
    may_ask = not yes and not as_json and sys.stdin.isatty() and sys.stderr.isatty()
    with make_display(as_json=as_json, quiet=quiet, no_color=no_color) as display:
        if anthropic_api_key is not None:
            display.warn("--anthropic-api-key shows in the process list; ANTHROPIC_API_KEY does not.")
        for warning in plan.merged.warnings:
            display.warn(warning)
        _render_project(project, display, ask=may_ask)
        display.begin(_intro(plan, place))
        with _open(place, project, display, trust_project=trust_project, ask=may_ask) as client:
            result = follow(client.execute(plan.execute), display)
        return conclude(result, display, Path.cwd(), output)


@dataclass(frozen=True)
class _Place:
    """Where a run happens: a deployed Worker, or this machine with access to Claude, or with the scripted model."""

    target: config.WorkerTarget | None = None
    access: ModelAccess | None = None

    @property
    def is_demo(self) -> bool:
        return self.target is None and self.access is None


def _choose_place(plan: RunPlan, project: Path, worker_url: str | None, key: str | None, *, demo: bool) -> _Place:
    """Everything that can be missing is asked for here, before anything is written. Raises UsageError, ConfigError."""
    if demo:
        _check_demo(plan, is_remote=worker_url is not None)
        return _Place()
    target = config.worker_target(worker_url)
    if target is not None:
        check_token(target)
        return _Place(target=target)
    return _Place(access=ModelAccess.from_environment(config.find_anthropic_key(project, key).value))


@contextlib.contextmanager
def _open(place: _Place, project: Path, display: Display, *, trust_project: bool, ask: bool) -> Iterator[WorkerClient]:
    """The Worker of this run, ready to be asked."""
    with contextlib.ExitStack() as stack:
        if place.target is not None:
            yield stack.enter_context(remote_session(place.target))
            return
        source = trusted_source(project, trust_project=trust_project, ask=_ask_consent if ask else None)
        access = place.access
        if access is None:
            from cct_cloudflare.scripted import ScriptedModel

            access = ModelAccess("scripted-model-needs-no-key", stack.enter_context(ScriptedModel()).url)
        yield stack.enter_context(local_session(access, source=source, progress=display.progress))


def _check_demo(plan: RunPlan, *, is_remote: bool) -> None:
    from cct_cloudflare import scripted

    if is_remote:
        raise UsageError("--demo runs on this machine; --worker-url names another.", hint="Give one of them.")
    if scripted.find(plan.execute.question) is None:
        known = "\n".join(f"  {prompt}" for prompt in scripted.prompts())
        raise UsageError(f"The scripted model of --demo knows only these prompts:\n{known}")


def _render_project(project: Path, display: Display, *, ask: bool) -> None:
    """Renders the Worker project when it is missing or out of date. Raises click.Abort when the user declines."""
    plan = scaffold.plan(project)
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
        display.warn(f"{place}/{path} was edited by you and kept; cct init --dry-run shows what differs")


def _ask_consent(target: Path) -> bool:
    click.echo(
        f"\nThe Worker source in {target} is not what cct renders. It would run on this machine and get your key.",
        err=True,
    )
    return click.confirm("Have you read it, and should it run?", default=False, err=True)


def _intro(plan: RunPlan, place: _Place) -> Intro:
    return Intro(
        where=place.target.origin if place.target else "this machine",
        question=plan.merged.question,
        system=plan.merged.system,
        components=tuple(component.name for component in plan.merged.components),
        included_files=len(plan.merged.included_files),
        demo=place.is_demo,
    )


def _show_plan(plan: RunPlan, *, as_json: bool) -> None:
    body = plan.to_json()
    if as_json:
        click.echo(json.dumps({"success": True, "dryRun": True, **body}))
        return
    for component in body["components"]:
        click.echo(f"{component['kind']:<8} {component['name']} ({component['source']})", err=True)
    for file in body["includedFiles"]:
        click.echo(f"file     {file['path']} ({file['bytes']} bytes)", err=True)
    click.echo(f"model    {body['model'] or 'the default'}", err=True)
    for warning in body["warnings"]:
        click.echo(f"warning  {warning}", err=True)
    for name in ("system", "question"):
        click.echo(f"--- {name}\n{body[name] or ''}")
