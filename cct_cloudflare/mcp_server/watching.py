"""Between a call that works in a thread and whoever waits for it: how far it is, and that nobody waits any more."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from cct_cloudflare.errors import CctError, WorkerError
from cct_cloudflare.sandbox.client import WorkerClient
from cct_cloudflare.sandbox.events import Event, RunResult


class Watch:
    """One call. `tell` takes a line for people; `end` may be called from any thread, and more than once."""

    def __init__(self, tell: Callable[[str], None] = lambda _: None) -> None:
        self.tell = tell
        self._lock = threading.Lock()
        self._has_ended = False
        self._client: WorkerClient | None = None

    def end(self) -> None:
        """Nobody waits any more: the Worker is told so, and ends the run."""
        with self._lock:
            self._has_ended = True
            client = self._client
        if client is not None:
            client.cut()

    def check(self) -> None:
        """Raises CctError (`interrupted`) once the call was ended."""
        if self._has_ended:
            raise CctError("The call was cancelled.", code="interrupted")

    def follow(self, client: WorkerClient, events: Iterator[Event]) -> Iterator[Event]:
        """The same events, up to the result. Raises CctError (`interrupted`) when the call is ended meanwhile."""
        with self._lock:
            self._client = client
        self.check()
        with contextlib.closing(events):  # type: ignore[type-var]  # a generator, as all of WorkerClient's
            try:
                for event in events:
                    yield event
                    if isinstance(event, RunResult):
                        return
            except WorkerError:
                self.check()
                raise
        raise WorkerError("The stream ended before the result.", code="stream_ended")
