"""`--direct`: Claude is asked from this machine, and its program is saved without being run."""

from __future__ import annotations

from pathlib import Path

from cct_cloudflare.cli.job import Job, PromptOptions, intro_of, ready_job, show_warnings
from cct_cloudflare.cli.show import conclude, follow, recorder_of
from cct_cloudflare.errors import UsageError
from cct_cloudflare.place import model_access, this_machine
from cct_cloudflare.run import RunPlan
from cct_cloudflare.terminal import make_display


def direct_job(plan: RunPlan, options: PromptOptions) -> Job:
    """Nothing has been sent yet. Raises UsageError and ConfigError for all that is missing."""
    if options.worker_url is not None:
        raise UsageError(
            "--direct asks Claude from this machine; --worker-url names a Worker.", hint="Give one of them."
        )
    return local_job(plan, options)


def local_job(plan: RunPlan, options: PromptOptions) -> Job:
    """A job for this machine, whatever Worker is configured. Raises UsageError and ConfigError."""
    place = this_machine(plan, options.project, key=options.anthropic_api_key, demo=options.demo)
    return ready_job(plan, place, options)


def run_direct(job: Job) -> int:
    """Shows the program as it is written, saves it, and returns the exit code."""
    from cct_cloudflare.direct import ask

    plan, options = job.plan, job.options
    with (
        make_display(as_json=options.as_json, quiet=options.quiet, no_color=options.no_color) as display,
        recorder_of(job, display, "direct") as record,
    ):
        show_warnings(job, display)
        display.begin(intro_of(plan, job.place))
        with model_access(job.place) as access:
            result = follow(record.watch(ask(plan.execute, access)), display)
        return conclude(result, display, Path.cwd(), options.output, record)
