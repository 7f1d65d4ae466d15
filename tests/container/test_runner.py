"""What runs a program inside a container: exact output, limits, files, and a program that cannot lie about its end."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.container.runner import PATIENCE, Runner, read
from tests.runtime import wait_until

NOBODY = 65534


def test_a_python_program_runs(runner: Runner) -> None:
    ran = runner("python", {"main.py": "import sys\nprint('out')\nprint('err', file=sys.stderr)\n"})
    assert (ran.stdout, ran.stderr, ran.files) == (b"out\n", b"err\n", {})
    assert {**ran.verdict, "peakMemoryBytes": None} == {
        "kind": "exited",
        "code": 0,
        "truncated": False,
        "peakMemoryBytes": None,
    }


@pytest.mark.parametrize(
    "source",
    [
        "import { EOL } from 'node:os';\nconsole.log(await Promise.resolve('out'));",
        "const { EOL } = require('node:os');\nconsole.log('out');",
    ],
)
def test_a_javascript_program_of_either_kind_runs_without_a_word_of_nodes_own(runner: Runner, source: str) -> None:
    ran = runner("javascript", {"main.js": source})
    assert (ran.stdout, ran.stderr, ran.verdict["code"]) == (b"out\n", b"", 0)


def test_a_typescript_program_is_given_to_bun(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which this machine need not have: what stands in for it says how it was called."""
    folder = runner.folder / "bin"
    folder.mkdir()
    (folder / "bun").write_text('#!/bin/sh\necho "$@"; cat "$2"\n')
    (folder / "bun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert runner("typescript", {"main.ts": "enum A { B }"}).stdout == b"--no-install main.ts\nenum A { B }"


def test_what_the_image_lacks_is_said(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(runner.folder))
    ran = runner("typescript", {"main.ts": ""})
    assert ran.kind == "crashed"
    assert "bun" in ran.verdict["detail"]


def test_output_is_exact_also_where_it_is_no_text(runner: Runner) -> None:
    source = "import os\nos.write(1, bytes(range(256)) * 300)\nos.write(2, b'\\xff\\x00no newline')\n"
    ran = runner("python", {"main.py": source})
    assert ran.stdout == bytes(range(256)) * 300
    assert ran.stderr == b"\xff\x00no newline"


def test_output_comes_while_it_is_made(runner: Runner) -> None:
    source = "import pathlib, time\nprint('first')\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)\n"
    process = runner.start("python", {"main.py": source})
    assert process.stdout is not None
    line = process.stdout.readline()
    assert b"first" in base64.b64decode(line)
    (runner.folder / "work/go").touch()
    rest, _ = process.communicate(timeout=PATIENCE)
    assert read(line + rest).verdict["code"] == 0


@pytest.mark.parametrize("code", [1, 7, 255])
def test_the_programs_own_status_is_told(runner: Runner, code: int) -> None:
    assert runner("python", {"main.py": f"raise SystemExit({code})"}).verdict["code"] == code


def test_a_signal_is_told_as_shells_tell_it(runner: Runner) -> None:
    assert runner("python", {"main.py": "import os; os.abort()"}).verdict["code"] == 134


def test_files_that_were_written_or_changed_come_back_and_others_do_not(runner: Runner) -> None:
    source = """
from pathlib import Path
Path("deep/er").mkdir(parents=True)
Path("deep/er/new.txt").write_text("new")
Path("changed.txt").write_text("after")
Path("same.txt").write_bytes(Path("same.txt").read_bytes())
Path("binary.bin").write_bytes(bytes(range(256)))
Path("empty").touch()
import helper
"""
    given: dict[str, str | bytes] = {
        "main.py": source,
        "helper.py": "",
        "changed.txt": "before",
        "same.txt": "same",
        "given/data.bin": b"\xff\x00",
    }
    assert runner("python", given).files == {
        "binary.bin": bytes(range(256)),
        "changed.txt": b"after",
        "deep/er/new.txt": b"new",
        "empty": b"",
    }


def test_links_and_what_is_no_file_are_not_followed(runner: Runner) -> None:
    secret = runner.folder / "secret.txt"
    secret.write_text("secret")
    source = f"""
import os
os.symlink({str(secret)!r}, "link.txt")
os.symlink({str(runner.folder)!r}, "folder")
os.symlink("main.py", "inner")
os.mkfifo("pipe")
"""
    ran = runner("python", {"main.py": source})
    assert (ran.files, ran.omitted, ran.kind) == ({}, False, "exited")


def test_files_beyond_their_number_are_left_out_and_that_is_told(runner: Runner) -> None:
    source = "for n in range(5): open(f'{n}.txt', 'w').write('x' * 10)\n"
    ran = runner("python", {"main.py": source}, savedFiles=3)
    assert (list(ran.files), ran.omitted) == (["0.txt", "1.txt", "2.txt"], True)


def test_files_beyond_their_size_are_left_out_and_that_is_told(runner: Runner) -> None:
    source = "for name, size in zip('abc', (60, 60, 40)): open(name, 'w').write('x' * size)\n"
    ran = runner("python", {"main.py": source}, savedBytes=100)
    assert (list(ran.files), ran.omitted) == (["a", "c"], True)


def test_a_file_that_says_to_be_enormous_is_not_read(runner: Runner) -> None:
    ran = runner("python", {"main.py": "open('huge', 'wb').truncate(1 << 40)"})
    assert (ran.files, ran.omitted) == ({}, True)


def test_a_program_that_takes_its_folder_away_has_no_files(runner: Runner) -> None:
    ran = runner("python", {"main.py": "import os, shutil; shutil.rmtree(os.getcwd())"})
    assert (ran.files, ran.kind) == ({}, "exited")


def test_output_beyond_its_limit_is_dropped_and_the_program_goes_on(runner: Runner) -> None:
    source = "import sys\nfor _ in range(500): sys.stdout.write('x' * 10_000)\nopen('end', 'w')\n"
    ran = runner("python", {"main.py": source}, outputBytes=123_456)
    assert ran.stdout == b"x" * 123_456
    assert ran.verdict["truncated"] is True
    assert list(ran.files) == ["end"]


@pytest.mark.parametrize(
    "source",
    [
        "import time\nprint('so far')\ntime.sleep(600)",
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('so far')\nwhile True: pass",
        "import os\nprint('so far')\nos.fork()\nwhile True: pass",
    ],
)
def test_a_program_that_does_not_end_is_stopped_with_all_that_it_started(runner: Runner, source: str) -> None:
    ran = runner("python", {"main.py": source}, timeoutMs=1500)
    assert (ran.kind, ran.stdout) == ("timeout", b"so far\n")
    assert wait_until(lambda: alive_in(runner.folder) == [])


def test_what_a_program_leaves_running_ends_with_it(runner: Runner) -> None:
    source = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    assert runner("python", {"main.py": source}).kind == "exited"
    assert wait_until(lambda: alive_in(runner.folder) == [])


def test_the_program_sees_nothing_of_the_runners_environment(runner: Runner) -> None:
    ran = runner("python", {"main.py": "import os\nprint(sorted(os.environ))"})
    assert ran.stdout == b"['HOME', 'LANG', 'LC_CTYPE', 'PATH']\n" or ran.stdout == b"['HOME', 'LANG', 'PATH']\n"


def test_nothing_is_left_of_what_the_runner_was_told(runner: Runner) -> None:
    ran = runner("python", {"main.py": "import os\nprint(os.listdir('..'))"})
    assert ran.stdout == b"['work']\n"


def test_memory_is_measured(runner: Runner) -> None:
    source = "import time\nheld = bytearray(b'x') * (100 << 20)\ntime.sleep(0.5)\n"
    assert runner("python", {"main.py": source}).verdict["peakMemoryBytes"] > 100 << 20


@pytest.fixture
def nobody(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> int:
    """Another user for the program, where this machine allows it and has a Python that such a user may start."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a program to another user")
    for folder in (Path(sys.executable).parent, Path("/usr/local/bin"), Path("/usr/bin")):
        try:
            subprocess.run([folder / "python3", "-c", ""], user=NOBODY, group=NOBODY, cwd=runner.folder, check=True)
        except (OSError, subprocess.SubprocessError):
            continue
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return NOBODY
    pytest.skip("another user cannot start a Python here")


def test_the_program_is_another_user_who_owns_its_folder(runner: Runner, nobody: int) -> None:
    source = "import os\nprint(os.getuid(), os.getgid(), os.getgroups())\nopen('deep/new', 'w').write('new')\n"
    ran = runner("python", {"main.py": source, "deep/given": ""}, user=nobody)
    assert ran.stdout == f"{nobody} {nobody} []\n".encode()
    assert ran.files == {"deep/new": b"new"}


def test_the_program_cannot_speak_or_end_in_the_runners_name(runner: Runner, nobody: int) -> None:
    source = """
import os, signal
for act in (
    lambda: os.kill(os.getppid(), signal.SIGKILL),
    lambda: open(f"/proc/{os.getppid()}/fd/1", "w"),
    lambda: open(f"/proc/{os.getppid()}/environ").read(),
):
    try:
        act()
        print("done")
    except OSError as error:
        print(error.strerror)
raise SystemExit(3)
"""
    ran = runner("python", {"main.py": source}, user=nobody)
    assert ran.stdout.splitlines() in (
        [b"Operation not permitted", b"Permission denied", b"Permission denied"],
        [b"Operation not permitted", b"Permission denied", b"Operation not permitted"],
    )
    assert ran.verdict["code"] == 3


def test_a_daemon_of_another_user_is_found_and_killed(runner: Runner, nobody: int) -> None:
    source = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("daemon.pid", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
os.wait()
while not os.path.exists("daemon.pid"): time.sleep(0.01)
"""
    ran = runner("python", {"main.py": source}, user=nobody)
    assert ran.kind == "exited"
    assert wait_until(lambda: not psutil.pid_exists(int(ran.files["daemon.pid"])))


def alive_in(folder: Path) -> list[int]:
    """Processes whose working folder is this one or below."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found
