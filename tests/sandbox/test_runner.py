from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from cct_cloudflare.sandbox.frames import BOOTED, STDOUT, VERDICT, Frame, read_frames
from cct_cloudflare.sandbox.runner import Pool, RunnerServer
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from tests.runtime import PATIENCE, wait_until
from tests.sandbox.workerds import short_folder

LIMITS = {"timeoutMs": 60_000, "memoryBytes": 2**30, "outputBytes": 1000}


@dataclass
class Runner:
    pool: Pool
    server: RunnerServer
    path: Path

    def connect(self, language: str = "javascript", *, path: str = "/run") -> Conversation:
        """Opens a session; its body is still to come."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        sock.connect(str(self.path))
        head = f"POST {path}?language={language} HTTP/1.1\r\nHost: runner\r\nTransfer-Encoding: chunked\r\n\r\n"
        sock.sendall(head.encode())
        return Conversation(sock)

    def run(self, source: str) -> list[Frame]:
        with self.connect() as session:
            session.program(source)
            return session.frames()


class Conversation:
    """One connection, of which each side may be closed by itself."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._file = sock.makefile("rb")
        self._frames: Iterator[Frame] | None = None

    def __enter__(self) -> Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def program(self, source: str, limits: Mapping[str, int] | None = None) -> None:
        files = [{"path": "main.js", "content": source}]
        program = {"language": "javascript", "entrypoint": "main.js", "files": files}
        self.send(json.dumps({"program": program, "limits": limits or LIMITS}).encode())
        self.sock.sendall(b"0\r\n\r\n")

    def status(self) -> int:
        line = self._file.readline()
        while self._file.readline() not in (b"\r\n", b""):
            pass
        return int(line.split()[1])

    def next(self) -> Frame:
        if self._frames is None:
            assert self.status() == 200
            self._frames = read_frames(self._chunks())
        return next(self._frames)

    def frames(self) -> list[Frame]:
        first = self.next()
        assert self._frames is not None
        return [first, *self._frames]

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._file.readline() or b"0", 16):
            yield self._file.read(size)
            self._file.readline()


@contextmanager
def running(runtime: LocalRuntime, **spares: int) -> Iterator[Runner]:
    with short_folder() as folder:
        pool = Pool(runtime.workerd, runtime.sandboxes, folder, spares)
        with RunnerServer(folder / "runner", pool) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield Runner(pool, server, folder / "runner")
            finally:
                pool.close()
                server.shutdown()
                thread.join()
                assert children() == []


@pytest.fixture
def runner(runtime: LocalRuntime) -> Iterator[Runner]:
    with running(runtime) as runner:
        yield runner


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def verdict(frames: list[Frame]) -> dict[str, Any]:
    assert frames[-1].type == VERDICT
    return dict(json.loads(frames[-1].payload))


def test_a_session_boots_before_its_program_comes_and_ends_in_a_verdict(runner: Runner) -> None:
    with runner.connect() as session:
        booted = session.next()
        assert booted.type == BOOTED
        assert json.loads(booted.payload).keys() == {"ms", "spare", "queueMs"}
        assert json.loads(booted.payload)["spare"] is False
        session.program("console.log('out'); process.exitCode = 3;")
        *frames, last = session.frames()
    assert frames == [Frame(STDOUT, b"out\n")]
    assert verdict([last])["kind"] == "exited"
    assert verdict([last])["code"] == 3
    assert wait_until(lambda: children() == [])


def test_a_session_that_had_to_wait_for_its_turn_says_so(runner: Runner) -> None:
    runner.server.turns = threading.BoundedSemaphore(1)
    with runner.connect() as first:
        first.next()
        with runner.connect() as second:
            # The program alone lasts longer than the second needs to get in line.
            first.program("setTimeout(() => console.log('done'), 1000)")
            assert verdict(first.frames())["code"] == 0
            assert json.loads(second.next().payload)["queueMs"] > 0


@pytest.mark.parametrize(("path", "language"), [("/", "javascript"), ("/sessions", "python"), ("/run/", "javascript")])
def test_there_is_one_route(runner: Runner, path: str, language: str) -> None:
    with runner.connect(language, path=path) as session:
        assert session.status() == 404
    assert children() == []


def test_typescript_runs_in_the_sandbox_of_javascript(runner: Runner) -> None:
    with runner.connect("typescript") as session:
        session.program("console.log(1)")
        assert verdict(session.frames())["code"] == 0


def test_a_sandbox_that_cannot_start_is_503(runtime: LocalRuntime, tmp_path: Path) -> None:
    broken = tmp_path / "broken.bin"
    broken.write_bytes(b"broken")
    for workerd, config in [(runtime.workerd, broken), (tmp_path / "missing", runtime.sandboxes["javascript"])]:
        with running(LocalRuntime(workerd, runtime.gateway, {"javascript": config})) as runner:
            with runner.connect() as session:
                assert session.status() == 503
            with runner.connect() as session:
                assert session.status() == 503, "and the next one is answered, too"


