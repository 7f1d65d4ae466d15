"""The verdict over one commit, and a whole search with the real git."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.components.skills.script import path, run

VERDICT = "git/bisect/verdict"
GOOD, BAD, SKIP = 0, 1, 125


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def shell(code: str) -> str:
    return shlex.join(python(code))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", GOOD),
        ("exit(1)", BAD),
        ("exit(3)", BAD),
        ("exit(124)", BAD),
        ("exit(125)", SKIP),
        ("exit(126)", SKIP),
        ("exit(127)", SKIP),
        ("exit(200)", BAD),
        ("import os; os.abort()", BAD),
    ],
)
def test_a_status_becomes_a_verdict_that_git_understands(code: str, status: int, tmp_path: Path) -> None:
    assert run(VERDICT, "--", *python(code), cwd=tmp_path).returncode == status


def test_a_command_that_is_not_there_is_no_bug(tmp_path: Path) -> None:
    result = run(VERDICT, "--", "there-is-no-such-program", cwd=tmp_path)
    assert result.returncode == SKIP
    assert "could not be run" in result.stderr


def test_a_build_that_fails_skips_and_the_command_is_not_run(tmp_path: Path) -> None:
    result = run(VERDICT, "--build", shell("exit(2)"), "--", *python("open('ran', 'w')"), cwd=tmp_path)
    assert result.returncode == SKIP and "the build ended with 2" in result.stderr
    assert not (tmp_path / "ran").exists()
    assert run(VERDICT, "--build", shell(""), "--", *python(""), cwd=tmp_path).returncode == GOOD


def test_another_failure_is_not_taken_for_this_one(tmp_path: Path) -> None:
    wanted = run(VERDICT, "--bad-if", "got 4", "--", *python("print('got 4'); exit(1)"), cwd=tmp_path)
    other = run(VERDICT, "--bad-if", "got 4", "--", *python("raise ImportError('x')"), cwd=tmp_path)
    on_stderr = run(VERDICT, "--bad-if", "got 4", "--", *python("exit('got 4')"), cwd=tmp_path)
    passed = run(VERDICT, "--bad-if", "got 4", "--", *python("print('got 4')"), cwd=tmp_path)
    assert [wanted.returncode, other.returncode, on_stderr.returncode, passed.returncode] == [BAD, SKIP, BAD, GOOD]
    assert "got 4" in wanted.stdout and "ImportError" in other.stdout, "what the command printed is shown"


def test_a_flaky_failure_is_found_by_repeating(tmp_path: Path) -> None:
    third = "import pathlib; p = pathlib.Path('n'); n = int(p.read_text() or 0) + 1; p.write_text(str(n)); exit(n == 3)"
    (tmp_path / "n").write_text("")
    assert run(VERDICT, "--runs", "2", "--", *python(third), cwd=tmp_path).returncode == GOOD
    (tmp_path / "n").write_text("")
    result = run(VERDICT, "--runs", "5", "--", *python(third), cwd=tmp_path)
    assert result.returncode == BAD and "run 3 of 5" in result.stderr
    assert (tmp_path / "n").read_text() == "3"


@pytest.mark.parametrize(("hang", "status"), [((), SKIP), (("--hang", "bad"), BAD), (("--hang", "skip"), SKIP)])
def test_what_hangs_is_ended_with_its_children(hang: tuple[str, ...], status: int, tmp_path: Path) -> None:
    child = "import sys, time; sys.stdin.read(); time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert run(VERDICT, "--timeout", "0.2", *hang, "--", *python(parent), cwd=tmp_path).returncode == status


def test_a_server_that_a_test_left_behind_is_ended(tmp_path: Path) -> None:
    """Its output is not waited for, and nothing of it lives on: it would hold the lock that is taken here."""
    fcntl = pytest.importorskip("fcntl")
    lock = tmp_path / "lock"
    child = (
        f"import fcntl, time; f = open({str(lock)!r}, 'w'); fcntl.flock(f, fcntl.LOCK_EX)\n"
        "print('up', flush=True); time.sleep(60)"
    )
    parent = (
        "import subprocess, sys\n"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}], stdout=subprocess.PIPE)\n"
        "p.stdout.readline()"
    )
    assert run(VERDICT, "--", *python(parent), cwd=tmp_path).returncode == GOOD
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the kernel gives it up when the process is gone


@pytest.mark.parametrize("wrong", [(), ("--runs", "0", "--", "x"), ("--timeout", "-1", "--", "x"), ("--what", "x")])
def test_wrong_use_is_refused(wrong: tuple[str, ...], tmp_path: Path) -> None:
    result = run(VERDICT, *wrong, cwd=tmp_path)
    assert result.returncode == 2 and "usage:" in result.stderr


def test_git_finds_the_commit_past_broken_builds_and_other_failures(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()

    def git(*arguments: str) -> str:
        settings = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main"]
        return subprocess.run(
            ["git", *settings, *arguments], cwd=tree, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "--quiet")
    commits = []
    for number in range(12):
        wrong = "4" if number >= 7 else "3"
        source = f"def total():\n    return {wrong}\n"
        if number in (5, 9):
            source = "def total(:\n"  # does not build
        if number == 6:
            source = "raise OSError('another failure')\n"
        (tree / "shop.py").write_text(f"# {number}\n{source}")
        git("add", "shop.py")
        git("commit", "--quiet", "--message", f"Change {number}")
        commits.append(git("rev-parse", "HEAD"))
    git("bisect", "start", commits[-1], commits[0])
    build = shell("import ast; ast.parse(open('shop.py').read())")
    test = "import shop; assert shop.total() == 3, f'expected 3, got {shop.total()}'"
    # As in the skill: the script is started from outside of the tree.
    verdict = [sys.executable, str(path(VERDICT)), "--build", build, "--bad-if", "expected 3, got 4"]
    search = subprocess.run(
        ["git", "bisect", "run", *verdict, "--", sys.executable, "-B", "-c", test],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    # The two commits before the culprit cannot be judged, so git names all three, and only those.
    suspects = search.stdout.partition("could be any of:")[2]
    assert {commit for commit in commits if commit in suspects} == set(commits[5:8]), search.stdout + search.stderr
    log = git("bisect", "log")
    assert f"git bisect good {commits[4]}" in log and f"git bisect bad {commits[7]}" in log
