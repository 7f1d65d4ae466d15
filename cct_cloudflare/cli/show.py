"""What `cct --prompt` and `cct run` do with a stream of events: show it, save what came back, and say how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cct_cloudflare.errors import WorkerError
from cct_cloudflare.sandbox.events import Event, RunResult
from cct_cloudflare.sandbox.outputs import SavedFiles, fresh_directory, plan_outputs, save
from cct_cloudflare.terminal import Display


def follow(events: Iterator[Event], display: Display) -> RunResult:
    """Shows every event as it comes and returns the last one, the result."""
    for event in events:
        display.event(event)
        if isinstance(event, RunResult):
            return event
    raise WorkerError("The stream ended before the result.", code="stream_ended")


def conclude(result: RunResult, display: Display, project: Path, output: Path | None) -> int:
    """Saves the run's files, shows the receipt, and returns the exit code."""
    directory = output or fresh_directory(project, result.sandbox_id)
    saved: SavedFiles = save(plan_outputs(result.files, result.refused_files, directory))
    final = result.with_refused(saved.refused)
    display.finish(final, saved)
    return final.exit_code
