"""What `cct deploy` shows and asks."""

from __future__ import annotations

import json
import shlex
import shutil
import textwrap
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cct_cloudflare.cli.options import may_ask
from cct_cloudflare.config import KEY_VARIABLE
from cct_cloudflare.deploy.login import Account
from cct_cloudflare.deploy.planning import DeployPlan
from cct_cloudflare.deploy.preparing import Questions, check_build, prepare, prepare_dry_run
from cct_cloudflare.deploy.project import few
from cct_cloudflare.deploy.request import DeployRequest
from cct_cloudflare.deployments import Deployment
from cct_cloudflare.errors import UsageError
from cct_cloudflare.plain import plain_line
from cct_cloudflare.scaffold.settings import ScaffoldSettings
from cct_cloudflare.terminal import Display, make_display

if TYPE_CHECKING:
    from cct_cloudflare.deploy.deploying import Deployed

_EXAMPLE = "What is the 10th Fibonacci number?"
_INDENT = 11


def run_deploy(request: DeployRequest, *, yes: bool, as_json: bool, no_color: bool) -> None:
    from cct_cloudflare.cli.job import render_project
    from cct_cloudflare.deploy.deploying import deploy

    asking = may_ask(yes=yes, as_json=as_json)
    if not (asking or yes):
        raise UsageError(
            "Nothing was deployed, because nobody can be asked here.",
            hint="--yes deploys it, --dry-run shows the plan.",
        )
    started = time.monotonic()
    ScaffoldSettings().changed(name=request.name)  # refuses what can be no name, before anything is written
    with make_display(as_json=as_json, no_color=no_color) as display:
        render_project(request.project, display, ask=asking)
        questions = _Person(display).questions if asking else Questions()
        prepared = prepare(request, questions, display.progress)
    if not as_json:
        show_plan(prepared.plan)
    if asking:
        click.confirm("Deploy it?", default=True, abort=True, err=True)
        started = time.monotonic()
    with make_display(as_json=as_json, no_color=no_color) as display:
        if request.name is not None:
            render_project(request.project, display, ask=False, name=request.name)
        deployed = deploy(prepared.plan, request, prepared.wrangler, display.progress)
    if as_json:
        click.echo(json.dumps({"success": True, "dryRun": False, **prepared.plan.to_json(), **deployed.to_json()}))
        return
    _show_deployed(deployed, prepared.plan, request, time.monotonic() - started)
    click.echo(deployed.url)


def run_dry_run(request: DeployRequest, *, yes: bool, as_json: bool, no_color: bool) -> None:
    asking = may_ask(yes=yes, as_json=as_json)
    with make_display(as_json=as_json, no_color=no_color) as display:
        dry = prepare_dry_run(request, _Person(display).questions if asking else Questions())
    if not as_json:
        show_plan(dry.plan)
    if dry.wrangler is not None:
        with make_display(as_json=as_json, no_color=no_color) as display:
            display.progress("Building it, as a deploy would")
            check_build(dry.wrangler, request.environment)
    checked = dry.wrangler is not None
    if as_json:
        body = {"success": True, "dryRun": True, "buildChecked": checked, "missing": dry.missing}
        click.echo(json.dumps({**body, **dry.plan.to_json()}))
    elif checked:
        click.echo("The build is fine. Nothing was deployed.", err=True)
    else:
        click.echo(f"The build was not checked: {dry.missing}. Nothing was deployed.", err=True)


def show_plan(plan: DeployPlan) -> None:
    """The plan for people, on stderr."""
    state = "" if plan.existing is None else ", which exists already" if plan.existing.is_there else ", a new one"
    where = f" (environment {plan.environment})" if plan.environment else ""
    facts = [
        ("Worker", f"{plan.name}{where}{state}"),
        ("Account", plan.account.label if plan.account else "the one that you are logged in to"),
        ("Address", plan.url or "under workers.dev, as Cloudflare names it"),
        ("Gets", _bindings(plan)),
        *(("Secret", f"{secret.name}: {secret.why}") for secret in plan.secrets),
        ("Cost", plan.cost),
    ]
    if plan.leaves is not None:
        facts.append(("Leaves", _leaves(plan.leaves)))
    if plan.edited:
        facts.append(("Edited", f"by you, and deployed as they are: {', '.join(plan.edited)}"))
    show_facts(facts)


