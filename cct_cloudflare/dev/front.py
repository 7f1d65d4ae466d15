"""Takes every connection to the address of `cct dev` and hands it to the Worker of the moment, on its Unix socket.

So the address outlives each Worker: it never refuses while one is exchanged for the next, and what is under way stays
with the Worker that it began on. A connection carries one request, because the next may belong to another Worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.errors import WorkerError

_MAX_HEAD = 64 * 1024
_CHUNK = 64 * 1024

#: How long a client may go on sending what nobody wants after it was answered, in seconds.
_LINGER = 2.0

#: How long an answer that a client no longer waits for may take to end by itself, in seconds.
_AFTERMATH = 0.2


@dataclass(frozen=True, slots=True)
class Served:
    """One request. `path` has no query. `status` is None when client or Worker ended before there was an answer."""

    method: str
    path: str
    status: int | None
    seconds: float


class _NobodyThereError(Exception):
    """No Worker takes the connection, or it ends before it has said anything."""


class Front:
    """Its thread lives from `open_front` to the end of that block."""

    def __init__(self, report: Callable[[Served], None]) -> None:
        self._report = report
        self._worker: Path | None = None
        self._busy: Counter[Path | None] = Counter()
        self._lost: set[Path | None] = set()

    def point(self, worker: Path) -> None:
        """Sends all requests from now on to the Worker that listens on this Unix socket."""
        self._worker = worker

    def busy(self, worker: Path) -> int:
        """How many requests of this Worker are under way."""
        return self._busy[worker]

    def has_lost(self, worker: Path) -> bool:
        """Whether a request of this Worker found nobody there."""
        return worker in self._lost

    async def serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """One connection."""
        began = time.monotonic()
        # No request, or a client that has gone, or the end of it all: nobody is left who could be told.
        with contextlib.suppress(
            asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, asyncio.CancelledError
        ):
            head = await client.readuntil(b"\r\n\r\n")
            status = await self._answer(head, client, answer)
            self._report(Served(*_request_line(head), status, time.monotonic() - began))
            await _linger(client, answer)
        answer.close()

    async def _answer(self, head: bytes, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> int | None:
        worker = self._worker
        self._busy[worker] += 1
        try:
            return await _exchange(worker, _alone(head), client, answer)
        except _NobodyThereError:
            self._lost.add(worker)
            answer.write(_NOBODY)
            await answer.drain()
            return 502
        finally:
            self._busy[worker] -= 1


@contextlib.contextmanager
def open_front(sockets: Sequence[socket.socket], report: Callable[[Served], None]) -> Iterator[Front]:
    """Serves on these listening sockets until the block ends. `report` is called from another thread."""
    front = Front(report)
    loop = asyncio.new_event_loop()
    started, stop = threading.Event(), asyncio.Event()

    async def run() -> None:
        servers = [await asyncio.start_server(front.serve, sock=each.dup(), limit=_MAX_HEAD) for each in sockets]
        started.set()
        await stop.wait()
        for server in servers:
            server.close()

    def thread() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())  # on its way out it ends what is still under way

    running = threading.Thread(target=thread, name="front", daemon=True)
    running.start()
    started.wait()
    try:
        yield front
    finally:
        loop.call_soon_threadsafe(stop.set)
        running.join()


async def _exchange(
    worker: Path | None, head: bytes, client: asyncio.StreamReader, answer: asyncio.StreamWriter
) -> int | None:
    """Hands the request over and the answer back. Returns the status; None when the client leaves before the end."""
    if worker is None:
        raise _NobodyThereError
    # A bare socket, not a stream of asyncio: that ends when writing fails, with the answer that could still be read.
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, str(worker))
        except OSError as error:
            raise _NobodyThereError from error
        # Closing it is how the Worker learns that nobody is left to answer.
        return await _converse(connection, head, client, answer)


async def _converse(
    worker: socket.socket, head: bytes, client: asyncio.StreamReader, answer: asyncio.StreamWriter
) -> int | None:
    sending = asyncio.create_task(_send(head, client, worker))
    receiving = asyncio.create_task(_receive(worker, answer))
    try:
        await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and sending.result():
            # A client that knows the length of the answer closes before the Worker does.
            await asyncio.wait((receiving,), timeout=_AFTERMATH)
            return receiving.result() if receiving.done() and receiving.exception() is None else None
        return await receiving
    finally:
        for task in (sending, receiving):
            task.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)


async def _send(head: bytes, client: asyncio.StreamReader, worker: socket.socket) -> bool:
    """Returns whether it was the client who ended; a Worker that reads no further may still answer."""
    loop = asyncio.get_running_loop()
    data = head
    while data:
        try:
            await loop.sock_sendall(worker, data)
        except OSError:
            return False
        data = await _read(client)
    return True


async def _receive(worker: socket.socket, answer: asyncio.StreamWriter) -> int | None:
    """Returns the status; None when there was no whole head of an answer, or nobody to take it.

    Raises _NobodyThereError for a Worker that ends without a byte: one that is killed may still take connections.
    """
    loop = asyncio.get_running_loop()
    head, status = b"", None
    while data := await _quietly(loop.sock_recv(worker, _CHUNK)):
        if status is None and len(head) < _MAX_HEAD:
            head += data
            status = _status(head)
        try:
            answer.write(data)
            await answer.drain()
        except ConnectionError:
            return None
    if not head:
        raise _NobodyThereError
    return status


async def _read(reader: asyncio.StreamReader) -> bytes:
    return await _quietly(reader.read(_CHUNK))


async def _quietly(reading: Awaitable[bytes]) -> bytes:
    """What has come; nothing when the other side has ended, however it did."""
    try:
        return await reading
    except OSError:
        return b""


async def _linger(client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
    """Waits for the client to close: as long as it has sent what nobody read, our end would overtake the answer."""
    answer.write_eof()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LINGER):
            while await _read(client):
                pass


def _request_line(head: bytes) -> tuple[str, str]:
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    target = words[1] if len(words) > 1 else ""
    return words[0], target.partition("?")[0]


_CONNECTION = re.compile(rb"(?im)^(connection|keep-alive|proxy-connection):[^\r\n]*\r\n")
_UPGRADE = re.compile(rb"(?im)^upgrade:")


def _alone(head: bytes) -> bytes:
    """The same request, after which the connection ends; an upgrade keeps it."""
    if _UPGRADE.search(head):
        return head
    return _CONNECTION.sub(b"", head[:-2]) + b"Connection: close\r\n\r\n"


_STATUS = re.compile(rb"(?:HTTP/1\.[01] 1(?!01)\d\d[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)*HTTP/1\.[01] (?!1(?!01))(\d{3})")


def _status(head: bytes) -> int | None:
    """The status of the answer that is no mere notice (1xx), as soon as it is there."""
    found = _STATUS.match(head)
    return int(found[1]) if found else None


def _not_there() -> bytes:
    error = WorkerError(
        "The Worker behind cct dev does not answer.",
        hint="The terminal of cct dev says why; it is started again, so send the request once more.",
    )
    body = json.dumps(error.to_json()).encode()
    head = f"HTTP/1.1 502 Bad Gateway\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


_NOBODY = _not_there()