@pytest.mark.parametrize(
    "rest",
    [b"", b"5\r\nab", b"zz\r\n", b"-5\r\n", b"3\r\nnot\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n", b"ffffffff\r\n"],
    ids=["nothing", "cut", "no size", "negative", "no JSON", "no program", "too large"],
)
def test_a_body_that_is_none_ends_the_session(runner: Runner, rest: bytes) -> None:
    with runner.connect() as session:
        session.next()
        session.sock.sendall(rest)
        session.sock.shutdown(socket.SHUT_WR)
    assert wait_until(lambda: children() == [])
    assert verdict(runner.run("1"))["code"] == 0


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "with something unread"])
def test_a_worker_that_goes_away_ends_the_run(runner: Runner, reset: bool) -> None:
    with runner.connect() as session:
        session.next()
        session.program("console.log('out'); setTimeout(() => console.log('more'), 50); setInterval(() => {}, 1000)")
        assert session.next() == Frame(STDOUT, b"out\n")
        (process,) = children()
        if reset:
            # Bytes that the runner has sent and nobody has read: it then sees a reset, not an end.
            assert wait_until(lambda: bool(session.sock.recv(1, socket.MSG_PEEK)))
    assert psutil.wait_procs([process], timeout=PATIENCE)[1] == []
    assert verdict(runner.run("1"))["code"] == 0


def test_a_worker_that_goes_away_before_its_program_ends_the_session(runner: Runner) -> None:
    with runner.connect() as session:
        session.next()
        (process,) = children()
    assert psutil.wait_procs([process], timeout=PATIENCE)[1] == []


def test_limits_come_with_the_program(runner: Runner) -> None:
    with runner.connect() as session:
        session.program("while (true) {}", {**LIMITS, "timeoutMs": 300})
        assert verdict(session.frames())["kind"] == "timeout"


def test_sessions_beyond_the_machines_share_wait_their_turn(runner: Runner) -> None:
    runner.server.turns = threading.BoundedSemaphore(1)
    with runner.connect() as first:
        first.next()
        with runner.connect() as second:
            second.program("console.log('second')")
            first.program("console.log('first')")
            assert verdict(first.frames())["code"] == 0
            assert second.frames()[1] == Frame(STDOUT, b"second\n")


def test_spares_are_kept_taken_and_made_up_for(runtime: LocalRuntime) -> None:
    with running(runtime, javascript=2) as runner:
        assert children() == []
        runner.pool.fill()
        runner.pool.fill()
        assert wait_until(lambda: len(runner.pool._ready.get("javascript", [])) == 2)
        spares = {process.pid for process in children()}
        assert len(spares) == 2
        frames = runner.run("console.log('out')")
        assert json.loads(frames[0].payload)["spare"] is True
        assert wait_until(lambda: len(children()) == 2 and len({p.pid for p in children()} - spares) == 1)


def test_a_spare_that_has_died_is_replaced(runtime: LocalRuntime) -> None:
    with running(runtime) as runner:
        runner.pool.fill({"javascript": 1})
        assert wait_until(lambda: len(runner.pool._ready["javascript"]) == 1)
        (spare,) = children()
        spare.kill()
        # Not when it counts as a zombie: that is its first thread, and the others may still be ending.
        assert wait_until(lambda: not runner.pool._ready["javascript"][0].alive)
        frames = runner.run("console.log('out')")
        assert json.loads(frames[0].payload)["spare"] is False
        assert verdict(frames)["code"] == 0


def test_one_that_is_booting_is_waited_for(runtime: LocalRuntime) -> None:
    with running(runtime) as runner:
        runner.pool.fill({"python": 1})
        process, was_ready = runner.pool.take("python")
        assert was_ready is False
        assert len(children()) == 1, "no second one was started"
        runner.pool.give_back(process)


def test_closing_ends_what_is_still_booting_and_starts_nothing_more(runtime: LocalRuntime) -> None:
    with running(runtime, python=2) as runner:
        runner.pool.fill()
        assert wait_until(lambda: len(children()) == 2)
        runner.pool.close()
        assert children() == []
        runner.pool.fill()
        with pytest.raises(RuntimeError, match="is ending"):
            runner.pool.take("javascript")
        assert children() == []


def test_a_spare_that_does_not_boot_is_no_deadlock(runtime: LocalRuntime, tmp_path: Path) -> None:
    broken = tmp_path / "broken.bin"
    broken.write_bytes(b"broken")
    with running(LocalRuntime(runtime.workerd, runtime.gateway, {"python": broken}), python=1) as runner:
        runner.pool.fill()
        with pytest.raises(RuntimeError):
            runner.pool.take("python")
