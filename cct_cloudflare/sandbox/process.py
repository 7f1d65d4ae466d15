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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cct_cloudflare.sandbox import workerd
from cct_cloudflare.sandbox.frames import EXIT, FILE, STDERR, STDOUT, Frame, FrameError, read_frames

#: How often time, memory and the client are looked at, in seconds.
_WATCH_INTERVAL = 0.02

#: The kernel's limit is above the watched one, so that the watcher is the one that decides and can say so.
_DATA_HEADROOM = 1024 * 1024 * 1024


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


@dataclass(eq=False)
class SandboxProcess:
    """A booted sandbox. Use `boot`, then `run` once, and always `kill`."""

    kind: str
    boot_ms: int
    _process: subprocess.Popen[bytes]
    _socket: Path
    _directory: Path
    _stderr: deque[bytes]
    _drain: threading.Thread
    _stopped_for: str | None = None
    _peak: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def boot(cls, kind: str, binary: Path, compiled: Path, directory: Path, memory_bytes: int) -> SandboxProcess:
        """Starts a process in `directory`, a new empty folder, and waits until it can take a program.

        Raises RuntimeError when it does not come up.
        """
        start = time.perf_counter()
        directory.mkdir(mode=0o700)
        work = directory / "cwd"
        work.mkdir(mode=0o500)
        socket = directory / "s"
        limits = workerd.ResourceLimits(memory_bytes + _DATA_HEADROOM if sys.platform == "linux" else None)
        process, _ = workerd.spawn(
            binary, compiled, socket=socket, directory=work, limits=limits, stderr=subprocess.PIPE
        )
        tail: deque[bytes] = deque(maxlen=20)
        stderr = process.stderr
        if stderr is None:  # it was asked for above
            raise RuntimeError("workerd has no stderr")
        drain = threading.Thread(target=lambda: tail.extend(iter(lambda: stderr.readline(2048), b"")), daemon=True)
        drain.start()
        sandbox = cls(kind, 0, process, socket, directory, tail, drain)
        try:
            response = sandbox._request("/boot", b"")
            body = response.read(2048)
        except (OSError, http.client.HTTPException) as error:
            sandbox.kill()
            raise RuntimeError(f"the sandbox did not boot: {error}; {sandbox._last_words()}") from error
        if response.status != 200:
            sandbox.kill()
            raise RuntimeError(f"the sandbox did not boot: {body.decode(errors='replace')}")
        sandbox.boot_ms = round((time.perf_counter() - start) * 1000)
        return sandbox

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def run(
        self, program: dict[str, Any], limits: Limits, client_gone: Callable[[], bool]
    ) -> Iterator[Frame | Verdict]:
        """Yields stdout, stderr and file frames as they come, then exactly one Verdict. The process is dead by then."""
        watcher = threading.Thread(target=self._watch, args=(limits, client_gone), daemon=True)
        budget = limits.output_bytes + 1
        code: int | None = None
        detail = ""
        watcher.start()
        try:
            response = self._request("/run", self._run_body(program, limits))
            if response.status != 200:
                detail = f"the sandbox answered {response.status}"
            else:
                for frame in read_frames(iter(lambda: response.read1(65536), b"")):
                    if frame.type == EXIT and len(frame.payload) == 4:
                        code = int.from_bytes(frame.payload, "big", signed=True)
                        break
                    if frame.type in (STDOUT, STDERR):
                        budget -= len(frame.payload)
                    if budget < 0 or frame.type not in (STDOUT, STDERR, FILE):
                        detail = "the sandbox spoke out of turn"
                        break
                    yield frame
        except FrameError as error:
            detail = str(error)
        except (OSError, http.client.HTTPException):
            pass  # the process has gone; why is seen below
        finally:
            self._done.set()
            watcher.join()
            self.kill()
        yield self._verdict(code, detail)

    def kill(self) -> None:
        """Ends the process and removes its folder; a `workerd` in a loop ignores SIGTERM."""
        import shutil

        self._done.set()
        self._process.kill()
        self._process.wait()
        self._drain.join()
        if self._process.stderr is not None:
            self._process.stderr.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _run_body(self, program: dict[str, Any], limits: Limits) -> bytes:
        if self.kind == "python":
            body = {"entrypoint": program["entrypoint"], "files": program["files"], "outputBytes": limits.output_bytes}
        else:
            body = {"program": program, "outputBytes": limits.output_bytes}
        return json.dumps(body).encode()

    def _request(self, path: str, body: bytes) -> http.client.HTTPResponse:
        connection = _UnixConnection(self._socket)
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return connection.getresponse()

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
            self._process.kill()

    def _memory(self) -> int:
        import psutil

        try:
            used: int = psutil.Process(self._process.pid).memory_info().rss
        except psutil.Error:
            return 0  # it has just ended
        self._peak = max(self._peak, used)
        return used

    def _last_words(self) -> str:
        return b"".join(self._stderr).decode(errors="replace")[-2000:]

    def _verdict(self, code: int | None, detail: str) -> Verdict:
        peak = self._peak or None
        if code is not None:
            return Verdict("exited", code=code, peak_memory_bytes=peak)
        if self._stopped_for in ("timeout", "memory"):
            return Verdict(self._stopped_for, peak_memory_bytes=peak)
        words = self._last_words()
        # V8 ends the whole process when a heap is full; so does the kernel's backstop.
        if "out of memory" in words.lower() or "std::bad_alloc" in words:
            return Verdict("memory", peak_memory_bytes=peak)
        status = self._process.returncode
        return Verdict("crashed", detail=detail or f"workerd ended with status {status}", peak_memory_bytes=peak)
