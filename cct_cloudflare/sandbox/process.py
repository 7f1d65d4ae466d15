"""One throwaway `workerd` for one program: started, used once, watched from outside, killed."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cct_cloudflare.sandbox import workerd
from cct_cloudflare.sandbox.frames import EXIT, FILE, OMITTED, STDERR, STDOUT, Frame, FrameError, read_frames

#: How often time, memory and the client are looked at, in seconds.
_WATCH_INTERVAL = 0.02

#: A start that takes longer than this, in seconds, will not end well.
_BOOT_PATIENCE = 60.0

#: The kernel's limit is above the watched one, so that the watcher is the one that decides and can say so.
_DATA_HEADROOM = 1024 * 1024 * 1024


#: What a sandbox may say before its exit.
_PASSED_ON = frozenset({STDOUT, STDERR, FILE, OMITTED})


@dataclass(frozen=True)
class Limits:
    """What one run may take; `timeout` in seconds, the others in bytes."""

    timeout: float
    memory_bytes: int
    output_bytes: int


@dataclass
class Verdict:
    """How a run ended, as seen from outside. `kind` is exited, timeout, memory or crashed."""

    kind: str
    code: int | None = None
    detail: str = ""
    truncated: bool = False
    peak_memory_bytes: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "code": self.code,
            "detail": self.detail,
            "truncated": self.truncated,
            "peakMemoryBytes": self.peak_memory_bytes,
        }


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("sandbox")
        self._path = path

    def connect(self) -> None:
        import socket

        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))


def _frames_of(response: http.client.HTTPResponse) -> Iterator[Frame]:
    if response.status != 200:
        raise FrameError(f"the sandbox answered {response.status}")
    return read_frames(iter(lambda: response.read1(65536), b""))


class SandboxProcess:
    """A sandbox: `start` it, `boot` it, `run` once, and always `kill` it."""

    def __init__(self, kind: str, runtime: workerd.Workerd, socket: Path, directory: Path) -> None:
        self.kind = kind
        #: How long the start took, in milliseconds, once it has booted.
        self.boot_ms = 0
        self._runtime = runtime
        self._socket = socket
        self._directory = directory
        self._began = time.perf_counter()
        self._done = threading.Event()
        self._stopped_for: str | None = None
        self._peak = 0
        self._words: deque[bytes] = deque(maxlen=20)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @classmethod
    def start(cls, kind: str, binary: Path, compiled: Path, directory: Path, memory_bytes: int) -> SandboxProcess:
        """Starts a process with `directory`, which is made, for its own. Raises OSError."""
        work = directory / "cwd"
        work.mkdir(mode=0o700, parents=True)
        work.chmod(0o500)
        socket = directory / "s"
        limits = workerd.ResourceLimits(memory_bytes + _DATA_HEADROOM if sys.platform == "linux" else None)
        # Files that a configuration does not embed stand in the folder of its name beside it.
        files = compiled.with_suffix("")
        runtime = workerd.start(
            binary,
            compiled,
            address=f"unix:{socket}",
            directory=work,
            disk=files if files.is_dir() else None,
            limits=limits,
            stderr=subprocess.PIPE,
        )
        return cls(kind, runtime, socket, directory)

    def boot(self) -> None:
        """Waits until it can take a program. Raises RuntimeError when it does not come up."""
        deadline = threading.Timer(_BOOT_PATIENCE, self._runtime.process.kill)
        deadline.start()
        try:
            self._runtime.wait_until_listening()
            with self._posted("/boot", b"") as response:
                status, said = response.status, response.read(2048)
        except (OSError, http.client.HTTPException) as error:
            raise RuntimeError(f"the sandbox did not boot: {error}") from error
        finally:
            deadline.cancel()
        if status != 200:
            raise RuntimeError(f"the sandbox did not boot: {said.decode(errors='replace')}")
        self.boot_ms = round((time.perf_counter() - self._began) * 1000)

    @property
    def alive(self) -> bool:
        return self._runtime.process.poll() is None

    def run(
        self, program: dict[str, Any], limits: Limits, client_gone: Callable[[], bool]
    ) -> Iterator[Frame | Verdict]:
        """Yields stdout, stderr and file frames as they come, then exactly one Verdict.

        The process is dead when the iterator has ended; a program that ended by itself is told first, since taking
        down a process of its size takes 10 ms. `client_gone` is asked again and again, and must not raise.
        """
        watcher = threading.Thread(target=self._watch, args=(limits, client_gone), daemon=True)
        budget = limits.output_bytes + 1
        code: int | None = None
        detail = ""
        watcher.start()
        try:
            with self._posted("/run", self._run_body(program, limits)) as response:
                for frame in _frames_of(response):
                    if frame.type == EXIT and len(frame.payload) == 4:
                        code = int.from_bytes(frame.payload, "big", signed=True)
                        break
                    if frame.type in (STDOUT, STDERR):
                        budget -= len(frame.payload)
                    if budget < 0 or frame.type not in _PASSED_ON:
                        detail = "the sandbox spoke out of turn"
                        break
                    yield frame
                else:
                    detail = "the sandbox ended without an exit status"
        except FrameError as error:
            detail = str(error)
        except (OSError, http.client.HTTPException):
            pass  # the process has gone; why is seen below
        finally:
            self._done.set()
            watcher.join()
            if code is None:
                self.kill()  # its last words and its status say why
        try:
            if code is not None:
                self._memory()
            yield self._verdict(code, detail)
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends the process and removes its folder; safe to call more than once."""
        import shutil

        self._done.set()
        self._runtime.kill()
        self._listener.join()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _run_body(self, program: dict[str, Any], limits: Limits) -> bytes:
        if self.kind == "python":
            body = {"entrypoint": program["entrypoint"], "files": program["files"], "outputBytes": limits.output_bytes}
        else:
            body = {"program": program, "outputBytes": limits.output_bytes}
        return json.dumps(body).encode()

    @contextmanager
    def _posted(self, path: str, body: bytes) -> Iterator[http.client.HTTPResponse]:
        with closing(_UnixConnection(self._socket)) as connection:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            with connection.getresponse() as response:
                yield response

    def _watch(self, limits: Limits, client_gone: Callable[[], bool]) -> None:
        deadline = time.monotonic() + limits.timeout
        reason = None
        while reason is None and not self._done.wait(_WATCH_INTERVAL):
            if time.monotonic() >= deadline:
                reason = "timeout"
            elif self._memory() > limits.memory_bytes:
                reason = "memory"
            elif client_gone():
                reason = "client"
        if reason is not None:
            self._stopped_for = reason
            self._runtime.process.kill()

    def _memory(self) -> int:
        import psutil

        try:
            used: int = psutil.Process(self._runtime.process.pid).memory_info().rss
        except psutil.Error:
            return 0  # it has just ended
        self._peak = max(self._peak, used)
        return used

    def _listen(self) -> None:
        """Keeps the last of what the runtime says: it names what it died of."""
        if (stderr := self._runtime.process.stderr) is not None:
            with stderr:
                self._words.extend(iter(lambda: stderr.readline(2048), b""))

    def _verdict(self, code: int | None, detail: str) -> Verdict:
        peak = self._peak or None
        if code is not None:
            return Verdict("exited", code=code, peak_memory_bytes=peak)
        if self._stopped_for in ("timeout", "memory"):
            return Verdict(self._stopped_for, peak_memory_bytes=peak)
        words = b"".join(self._words).decode(errors="replace")
        # V8 ends the whole process when a heap is full; so does the kernel's backstop.
        if "out of memory" in words.lower() or "std::bad_alloc" in words:
            return Verdict("memory", peak_memory_bytes=peak)
        status = self._runtime.process.returncode
        return Verdict("crashed", detail=detail or f"workerd ended with status {status}", peak_memory_bytes=peak)
