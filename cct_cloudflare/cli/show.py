"""What `cct --prompt` and `cct run` do with a stream of events: show it, save what came back, and say how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cct_cloudflare.cli.fallback import Contact
from cct_cloudflare.cli.job import Job
from cct_cloudflare.config import WorkerTarget
from cct_cloudflare.errors import CctError, WorkerError
from cct_cloudflare.history.asking import asked_by_plan, asked_by_program
from cct_cloudflare.history.record import Kind
from cct_cloudflare.history.recorder import Recorder, recording
from cct_cloudflare.receipt import Closing
from cct_cloudflare.sandbox.events import Event, RunResult
from cct_cloudflare.sandbox.outputs import SavedFiles, fresh_directory, plan_outputs, save
from cct_cloudflare.sandbox.program import Program
from cct_cloudflare.terminal import Display, Intro


def follow(events: Iterator[Event], display: Display) -> RunResult:
    """Shows every event as it comes and returns the last one, the result."""
    for event in events:
        display.event(event)
        if isinstance(event, RunResult):
            return event
    raise WorkerError("The stream ended before the result.", code="stream_ended")


def conclude(
    result: RunResult, display: Display, project: Path, output: Path | None, record: Recorder | None = None
) -> int:
    """Saves the run's files, shows the receipt, and returns the exit code.

    Files that cannot be saved take nothing else with them: the answer is shown and kept, and the error decides the exit
    code. Raises that error, unless the display has told it already.
    """
    directory = output or fresh_directory(project, result.sandbox_id)
    try:
        saved = save(plan_outputs(result.files, result.refused_files, directory))
        error = None
    except CctError as unsaved:
        saved, error = SavedFiles(None, (), ()), unsaved
    final = result.with_refused(saved.refused)
    closing = Closing(error=error)
    if record is not None:
        record.finished(final, saved if error is None else None, error)
        closing = Closing(record.cost, record.id, error)
    display.finish(final, saved, closing)
    if error is None:
        return final.exit_code
    if display.tells_errors:
        return error.exit_code
    raise error


def run_program(
    program: Program,
    target: WorkerTarget | None,
    display: Display,
    *,
    timeout_ms: int | None,
    sandbox: str | None,
    output: Path | None,
    keep: bool,
) -> int:
    """Runs a program of one's own, at a Worker or on this machine, and returns the exit code."""
    from cct_cloudflare.sandbox.session import local_session, remote_session

    display.begin(Intro(where=target.origin if target else "this machine"))
    session = (
        remote_session(target)
        if target is not None
        else local_session(None, language=program.language, progress=display.progress)
    )
    asked = asked_by_program(program, target, Path.cwd(), timeout_ms=timeout_ms, sandbox=sandbox)
    contact = Contact()
    with recording(asked, warn=display.warn, enabled=keep) as record:
        try:
            with session as client:
                result = follow(record.watch(contact.watch(client.run(program, timeout_ms, sandbox))), display)
        except WorkerError as error:
            if target is not None and contact.is_missing(error):
                error.hint = f"{error.hint} To run it on this machine: --local, without --worker-url.".strip()
            raise
        return conclude(result, display, Path.cwd(), output, record)


def recorder_of(job: Job, display: Display, kind: Kind = "execute") -> Recorder:
    """The history's part in a job: enter it around the run, and let it `watch` the events."""
    asked = asked_by_plan(job.plan, job.place, job.options.project, kind=kind)
    return recording(asked, warn=display.warn, enabled=not job.options.no_history)
