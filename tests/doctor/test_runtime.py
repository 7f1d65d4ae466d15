from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cct_cloudflare.config import cache_dir
from cct_cloudflare.doctor import mend
from cct_cloudflare.doctor.runtime import orphans
from cct_cloudflare.sandbox import workerd
from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from tests.doctor.looking import look, script, told
from tests.runtime import CACHE, wait_until


def nothing(_: str) -> None:
    """Nobody wants to know."""


# The local Worker


def test_before_the_first_run_it_says_what_that_will_do(project: Path) -> None:
    check = look(project, "workerd")
    assert (check.status, check.repair is not None) == ("skip", True)
    assert not cache_dir().exists()


def test_it_starts_the_worker_and_runs_a_program(project: Path, installed: None) -> None:
    status, detail, _ = told(look(project, "workerd"))
    assert (status, "ran a program" in detail) == ("ok", True)


@pytest.mark.parametrize("broken", ["exit 1", "no such interpreter"])
def test_a_workerd_that_does_not_run(project: Path, home: Path, runtime: LocalRuntime, broken: str) -> None:
    """A cache like the real one, but for the program."""
    worker = cache_dir() / "worker" / runtime.gateway.parent.name
    worker.parent.mkdir(parents=True)
    worker.symlink_to(runtime.gateway.parent, target_is_directory=True)
    binary = cache_dir() / runtime.workerd.relative_to(CACHE / "cct-cloudflare")
    script(binary, broken)
    (cache_dir() / "toolchain" / binary.relative_to(cache_dir()).parts[1] / "done").touch()
    if broken != "exit 1":
        binary.write_text("#!/no/such/interpreter\n")
    status, detail, fix = told(look(project, "workerd"))
    assert status == "fail"
    assert detail.startswith("The local Worker does not run:")
    assert str(cache_dir()) in fix


# What killed sessions leave


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where sessions seem to make their folders."""
    folder = Path(tempfile.mkdtemp(prefix="cct-test-", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_processes_of_a_session_that_lives_are_no_orphans(installed: None, runtime: LocalRuntime) -> None:
    with local_worker(runtime, environment={}) as worker:
        family = {worker.supervisor_pid, *(p.pid for p in psutil.Process(worker.supervisor_pid).children())}
        assert len(family) >= 2
        assert family.isdisjoint(process.pid for process in orphans())


def test_a_workerd_whose_session_was_killed_is_ended(
    project: Path, runtime: LocalRuntime, temporary: Path, tmp_path: Path
) -> None:
    # In a cache of its own, so that no other test's session is touched.
    binary = cache_dir() / "toolchain" / "key" / "workerd"
    binary.parent.mkdir(parents=True)
    try:
        os.link(runtime.workerd, binary)
    except OSError:
        shutil.copy2(runtime.workerd, binary)
    folder = temporary / "cct-abandoned"
    folder.mkdir()
    socket_path = folder / "gateway"
    # What `workerd.start` starts, by a shell that ends at once.
    command = f'"{binary}" serve --binary "{runtime.gateway}" --experimental --socket-addr=http=unix:{socket_path}'
    command += f" --external-addr=runner=unix:{folder}/runner </dev/null >/dev/null 2>&1 & echo $!"
    pid = int(subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True, text=True).stdout)
    process = psutil.Process(pid)
    try:
        assert wait_until(socket_path.exists)
        parent = process.parent()
        if parent is not None and parent.name().startswith(("python", "node")):
            pytest.skip("init is a Python or a Node here, which counts as a session")
        assert pid in [orphan.pid for orphan in orphans()]
        check = look(project, "leftovers")
        assert (check.status, "process" in check.finding.detail) == ("warn", True)
        assert mend([check], nothing)[0].success
        assert wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)
        assert not folder.exists(), "its folder goes with it"
    finally:
        if process.is_running():
            process.send_signal(signal.SIGKILL)


def test_a_folder_is_removed_when_nobody_listens_there(project: Path, temporary: Path) -> None:
    listened_to, deserted, strange = (temporary / name for name in ("cct-alive", "cct-dead", "cct-strange"))
    for folder in (listened_to, deserted, strange):
        folder.mkdir()
    (strange / "notes.txt").write_text("not a session's")
    with socket.socket(socket.AF_UNIX) as alive, socket.socket(socket.AF_UNIX) as dead:
        alive.bind(str(listened_to / "runner"))
        alive.listen()
        dead.bind(str(deserted / "runner"))
        dead.close()
        check = look(project, "leftovers")
        assert "1 session folder" in check.finding.detail
        assert mend([check], nothing)[0].success
    assert sorted(path.name for path in temporary.iterdir()) == ["cct-alive", "cct-strange"]


def test_a_half_made_installation_is_removed(project: Path, temporary: Path) -> None:
    (cache_dir() / "toolchain" / "making-abc" / "node_modules").mkdir(parents=True)
    check = look(project, "leftovers")
    assert "1 half-made folder" in check.finding.detail
    assert mend([check], nothing)[0].success
    assert list((cache_dir() / "toolchain").iterdir()) == []


def test_an_installation_that_is_under_way_is_left_alone(project: Path, temporary: Path) -> None:
    from cct_cloudflare.folder_lock import folder_lock

    parent = cache_dir() / "toolchain"
    (parent / "making-abc").mkdir(parents=True)
    with folder_lock(parent):
        assert "half-made" not in look(project, "leftovers").finding.detail


def test_workerds_own_module_names_what_is_started() -> None:
    """The command above is a copy; it must be one that `workerd.start` would understand."""
    source = Path(workerd.__file__).read_text()
    for word in ("--binary", "--experimental", "--socket-addr=http=", "--external-addr="):
        assert word in source
