"""The RUNNER service: the local Worker asks it for a sandbox and hands it the program.

One request is one session. ``POST /run?language=L`` starts a process at once and answers with a BOOTED frame; the
body, which may come minutes later, is the program with its limits; what follows is the run's frames and one VERDICT.
The connection is the session's life: when the Worker or its client goes away, the process is killed.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cct_cloudflare.sandbox.frames import BOOTED, VERDICT, encode_frame, encode_json_frame
from cct_cloudflare.sandbox.process import Limits, SandboxProcess, Verdict

#: More than the Worker lets through; a larger body is no program of ours.
_MAX_BODY = 32 * 1024 * 1024

#: What a process may use before the program's own limit is known, in bytes.
_BOOT_MEMORY = 512 * 1024 * 1024


@dataclass
class Pool:
    """Starts sandbox processes and keeps booted spares ahead of need."""

    workerd: Path
    #: Compiled configurations by kind: ``javascript`` (also for TypeScript) and ``python``.
    configs: dict[str, Path]
    directory: Path
    #: How many booted spares of each kind to keep; missing means none.
    spares: dict[str, int]
    _ready: dict[str, list[SandboxProcess]] = field(default_factory=dict)
    _booting: dict[str, int] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _live: set[SandboxProcess] = field(default_factory=set)
    _count: int = 0
    _closed: bool = False

    def fill(self, wanted_by_kind: dict[str, int] | None = None) -> None:
        """Starts booting what is missing, in the background: of the spares, unless it is told otherwise."""
        with self._changed:
            if self._closed:
                return
            for kind, wanted in (self.spares if wanted_by_kind is None else wanted_by_kind).items():
                have = len(self._ready.setdefault(kind, [])) + self._booting.setdefault(kind, 0)
                for _ in range(wanted - have):
                    self._booting[kind] += 1
                    threading.Thread(target=self._boot_spare, args=(kind,), daemon=True).start()

    def take(self, kind: str) -> tuple[SandboxProcess, bool]:
        """A booted process, and whether it was waiting. Raises RuntimeError when none comes up."""
        with self._changed:
            was_ready = bool(self._ready.get(kind))
            # One that is on its way is nearer than one started now.
            while not self._ready.get(kind) and self._booting.get(kind):
                self._changed.wait()
            waiting = self._ready.get(kind)
            spare = waiting.pop() if waiting else None
        if spare is not None:
            if spare.alive:
                return spare, was_ready
            self._end(spare)
        return self._boot(kind), False

    def give_back(self, process: SandboxProcess) -> None:
        """Ends a process, used or not, and makes up for it."""
        self._end(process)
        self.fill()

    def close(self) -> None:
        """Ends every process, also those that are still booting; no other is started."""
        with self._changed:
            self._closed = True
            live = list(self._live)
        for process in live:
            process.kill()

    def _boot(self, kind: str) -> SandboxProcess:
        with self._changed:
            if self._closed:
                raise RuntimeError("the supervisor is ending")
            self._count += 1
            directory = self.directory / f"{self._count}"
            try:
                process = SandboxProcess.start(kind, self.workerd, self.configs[kind], directory, _BOOT_MEMORY)
            except OSError as error:
                raise RuntimeError(f"workerd did not start: {error.strerror}") from error
            # From here on `close` finds it, booted or not.
            self._live.add(process)
        try:
            process.boot()
        except RuntimeError:
            self._end(process)
            raise
        return process

    def _end(self, process: SandboxProcess) -> None:
        process.kill()
        with self._changed:
            self._live.discard(process)

    def _boot_spare(self, kind: str) -> None:
        process = None
        try:
            process = self._boot(kind)
        except RuntimeError:
            pass  # whoever needs one starts one, and is told why it fails
        finally:
            with self._changed:
                self._booting[kind] -= 1
                if process is not None:
                    self._ready[kind].append(process)
                self._changed.notify_all()


class RunnerServer(ThreadingMixIn, UnixStreamServer):
    """Serves sessions on a Unix socket, one thread each."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, pool: Pool) -> None:
        super().__init__(str(path), _Handler)
        self.pool = pool
        # Every run is a process that may use a core and half a gigabyte; the others wait their turn.
        self.turns = threading.BoundedSemaphore(max(4, 2 * (os.cpu_count() or 1)))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke has been cleaned up after; there is nobody to tell."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RunnerServer

    def do_POST(self) -> None:  # the name that http.server asks for
        self.close_connection = True
        url = urlsplit(self.path)
        language = parse_qs(url.query).get("language", [""])[0]
        kind = "python" if language == "python" else "javascript"
        if url.path != "/run" or kind not in self.server.pool.configs:
            self.send_error(404)
            return
        arrived = time.monotonic()
        with self.server.turns:
            self._session(kind, queue_ms=round((time.monotonic() - arrived) * 1000))

    def _session(self, kind: str, queue_ms: int) -> None:
        pool = self.server.pool
        try:
            process, spare = pool.take(kind)
        except RuntimeError as error:
            self.send_error(503, explain=str(error))
            return
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Transfer-Encoding", "chunked")
            # Or the Worker would send its next session over a connection that is about to be closed.
            self.send_header("Connection", "close")
            self.end_headers()
            self._send(encode_json_frame(BOOTED, {"ms": process.boot_ms, "spare": spare, "queueMs": queue_ms}))
            request = json.loads(b"".join(self._body()))
            for item in process.run(request["program"], _limits(request["limits"]), self._client_gone):
                if isinstance(item, Verdict):
                    self._send(encode_json_frame(VERDICT, item.to_json()))
                else:
                    self._send(encode_frame(*item))
            self.wfile.write(b"0\r\n\r\n")
        except (OSError, ValueError):
            pass  # the Worker has gone, or never sent a program
        finally:
            pool.give_back(process)

    def _send(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _body(self) -> Iterator[bytes]:
        """The chunks of the request's body, which http.server leaves to us. Raises ValueError when it is cut."""
        left = _MAX_BODY
        while size := int(self.rfile.readline(32).split(b";")[0], 16):
            left -= size
            if left < 0:
                raise ValueError("the program is too large")
            yield self.rfile.read(size)
            self.rfile.readline(2)
        self.rfile.readline(2)

    def _client_gone(self) -> bool:
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True  # it went away with something unread

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's own signature)
        """Says nothing: this process has no terminal of its own."""


def _limits(value: dict[str, Any]) -> Limits:
    return Limits(
        timeout=int(value["timeoutMs"]) / 1000,
        memory_bytes=int(value["memoryBytes"]),
        output_bytes=int(value["outputBytes"]),
    )
