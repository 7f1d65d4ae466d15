"""What `cct history show --save` and `cct history rerun` do with a run that was found."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from cct_cloudflare.cli.direct import local_job, run_direct
from cct_cloudflare.cli.job import PromptOptions, job_of
from cct_cloudflare.cli.options import milliseconds
from cct_cloudflare.cli.prompt import send
from cct_cloudflare.cli.show import run_program
from cct_cloudflare.errors import Exit, UsageError
from cct_cloudflare.history.record import RunRecord
from cct_cloudflare.history.repeating import kept_files, plan_again, program_again
from cct_cloudflare.place import chosen_worker
from cct_cloudflare.plain import plain_line
from cct_cloudflare.receipt import saved_lines
from cct_cloudflare.sandbox.outputs import plan_outputs, save
from cct_cloudflare.terminal import make_display


def save_again(record: RunRecord, folder: Path, *, as_json: bool) -> int:
    """Writes the kept files of a run, as safely as a run does, and says which were not kept."""
    files = (*record.program, *record.written)
    if not any(file.content is not None for file in files):
        raise UsageError(
            f"No file of run {record.summary.id} was kept.",
            hint="cct history show, without --save, tells what was.",
            code="run_incomplete",
        )
    missing = [file.path for file in files if file.content is None]
    saved = save(plan_outputs(kept_files(files), (), folder))
    if as_json:
        body = {
            **record.to_json(),
            "savedFiles": [file.to_json() for file in saved.saved],
            "outputDirectory": None if saved.directory is None else str(saved.directory),
            "refusedFiles": [file.to_json() for file in saved.refused],
        }
        click.echo(json.dumps(body))
    else:
        for line in saved_lines(saved):
            click.echo(line, err=True)
        for path in missing:
            click.echo(f"Warning: {plain_line(path)} was too large to keep", err=True)
        for file in saved.refused:
            click.echo(f"Refused: {plain_line(file.path)}: it {plain_line(file.reason)}", err=True)
    return Exit.UNSAFE if saved.refused else Exit.OK


def run_again(record: RunRecord, options: PromptOptions) -> int:
    """Sends the request of a run once more, or runs its program, and returns the exit code.

    It runs where it ran, with the scripted model if that had answered, unless the options name a place.
    """
    options = _placed(record, options)
    if record.summary.kind == "run":
        target = chosen_worker(options.worker_url, local=options.local)
        with make_display(as_json=options.as_json, quiet=options.quiet, no_color=options.no_color) as display:
            return run_program(
                program_again(record),
                target,
                display,
                timeout_ms=milliseconds(options.timeout) or record.request.get("timeout"),
                sandbox=options.isolation or record.request.get("sandbox"),
                output=options.output,
                keep=not options.no_history,
            )
    plan = plan_again(
        record,
        options.project,
        model=options.model,
        language=options.language,
        timeout_ms=milliseconds(options.timeout),
        max_tokens=options.max_tokens,
        sandbox=options.isolation,
    )
    return run_direct(local_job(plan, options)) if record.summary.kind == "direct" else send(job_of(plan, options))


def _placed(record: RunRecord, options: PromptOptions) -> PromptOptions:
    if options.demo or options.local or options.worker_url is not None:
        return options
    if record.summary.demo:
        return dataclasses.replace(options, demo=True)
    if url := record.details.get("workerUrl"):
        return dataclasses.replace(options, worker_url=url)
    return dataclasses.replace(options, local=True)