def show_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Labelled lines on stderr, folded at the terminal's width."""
    width = shutil.get_terminal_size().columns - _INDENT
    for label, value in facts:
        # A long address or path is better copied than folded.
        lines = textwrap.wrap(plain_line(value), max(width, 40), break_long_words=False, break_on_hyphens=False)
        text = ("\n" + " " * _INDENT).join(lines)
        click.echo(click.style(f"  {label:<{_INDENT - 2}}", dim=True) + text, err=True)


def _leaves(worker: Deployment) -> str:
    words = ["cct", "destroy", "--name", worker.name]
    words += ["--account", worker.account] if worker.account else []
    return f"{worker.name}, deployed before, as it is; {shlex.join(words)} removes it"


def _bindings(plan: DeployPlan) -> str:
    kinds: dict[str, list[str]] = {}
    for binding in plan.bindings:
        kinds.setdefault(binding.kind, []).append(binding.name)
    several = {kind: f"{kind}s" for kind, names in kinds.items() if kind == "variable" and len(names) > 1}
    return "; ".join(f"{several.get(kind, kind)} {', '.join(names)}" for kind, names in kinds.items())


def _show_deployed(deployed: Deployed, plan: DeployPlan, request: DeployRequest, seconds: float) -> None:
    click.echo(f"{click.style('✓', fg='green')} Deployed {plain_line(deployed.name)}.  {seconds:.1f} s", err=True)
    token = "new" if deployed.new_token else "as before"
    show_facts(
        [
            ("Answers", f"at {deployed.url}, version {deployed.worker_version}; a program ran in its sandbox"),
            ("Token", f"{token}, kept in {deployed.store}; cct secret show prints it"),
        ]
    )
    if plan.leaves is not None:
        show_facts([("Leaves", _leaves(plan.leaves))])
    # Not folded: it is there to be copied.
    click.echo(click.style(f"  {'Next':<{_INDENT - 2}}", dim=True) + _next(plan, request, deployed), err=True)


def _next(plan: DeployPlan, request: DeployRequest, deployed: Deployed) -> str:
    has_key = any(secret.name == KEY_VARIABLE and secret.value is not None for secret in plan.secrets)
    if not has_key and not (plan.existing and KEY_VARIABLE in plan.existing.secrets):
        return shlex.join(["cct", "run", "main.py", "--worker-url", deployed.url])
    words = ["cct", "--sandbox", "cloudflare"]
    words += ["--directory", str(request.directory)] if request.directory else []
    return f'{shlex.join(words)} --prompt "{_EXAMPLE}"'


class _Person:
    """Somebody at the terminal. What is told first also ends what the display is waiting with."""

    def __init__(self, display: Display) -> None:
        self._display = display

    @property
    def questions(self) -> Questions:
        return Questions(self._consent, self._login, self._account, self._key, self._replace)

    def _consent(self, target: Path, edited: tuple[str, ...]) -> bool:
        self._display.warn(
            f"The Worker in {target} is not what cct renders ({few(edited)}). It would be built here, beside your "
            "Cloudflare login, and the deployed Worker would have your key."
        )
        return click.confirm("Have you read it, and should it be deployed?", default=False, err=True)

    def _login(self) -> bool:
        self._display.note("You are not logged in to Cloudflare.")
        return click.confirm("Log in with the browser now?", default=True, err=True)

    def _account(self, accounts: tuple[Account, ...]) -> Account:
        self._display.note("Your login reaches several accounts:")
        for number, account in enumerate(accounts, 1):
            self._display.note(f"{number}  {account.label}")
        chosen: int = click.prompt("Which one (its number)", type=click.IntRange(1, len(accounts)), err=True)
        return accounts[chosen - 1]

    def _key(self) -> str:
        self._display.note("No Anthropic API key was found. Without one the Worker only runs given programs.")
        key: str = click.prompt(
            "Key (not shown; empty for none)", default="", hide_input=True, show_default=False, err=True
        )
        return key

    def _replace(self, name: str) -> bool:
        self._display.warn(f"The account has a Worker {name!r} already, which cct has not deployed.")
        return click.confirm("Replace it, for good?", default=False, err=True)
