"""When what happened in a run, as it was seen from here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from cct_cloudflare.errors import CctError, WorkerError
from cct_cloudflare.sandbox.events import Booted, Event, Generation, Output, ProgramReady, RunResult, Started
from cct_cloudflare.sandbox.outputs import SavedFiles, plan_outputs, save

Clock = Callable[[], float]
Moment = Literal["started", "first_text", "sandbox_ready", "program", "first_output", "result"]


#: What a program that is only files begins with.
_PAGE_SUFFIXES = (".html", ".htm", ".css", ".svg")


@dataclass(frozen=True, slots=True)
class Timeline:
    """Milliseconds since the request was sent; None for what did not happen, or has not yet."""

    started: float | None = None
    first_text: float | None = None
    sandbox_ready: float | None = None
    program: float | None = None
    first_output: float | None = None
    result: float | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "started": self.started,
            "firstText": self.first_text,
            "sandboxReady": self.sandbox_ready,
            "program": self.program,
            "firstOutput": self.first_output,
            "result": self.result,
        }


@dataclass(frozen=True, slots=True)
class Observation:
    """One run that came to its result, whatever that is.

    `saved` is what was kept of its files, None when that was not asked for; `unsaved` is why they could not be.
    """

    timeline: Timeline
    result: RunResult
    saved: SavedFiles | None = None
    unsaved: CctError | None = None


class Observer:
    """Notes what a run tells while it goes on. Its time begins when it is made: that is, when the request is sent.

    It may be read from another thread at any time.
    """

    def __init__(self, clock: Clock = time.perf_counter) -> None:
        self._clock = clock
        self._start = clock()
        self.timeline = Timeline()
        self.boot: Booted | None = None
        #: Characters of files that Claude has written, and when the last of them came.
        self.written = 0
        self.last_text: float | None = None
        #: Whether it looks as if nothing will have to run.
        self.is_page = False
        #: Bytes that the program has printed, on both streams.
        self.printed = 0
        self.result: RunResult | None = None

    @property
    def elapsed_ms(self) -> float:
        """To the tenth."""
        return round((self._clock() - self._start) * 1000, 1)

    def take(self, event: Event) -> Moment | None:
        """Notes an event, and says which moment it is; None for one more of what has been before."""
        moment: Moment | None = None
        if isinstance(event, Started):
            moment = "started"
        elif isinstance(event, Generation):
            if self.last_text is None:
                self.is_page = event.path.lower().endswith(_PAGE_SUFFIXES)
            self.written += len(event.delta)
            self.last_text = self.elapsed_ms
            moment = "first_text"
        elif isinstance(event, Booted):
            self.boot, moment = event, "sandbox_ready"
        elif isinstance(event, ProgramReady):
            moment = "program"
            self.is_page = event.language == "web"
        elif isinstance(event, Output):
            self.printed += len(event.text.encode())
            moment = "first_output"
        elif isinstance(event, RunResult):
            self.result, moment = event, "result"
        # A sandbox may be changed for one of another language: the last one counts.
        if moment is None or (getattr(self.timeline, moment) is not None and moment != "sandbox_ready"):
            return None
        self.timeline = replace(self.timeline, **{moment: self.elapsed_ms})
        return moment

    @property
    def observation(self) -> Observation:
        """What was seen, once the result is there."""
        if self.result is None:
            raise RuntimeError("the run has no result yet")
        return Observation(self.timeline, self.result)


OnMoment = Callable[[Observer, Moment], object]


def observe(events: Iterator[Event], observer: Observer, on_moment: OnMoment) -> Observation:
    """Follows the events of one run to the result. Raises the WorkerError that ends it instead."""
    for event in events:
        moment = observer.take(event)
        if moment is not None:
            on_moment(observer, moment)
        if moment == "result":
            return observer.observation
    raise WorkerError("The stream ended before the result.", code="stream_ended")


def keep_files(run: Observation, directory: Path) -> Observation:
    """The same run, its files saved into `directory`. What keeps them from it is told in it, not raised."""
    try:
        saved = save(plan_outputs(run.result.files, run.result.refused_files, directory))
    except CctError as error:
        return replace(run, unsaved=error)
    return replace(run, result=run.result.with_refused(saved.refused), saved=saved)
