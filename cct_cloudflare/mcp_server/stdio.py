"""Standard input as lines for the protocol.

The SDK reads it from a thread that cannot be woken, so a server that is ended with Ctrl-C would wait for its client's
next line. Here a daemon thread reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Iterator
from typing import IO


class Lines:
    """An asynchronous iterator over the lines of a text file, which ends with the file."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        # One line at a time: who sends faster than is read is made to wait.
        self._lines: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, name="cct-mcp-input", daemon=True).start()

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        line = await self._lines.get()
        if line is None:
            raise StopAsyncIteration
        return line

    def _read(self) -> None:
        # RuntimeError: the loop was closed meanwhile, and nobody reads any more.
        with contextlib.suppress(RuntimeError):
            for line in self._file:
                asyncio.run_coroutine_threadsafe(self._lines.put(line), self._loop).result()
            asyncio.run_coroutine_threadsafe(self._lines.put(None), self._loop).result()


@contextlib.contextmanager
def claimed_input() -> Iterator[IO[str]]:
    """Standard input for the protocol alone: what is started meanwhile reads nothing from it."""
    private = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    try:
        os.dup2(nothing, 0)
        # Not closed: a thread may still be reading from it.
        yield os.fdopen(private, encoding="utf-8", errors="replace", closefd=False)
    finally:
        os.close(nothing)
        os.dup2(private, 0)
