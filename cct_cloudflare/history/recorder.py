"""Keeps one run while it happens. What goes wrong here is told once, and the run goes on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cct_cloudflare.errors import CctError, Exit
from cct_cloudflare.history import database, writing
from cct_cloudflare.history.record import Asked, Outcome, Status
from cct_cloudflare.history.redaction import Redactor
from cct_cloudflare.history.stream import StreamedRun
from cct_cloudflare.pricing import RunCost, cost_of
from cct_cloudflare.sandbox.events import Event, RunResult

if TYPE_CHECKING:
    import sqlite3

    from cct_cloudflare.sandbox.outputs import SavedFiles

Warn = Callable[[str], None]


def recording(asked: Asked, *, warn: Warn, enabled: bool = True) -> Recorder:
    """A context manager around one run; `warn` is called at most once, with a sentence and the fix.

    A run is kept from its first event on, or from the end of the block when none came after `watch` was begun; what
    fails before anything is asked for is no run. An exception that leaves the block is how the run ended, and is raised
    on. With `enabled` False, or CCT_NO_HISTORY set, nothing is kept and `id` stays None.

        with recording(asked, warn=display.warn) as record, opened(job, display) as client:
            result = follow(record.watch(client.execute(request)), display)
            ...
            record.finished(result, saved)
    """
    return Recorder(asked, warn=warn, enabled=enabled and not database.is_off())


class Recorder:
    """See `recording`."""

    def __init__(self, asked: Asked, *, warn: Warn, enabled: bool) -> None:
        self._asked = asked
        self._warn = warn
        self._enabled = enabled
        self._redact = Redactor.of(asked.secrets)
        self._connection: sqlite3.Connection | None = None
        self._number: int | None = None
        self._started_ms = 0
        self._clock = 0.0
        self._streamed = StreamedRun()
        self._result: RunResult | None = None
        self._saved: SavedFiles | None = None
        self._error: CctError | None = None
        #: What the run is called in the history; None as long as it is not in it.
        self.id: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        try:
            if self._clock:
                self._end(error)
        finally:
            if self._connection is not None:
                self._connection.close()

    def start(self) -> None:
        """Says that the run begins now; `watch` does it by itself."""
        if not self._clock:
            self._started_ms = time.time_ns() // 1_000_000
            self._clock = time.perf_counter()

    def watch(self, events: Iterator[Event]) -> Iterator[Event]:
        """The same events, seen by the history on their way."""
        self.start()
        for event in events:
            # With the first one: until then nothing has come that could be lost, and nobody waits for the file.
            self._begin()
            self._streamed.see(event)
            if isinstance(event, RunResult):
                self._result = event
            yield event

    def finished(self, result: RunResult, saved: SavedFiles | None = None, error: CctError | None = None) -> None:
        """The result as this side judged it, what was saved of it, and the error that kept it from being saved."""
        self.start()
        self._result, self._saved, self._error = result, saved, error

    @property
    def cost(self) -> RunCost | None:
        """What the run has cost; None as long as there is no result."""
        if self._result is None:
            return None
        return cost_of(self._result, remote=self._asked.worker_url is not None, demo=self._asked.demo)

    def _begin(self) -> None:
        if not self._enabled or self._number is not None:
            return
        with self._never_failing():
            self._connection = self._connection or database.connect(database.path())
            self._number, self.id = writing.begin(self._connection, self._asked, self._started_ms, self._redact)

    def _end(self, error: BaseException | None) -> None:
        self._begin()
        if self._connection is None or self._number is None:
            return
        with self._never_failing():
            writing.finish(self._connection, self._number, self._asked, self._outcome(error), self._redact)

    def _outcome(self, error: BaseException | None) -> Outcome:
        result, seen = self._result, self._streamed
        status, told, exit_code = self._judge(error)
        return Outcome(
            status=status,
            elapsed_ms=round((time.perf_counter() - self._clock) * 1000, 1),
            result=result,
            saved=self._saved,
            error=told,
            exit_code=exit_code,
            model=seen.model,
            sandbox=seen.sandbox,
            sandbox_id=seen.sandbox_id,
            program=None if self._asked.program else seen.program(result),
            output=seen.output,
            cost=self.cost,
        )

    def _judge(self, error: BaseException | None) -> tuple[Status, CctError | None, int | None]:
        told = error if isinstance(error, CctError) else self._error
        if told is not None:
            status: Status = "interrupted" if told.exit_code is Exit.INTERRUPTED else "error"
            return status, told, int(told.exit_code)
        if self._result is not None:
            # Also when the reader of the answer has gone, or Ctrl-C came after it: the run itself had ended.
            exit_code = self._result.exit_code
            return ("succeeded" if exit_code is Exit.OK else "failed"), None, int(exit_code)
        if isinstance(error, Exception) and not isinstance(error, BrokenPipeError):
            return "error", CctError(f"{type(error).__name__}: {error}"), None
        exit_of = int(Exit.INTERRUPTED) if isinstance(error, KeyboardInterrupt) else None
        return "interrupted", CctError("Interrupted.", code="interrupted"), exit_of

    @contextlib.contextmanager
    def _never_failing(self) -> Iterator[None]:
        try:
            with database.translated(database.path()):
                yield
        except database.HistoryError as error:
            self._enabled = False
            self.id = None
            self._warn(f"This run is not kept. {error.message} {error.hint}")
