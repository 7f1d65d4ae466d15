from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cct_cloudflare.sandbox.frames import FILE, MAX_PAYLOAD, STDERR, STDOUT, Frame
from cct_cloudflare.sandbox.process import Limits, SandboxProcess, Verdict
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from tests.sandbox.workerds import ANSWER, ROOMY, compiled, short_folder

MEGABYTE = 1024 * 1024

Start = Callable[..., SandboxProcess]


@pytest.fixture
def start(runtime: LocalRuntime) -> Iterator[Start]:
    """Starts sandboxes, of the given main module or of cct's own; what is left of them is killed."""
    with short_folder() as folder:
        started: list[SandboxProcess] = []

        def start_one(host: str | None = None, *, kind: str = "javascript") -> SandboxProcess:
            config = runtime.sandboxes[kind] if host is None else compiled(runtime.workerd, folder, host)
            directory = folder / f"p{len(started)}"
            started.append(SandboxProcess.start(kind, runtime.workerd, config, directory, 512 * MEGABYTE))
            return started[-1]

        yield start_one
        for process in started:
            process.kill()
            assert not process.alive


def javascript(source: str) -> dict[str, Any]:
    return {"language": "javascript", "entrypoint": "main.js", "files": [{"path": "main.js", "content": source}]}


def stays() -> bool:
    return False


def run(process: SandboxProcess, program: dict[str, Any], limits: Limits = ROOMY) -> tuple[list[Frame], Verdict]:
    process.boot()
    *frames, verdict = process.run(program, limits, stays)
    assert isinstance(verdict, Verdict)
    assert not process.alive, "one run, and it is dead"
    return [frame for frame in frames if isinstance(frame, Frame)], verdict


def test_output_files_and_status_come_in_their_order(start: Start) -> None:
    source = (
        "console.log('out'); console.error('err'); require('fs').writeFileSync('a.txt', 'A'); process.exitCode = 3;"
    )
    process = start()
    frames, verdict = run(process, javascript(source))
    assert frames == [Frame(STDOUT, b"out\n"), Frame(STDERR, b"err\n"), Frame(FILE, b"\0\5a.txtA")]
    assert (verdict.kind, verdict.code) == ("exited", 3)
    assert (verdict.peak_memory_bytes or 0) < 512 * MEGABYTE
    assert process.boot_ms > 0


def test_python_is_booted_before_its_program_is_known(start: Start) -> None:
    program = {"entrypoint": "main.py", "files": [{"path": "main.py", "content": "print('out')"}]}
    frames, verdict = run(start(kind="python"), program)
    assert frames == [Frame(STDOUT, b"out\n")]
    assert (verdict.kind, verdict.code) == ("exited", 0)


def test_the_deadline_ends_a_loop(start: Start) -> None:
    frames, verdict = run(start(), javascript("while (true) {}"), Limits(0.3, 1024**3, 1000))
    assert frames == []
    assert (verdict.kind, verdict.code) == ("timeout", None)


def test_the_memory_limit_ends_a_program(start: Start) -> None:
    source = "const kept = []; setInterval(() => kept.push(new Uint8Array(8 << 20).fill(1)), 0);"
    _, verdict = run(start(), javascript(source), Limits(60.0, 200 * MEGABYTE, 1000))
    assert verdict.kind == "memory"
    assert 200 * MEGABYTE < (verdict.peak_memory_bytes or 0) < 600 * MEGABYTE


def test_a_heap_that_is_full_counts_as_memory(start: Start) -> None:
    """V8 aborts the process before the watcher's limit is reached."""
    source = "const kept = []; while (true) kept.push(new Array(1 << 22).fill(1.5));"
    _, verdict = run(start(), javascript(source), Limits(120.0, 8 * 1024**3, 1000))
    assert verdict.kind == "memory"


def test_a_client_that_goes_away_ends_the_run(start: Start) -> None:
    process = start()
    process.boot()
    asked = iter([False, False, True])
    *_, verdict = process.run(javascript("while (true) {}"), ROOMY, lambda: next(asked))
    assert isinstance(verdict, Verdict)
    assert verdict.kind == "crashed"
    assert not process.alive


def test_a_caller_that_stops_listening_ends_the_run(start: Start) -> None:
    process = start()
    process.boot()
    items = process.run(javascript("console.log('out'); setInterval(() => {}, 1000)"), ROOMY, stays)
    assert next(iter(items)) == Frame(STDOUT, b"out\n")
    items.close()  # type: ignore[attr-defined]  # it is a generator
    assert not process.alive


def test_a_process_that_is_killed_from_outside_has_crashed(start: Start) -> None:
    process = start()
    process.boot()
    items = iter(process.run(javascript("console.log('out'); setInterval(() => {}, 1000)"), ROOMY, stays))
    next(items)
    (child,) = psutil.Process().children()
    child.send_signal(signal.SIGSEGV)
    verdict = next(items)
    assert isinstance(verdict, Verdict)
    assert verdict.kind == "crashed"
    assert "status" in verdict.detail


@pytest.mark.parametrize(
    ("frames", "detail"),
    [
        ("frame(5, [123, 125])", "out of turn"),
        ("frame(6, [123, 125])", "out of turn"),
        ("frame(200, [])", "out of turn"),
        ("frame(4, [0, 0, 0])", "out of turn"),
        ("frame(4, [0, 0, 0, 0, 0])", "out of turn"),
        ("frame(1, Array(1002).fill(65))", "out of turn"),
        ("[...frame(1, Array(600).fill(65)), ...frame(2, Array(600).fill(65))]", "out of turn"),
        (f"frame(3, [], {MAX_PAYLOAD + 1})", "too long"),
        ("frame(1, [65], 2)", "cut"),
        ("[1, 0, 0]", "cut"),
        ("[]", "without an exit status"),
        ("frame(1, [65])", "without an exit status"),
        ("{ throw new Error('no answer') }", "answered 500"),
    ],
)
def test_nothing_that_a_sandbox_says_is_taken_for_an_exit(start: Start, frames: str, detail: str) -> None:
    passed, verdict = run(start(ANSWER % frames), javascript(""))
    assert verdict.kind == "crashed"
    assert verdict.code is None
    assert detail in verdict.detail
    assert sum(len(frame.payload) for frame in passed) <= 1001


def test_what_follows_the_exit_is_not_read(start: Start) -> None:
    frames, verdict = run(start(ANSWER % "[...frame(4, [255, 255, 255, 255]), ...frame(1, [65])]"), javascript(""))
    assert frames == []
    assert (verdict.kind, verdict.code) == ("exited", -1)


@pytest.mark.parametrize(
    "host",
    [
        "export default { fetch: () => new Response('not today', { status: 500 }) }",
        "export default { fetch() { throw new Error('broken'); } }",
        "throw new Error('broken')",
        "this is no JavaScript",
    ],
)
def test_a_sandbox_that_does_not_boot_says_so(start: Start, host: str) -> None:
    with pytest.raises(RuntimeError, match=r"did not boot|before it listened"):
        start(host).boot()


def test_the_process_has_nothing_of_this_one(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")
    process = start()
    process.boot()
    (child,) = psutil.Process().children()
    assert set(child.environ()) <= {"PWD", "OLDPWD", "SHLVL", "_"}
    assert os.listdir(child.cwd()) == []  # noqa: PTH208
    directory = Path(child.cwd()).parent
    assert directory.exists()
    process.kill()
    assert not directory.exists()
    process.kill()
