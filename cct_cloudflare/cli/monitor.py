"""`cct monitor`: one execution, observed, or several; with `--watch` the Worker's health."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cct_cloudflare.cli.options import (
    Seconds,
    output_options,
    prompt_file_option,
    prompt_options,
    read_prompt,
    run_options,
)
from cct_cloudflare.errors import UsageError

if TYPE_CHECKING:
    from cct_cloudflare.cli.job import PromptOptions


@click.command(
    epilog="""\b
Examples:
  cct monitor --demo "What is the 10th Fibonacci number?"
  cct monitor "Sum the primes below 1000" --language python --runs 5
  cct monitor --prompt-file idea.md --json
  cct monitor --watch --worker-url https://cct-sandbox.example.workers.dev
""",
)
@click.argument("prompt", required=False)
@prompt_file_option
@click.option(
    "--runs",
    type=click.IntRange(1, 100),
    metavar="N",
    help="Send it N times, one after the other, and sum up; each is paid for. With --watch: how many checks.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Only ask for the Worker's health, again and again until Ctrl-C; with --json one object for each check, on a"
    " line of its own.",
)
@click.option(
    "--interval", type=Seconds(0.2, 3600), metavar="SECONDS", help="Between two checks of --watch; 2 by default."
)
@prompt_options
@run_options
@output_options
def monitor(
    prompt: str | None, prompt_file: Path | None, runs: int | None, watch: bool, interval: float | None, **options: Any
) -> int:
    """Run PROMPT once and show where time, tokens, memory and money went; - reads standard input.

    It is a run like any other, paid for like any other. What the program prints is measured, not shown, and its files
    are saved only with --output.
    """
    from cct_cloudflare.cli.job import PromptOptions

    given = PromptOptions(**options)
    if watch:
        if prompt is not None or prompt_file is not None:
            raise UsageError("--watch asks for the Worker's health alone; it takes no prompt.", hint="Leave one out.")
        return _watch(given, runs, interval)
    if interval is not None:
        raise UsageError("--interval is the time between two checks of --watch.", hint="Add --watch, or leave it out.")
    text = read_prompt(prompt, prompt_file)
    if text is None:
        raise UsageError("There is no prompt.", hint='Say what the program should do: cct monitor "…"')
    if given.output is not None and (runs or 1) > 1:
        raise UsageError("--output keeps the files of one run.", hint="Leave out --output or --runs.")
    return _observe(text, runs or 1, given)


def _observe(prompt: str, count: int, options: PromptOptions) -> int:
    from cct_cloudflare.cli.job import job_of, opened, plan_of
    from cct_cloudflare.history.asking import asked_by_plan
    from cct_cloudflare.history.recorder import recording
    from cct_cloudflare.monitor.health import greet
    from cct_cloudflare.monitor.observe import Observation, Observer, keep_files, observe
    from cct_cloudflare.monitor.report import Report
    from cct_cloudflare.monitor.screens import make_screen
    from cct_cloudflare.monitor.series import observe_series
    from cct_cloudflare.monitor.system import this_system
    from cct_cloudflare.terminal import make_display

    job = job_of(plan_of(prompt, options), options, runs=count)
    asked = asked_by_plan(job.plan, job.place, options.project, kind="monitor")
    url = job.place.target.url if job.place.target else None
    with contextlib.ExitStack() as session:
        # It shows what comes before the runs, and is gone when the screen begins to move.
        with make_display(as_json=options.as_json, quiet=options.quiet, no_color=options.no_color) as display:
            client = session.enter_context(opened(job, display))
        screen = session.enter_context(
            make_screen(as_json=options.as_json, quiet=options.quiet, no_color=options.no_color)
        )
        worker = greet(client.health, url)
        screen.greeted(worker)

        def run(number: int) -> Observation:
            observer = Observer()
            screen.run_begins(number, count, observer)
            with recording(asked, warn=screen.warn, enabled=not options.no_history) as record:
                seen = observe(record.watch(client.execute(job.plan.execute)), observer, screen.moment)
                if options.output is not None:
                    seen = keep_files(seen, options.output)
                record.finished(seen.result, seen.saved, seen.unsaved)
            screen.run_ends(seen)
            return seen

        series = observe_series(count, run)
        system = this_system(is_local=url is None)
        screen.report(Report(worker, system, series, demo=job.place.is_demo, not_applied=job.plan.not_applied))
    if series.error is not None and not options.as_json:
        raise series.error
    return series.exit_code


def _watch(options: PromptOptions, count: int | None, interval: float | None) -> int:
    """Shows check after check. Ctrl-C is how it is meant to end."""
    from cct_cloudflare.errors import Exit
    from cct_cloudflare.monitor.health import DEFAULT_INTERVAL, Check, watch
    from cct_cloudflare.monitor.screens import make_screen
    from cct_cloudflare.place import chosen_worker
    from cct_cloudflare.sandbox.client import WorkerClient
    from cct_cloudflare.sandbox.session import local_session
    from cct_cloudflare.terminal import make_display

    here = options.demo or options.local
    target = None if here else chosen_worker(options.worker_url, options.project, local=False)
    url = target.url if target else None
    checks: list[Check] = []
    with contextlib.ExitStack() as session:
        with make_display(as_json=options.as_json, quiet=options.quiet, no_color=options.no_color) as display:
            opening = WorkerClient(target.url, None) if target else local_session(None, progress=display.progress)
            client = session.enter_context(opening)
        screen = session.enter_context(
            make_screen(as_json=options.as_json, quiet=options.quiet, no_color=options.no_color)
        )
        try:
            for checked in watch(client.health, url, interval=interval or DEFAULT_INTERVAL, count=count):
                checks.append(checked)
                screen.checked(checked)
        except KeyboardInterrupt:
            screen.watched(checks)
            return Exit.OK
        screen.watched(checks)
    return max((checked.error.exit_code for checked in checks if checked.error), default=Exit.OK)
