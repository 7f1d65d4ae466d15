"""What `cct logs`, `cct destroy` and `cct secret` show and ask: all of them are about a Worker that is deployed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cct_cloudflare import config
from cct_cloudflare.cli.deploying import show_facts
from cct_cloudflare.cli.options import may_ask
from cct_cloudflare.deploy.preparing import deployed_worker, open_wrangler
from cct_cloudflare.deploy.removing import destroy
from cct_cloudflare.deploy.request import DeployRequest
from cct_cloudflare.deploy.rotation import rotate, target_of
from cct_cloudflare.deploy.tailing import tail
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.deployments import Deployment
from cct_cloudflare.errors import UsageError
from cct_cloudflare.plain import plain_line
from cct_cloudflare.terminal import Display, make_display


def run_destroy(request: DeployRequest, *, yes: bool, as_json: bool, no_color: bool) -> None:
    project = request.project
    worker = deployed_worker(request)
    if not yes and not may_ask(yes=yes, as_json=as_json):
        raise UsageError("Nothing was removed, because nobody can be asked here.", hint="--yes removes it.")
    if not yes:
        _ask_destroy(worker)
    with make_display(as_json=as_json, no_color=no_color) as display:
        was_there = destroy(project, worker, _wrangler(request, worker, display), display.progress)
    if as_json:
        click.echo(json.dumps({"success": True, "worker": worker.name, "url": worker.url, "wasDeployed": was_there}))
        return
    name = plain_line(worker.name)
    removed = f"Removed {name}." if was_there else f"The account has no Worker {name}."
    forgotten = " Its URL and token are forgotten here." if worker.url else ""
    click.echo(f"{removed}{forgotten}", err=True)


def run_logs(project: Path, environment: str, account: str | None, filters: Sequence[str], *, as_json: bool) -> None:
    request = DeployRequest(project=project, environment=environment, account=account)
    worker = deployed_worker(request)
    with make_display(as_json=as_json, no_color=True) as display:
        wrangler = _wrangler(request, worker, display)
        display.note(f"The log of {worker.name}; Ctrl-C ends it")
    try:
        tail(
            worker,
            wrangler,
            filters,
            as_json=as_json,
            out=lambda line: _write(sys.stdout, line),
            err=lambda line: _write(sys.stderr, line),
        )
    except KeyboardInterrupt:
        return  # how a log that goes on for ever is meant to end


def run_rotate(
    project: Path, environment: str, account: str | None, *, keep_old: bool, as_json: bool, no_color: bool
) -> None:
    request = DeployRequest(project=project, environment=environment, account=account)
    worker = deployed_worker(request)
    with make_display(as_json=as_json, no_color=no_color) as display:
        wrangler = _wrangler(request, worker, display)
        rotated = rotate(project, worker, wrangler, display.progress, keep_old=keep_old)
        if os.environ.get(config.TOKEN_VARIABLE):
            display.warn(f"{config.TOKEN_VARIABLE} in your environment is the old token: unset it, or set it anew.")
    if as_json:
        click.echo(json.dumps({"success": True, "worker": worker.name, **rotated.to_json()}))
        return
    click.echo(f"The new token of {plain_line(worker.name)} is in use, and kept in {rotated.store}.", err=True)
    if rotated.finished:
        click.echo("The old one is refused.", err=True)
    else:
        click.echo("The old one counts, too, until you run: cct secret rotate", err=True)


def run_show(project: Path, environment: str, account: str | None, *, as_json: bool) -> None:
    worker = deployed_worker(DeployRequest(project=project, environment=environment, account=account))
    target = target_of(worker)
    if as_json:
        click.echo(json.dumps({"success": True, "url": target.url, "token": target.token}))
    else:
        click.echo(target.token)


def _wrangler(request: DeployRequest, worker: Deployment, display: Display) -> Wrangler:
    wrangler = open_wrangler(request, display.progress)
    return Wrangler(wrangler.folder, wrangler.node, worker.account)


def _ask_destroy(worker: Deployment) -> None:
    click.echo("This removes, for good:", err=True)
    facts = [("Worker", worker.name), ("Address", worker.url or "not known here")]
    facts += [("Account", worker.account)] if worker.account else []
    facts += [("With it", "its secrets, its Durable Objects, and the URL and token that are kept here")]
    show_facts(facts)
    answer: str = click.prompt('Type "yes" to remove it', default="", show_default=False, err=True)
    if answer.strip().lower() != "yes":
        raise click.Abort


def _write(stream: object, text: str) -> None:
    print(text, end="", file=stream, flush=True)  # type: ignore[call-overload]
