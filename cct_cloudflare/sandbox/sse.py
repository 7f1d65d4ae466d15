"""Server-sent events: bytes in, events out, no I/O.

The rules are the WHATWG's ("9.2.6 Interpreting an event stream"). Lines are split on bytes, before decoding:
`httpx.Response.iter_lines` also splits on U+2028, U+0085 and U+001C, which are ordinary text in a `data:` line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cct_cloudflare.errors import WorkerError

MAX_EVENT_BYTES = 64 * 1024 * 1024

_LINE_END = re.compile(rb"\r\n?|\n")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """`name` is "message" where the stream names none; the lines of `data` are joined with a newline."""

    name: str
    data: str


class SseDecoder:
    """Takes the bytes of one stream in any chunking; the events depend on the bytes alone.

    `id` and `retry` serve reconnecting, which cct never does: they are read over, as comments are.
    An event that the stream leaves unfinished is never given out.
    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._partial = bytearray()  # the line that no line end has closed yet
        self._data: list[bytes] = []
        self._size = 0  # bytes of the event's lines so far
        self._name = b""
        self._after_cr = False
        self._first_line = True

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that `chunk` completes. Raises WorkerError (`worker_invalid`) when one is too large."""
        events: list[ServerEvent] = []
        start = 0
        if self._after_cr and chunk:
            self._after_cr = False
            start = int(chunk.startswith(b"\n"))
        for end in _LINE_END.finditer(chunk, start):
            self._hold(chunk[start : end.start()])
            start = end.end()
            line = bytes(self._partial)
            self._partial.clear()
            if event := self._take(line):
                events.append(event)
        self._after_cr = self._after_cr or chunk.endswith(b"\r")
        self._hold(chunk[start:])
        return events

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._max:
            raise WorkerError(
                f"The Worker sent an event of more than {self._max} bytes.",
                hint="Let the program write or print less.",
                code="worker_invalid",
            )
        self._partial += part

    def _take(self, line: bytes) -> ServerEvent | None:
        if self._first_line:
            self._first_line = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        if line.startswith(b":"):
            # A stream of nothing but pings must not add up to an event that is too large.
            self._size -= len(line)
            return None
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value
        return None

    def _dispatch(self) -> ServerEvent | None:
        data, name = self._data, self._name
        self._data, self._name, self._size = [], b"", 0
        if not data:
            return None
        return ServerEvent(name.decode("utf-8", "replace") or "message", b"\n".join(data).decode("utf-8", "replace"))
