"""The main job: a prompt becomes a program that runs in a sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cct_cloudflare.cli.direct import direct_job, local_job, run_direct
from cct_cloudflare.cli.fallback import Contact, choose_way
from cct_cloudflare.cli.healing import heal_project
from cct_cloudflare.cli.job import Job, PromptOptions, job_of, opened, plan_of, unused_address
from cct_cloudflare.cli.options import read_prompt
from cct_cloudflare.cli.show import conclude, follow, recorder_of
from cct_cloudflare.errors import UsageError, WorkerError
from cct_cloudflare.estimates import check_sent, estimate_plan, told_estimate
from cct_cloudflare.left_out import told
from cct_cloudflare.place import chosen_worker
from cct_cloudflare.run import RunPlan
from cct_cloudflare.scaffold.variables import project_model
from cct_cloudflare.terminal import make_display


def run_prompt(
    prompt: str | None, prompt_file: Path | None, options: PromptOptions, *, dry_run: bool, direct: bool
) -> int:
    text = read_prompt(prompt, prompt_file)
    if text is None:
        raise UsageError("There is no prompt.", hint='Say what the program should do: --prompt "…"')
    heal_project(options.project)
    plan = plan_of(text, options)
    if dry_run:
        _show_plan(plan, options)
        return 0
    if direct:
        return run_direct(direct_job(plan, options))
    return send(job_of(plan, options))


def send(job: Job) -> int:
    """Runs a job, or what is chosen instead when its Worker cannot be reached, and returns the exit code."""
    contact = Contact()
    try:
        return _run(job, contact)
    except WorkerError as error:
        way = choose_way(error, job, contact)
        if way == "stop":
            return error.exit_code
        elsewhere = local_job(job.plan, job.options)
    return run_direct(elsewhere) if way == "direct" else _run(elsewhere, Contact())


def _run(job: Job, contact: Contact) -> int:
    options = job.options
    with (
        make_display(as_json=options.as_json, quiet=options.quiet, no_color=options.no_color) as display,
        recorder_of(job, display) as record,
    ):
        with opened(job, display) as client:
            result = follow(record.watch(contact.watch(client.execute(job.plan.execute))), display)
        return conclude(result, display, Path.cwd(), options.output, record)


def _show_plan(plan: RunPlan, options: PromptOptions) -> None:
    target = None if options.demo else chosen_worker(options.worker_url, options.project, local=options.local)
    is_remote = target is not None
    if not options.demo and not is_remote:
        plan = plan.with_model(project_model(options.project))
    else:
        plan = plan.without_api_url(unused_address(demo=options.demo))
    body = plan.to_json()
    expected = None if options.demo else estimate_plan(plan, remote=is_remote)
    if options.max_cost is not None and not options.demo:
        check_sent(options.max_cost, plan, worker=target.origin if target else None)
    if options.as_json:
        estimate = expected and expected.to_json()
        click.echo(json.dumps({"success": True, "dryRun": True, **body, "estimate": estimate}))
        return
    for component in body["components"]:
        click.echo(f"{component['kind']:<8} {component['name']} ({component['source']})", err=True)
    for file in body["includedFiles"]:
        click.echo(f"file     {file['path']} ({file['bytes']} bytes)", err=True)
    click.echo(f"model    {body['model'] or 'the default'}", err=True)
    click.echo(f"cost     {told_estimate(expected) if expected else 'nothing: the scripted model'}", err=True)
    if plan.api_url is not None:
        click.echo(f"api      {plan.api_url.value} ({plan.api_url.component})", err=True)
    for line in told(plan.not_applied):
        click.echo(f"left out {line}", err=True)
    for warning in body["warnings"]:
        click.echo(f"warning  {warning}", err=True)
    for name in ("system", "question"):
        click.echo(f"--- {name}\n{body[name] or ''}")
