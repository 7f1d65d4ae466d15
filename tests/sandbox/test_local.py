from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cct_cloudflare.errors import WorkerError
from cct_cloudflare.sandbox.client import WorkerClient
from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.program import Program
from cct_cloudflare.sandbox.supervisor import Orders
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from tests.runtime import KEY, PATIENCE, wait_until
from tests.sandbox.workerds import short_folder


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary ones, which a session must leave empty."""
    with short_folder() as folder:
        monkeypatch.setattr("tempfile.tempdir", str(folder))
        yield folder
        assert list(folder.iterdir()) == []


def test_a_session_has_a_private_folder_a_token_and_an_end(runtime: LocalRuntime, temporary: Path) -> None:
    with local_worker(runtime, environment={}) as worker:
        supervisor = psutil.Process(worker.supervisor_pid)
        processes = [supervisor, *supervisor.children(recursive=True)]
        assert worker.socket is not None
        assert worker.socket.parent.parent == temporary
        assert worker.socket.parent.stat().st_mode & 0o777 == 0o700
        assert worker.token not in repr(worker)
        with WorkerClient(worker.url, worker.token, uds=worker.socket) as client:
            assert client.health().status == "ok"
    assert psutil.wait_procs(processes, timeout=PATIENCE)[1] == []


def test_the_token_and_the_key_are_told_over_the_pipe_alone(runtime: LocalRuntime, temporary: Path) -> None:
    with local_worker(runtime, environment={"ANTHROPIC_API_KEY": KEY}) as worker:
        supervisor = psutil.Process(worker.supervisor_pid)
        for process in (supervisor, *supervisor.children(recursive=True)):
            said = " ".join(process.cmdline())
            assert KEY not in said
            assert worker.token not in said
        assert set(supervisor.environ()) <= {"PYTHONPATH", "LC_CTYPE"}
    assert list(temporary.iterdir()) == []


def test_every_session_has_a_token_of_its_own(runtime: LocalRuntime, temporary: Path) -> None:
    with local_worker(runtime, environment={}) as one, local_worker(runtime, environment={}) as other:
        assert one.token != other.token
        with WorkerClient(one.url, other.token, uds=one.socket) as client, pytest.raises(WorkerError) as caught:
            list(client.run(Program("javascript", "main.js", ())))
    assert caught.value.code == "unauthorized"


@pytest.mark.parametrize("broken", ["gateway", "workerd"])
def test_a_worker_that_does_not_start_is_an_error_and_leaves_nothing(
    runtime: LocalRuntime, temporary: Path, tmp_path: Path, broken: str
) -> None:
    (tmp_path / "broken").write_bytes(b"broken")
    file = tmp_path / "broken"
    wrong = replace(runtime, gateway=file) if broken == "gateway" else replace(runtime, workerd=file)
    with pytest.raises(WorkerError, match="did not start") as caught, local_worker(wrong, environment={}):
        pass
    assert caught.value.code == "worker_unreachable"
    assert caught.value.exit_code == 4


def test_a_folder_that_cannot_be_made_is_named(
    runtime: LocalRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with short_folder() as folder:
        (folder / "file").write_text("")
        monkeypatch.setattr("tempfile.tempdir", str(folder / "file"))
        with pytest.raises(WorkerError, match="no folder could be made"), local_worker(runtime, environment={}):
            pass


def test_an_error_inside_ends_the_session_too(runtime: LocalRuntime, temporary: Path) -> None:
    with pytest.raises(ZeroDivisionError), local_worker(runtime, environment={}, spares={"python": 1}) as worker:
        supervisor = psutil.Process(worker.supervisor_pid)
        raise ZeroDivisionError
    assert not supervisor.is_running()


def test_a_long_temporary_folder_is_not_used(
    runtime: LocalRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Unix socket's path has 104 bytes at most."""
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with local_worker(runtime, environment={}) as worker:
        assert worker.socket is not None
        assert len(str(worker.socket)) < 104
    assert list(long.iterdir()) == []


# The supervisor by itself


def supervisor(*orders: bytes) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "cct_cloudflare.sandbox.supervisor"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    for line in orders:
        process.stdin.write(line)
    process.stdin.flush()
    return process


@pytest.mark.parametrize("given", [b"", b'{"workerd": "cut in the mid'])
def test_a_cct_that_ends_before_its_orders_has_started_nothing(given: bytes) -> None:
    with supervisor(given) as process:
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (0, b"", b"")


def orders(runtime: LocalRuntime, parent: Path) -> bytes:
    return Orders(
        workerd=str(runtime.workerd),
        gateway=str(runtime.gateway),
        sandboxes={kind: str(path) for kind, path in runtime.sandboxes.items()},
        parent=str(parent),
        environment={"CCT_TOKEN": "t0ken"},
        spares={"python": 2},
    ).to_line()


def test_a_cct_that_ends_right_after_its_orders_leaves_nothing(runtime: LocalRuntime, temporary: Path) -> None:
    with supervisor(orders(runtime, temporary)) as process:
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


@pytest.mark.parametrize("how", ["terminate", "close"])
def test_the_supervisor_takes_everything_with_it(runtime: LocalRuntime, temporary: Path, how: str) -> None:
    with supervisor(orders(runtime, temporary)) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()).keys() == {"directory", "port"}
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        if how == "terminate":
            process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []


def test_orders_never_show_their_secrets() -> None:
    shown = repr(Orders("w", "g", {}, "/tmp", {"ANTHROPIC_API_KEY": KEY}))
    assert KEY not in shown


def test_a_worker_that_never_listens_ends_with_its_cct(runtime: LocalRuntime, temporary: Path, tmp_path: Path) -> None:
    """Nobody reads from the pipe at first: the supervisor waits for the Worker."""
    hanging = tmp_path / "workerd"
    hanging.write_text(f"#!/bin/sh\necho $$ >> {tmp_path / 'pids'}\nexec sleep 1000\n")
    hanging.chmod(0o755)
    with supervisor(orders(replace(runtime, workerd=hanging), temporary)) as process:
        assert wait_until(lambda: (tmp_path / "pids").exists())
        started = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        process.communicate(timeout=PATIENCE)
    assert psutil.wait_procs(started, timeout=PATIENCE)[1] == []
