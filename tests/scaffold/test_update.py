"""`cct init --update`: what it shows, what it asks, and what it then does."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cct_cloudflare.cli.init import init
from cct_cloudflare.cli.scaffolding import update_project
from cct_cloudflare.errors import ConfigError, UsageError
from cct_cloudflare.scaffold import plan
from cct_cloudflare.scaffold.changes import MAX_LINES, changes
from tests.scaffold.trees import TEMPLATE, read_tree, scaffold, stamps, target, words

NEWER = {**TEMPLATE, "README.md": b"# Newer\n", "src/new.ts": b"1\n2\n"}


def diff(before: bytes, after: bytes, edited: bytes | None = None, *, project: Path) -> tuple[str, ...]:
    """The lines, without the two headers, of a file that was `before`, is to be `after`, and may have been edited."""
    scaffold(project, {"file.txt": before})
    if edited is not None:
        (target(project) / "file.txt").write_bytes(edited)
    [change] = changes(plan(project, rendered={"file.txt": after}))
    return change.diff[2:]


def test_a_file_that_was_left_alone_shows_exactly_the_update(tmp_path: Path) -> None:
    assert diff(b"a\nb\nc\n", b"a\nB\nc\n", project=tmp_path) == ("@@ -1,3 +1,3 @@", " a", "-b", "+B", " c")


def test_a_conflict_shows_the_users_file_against_the_new_one(tmp_path: Path) -> None:
    lines = diff(b"a\nb\n", b"a\nB\n", b"a\nb\nmine\n", project=tmp_path)
    assert lines == ("@@ -1,3 +1,2 @@", " a", "-b", "-mine", "+B")


def test_a_missing_last_newline_is_seen(tmp_path: Path) -> None:
    assert diff(b"a", b"a\n", project=tmp_path) == ("@@ -1 +1 @@", "-a (no newline at the end)", "+a")


@pytest.mark.parametrize("edited", [b"\x00\x01", b"\xff", b"x" * (1 << 20)])
def test_what_cannot_be_compared_says_so(tmp_path: Path, edited: bytes) -> None:
    scaffold(tmp_path)
    (target(tmp_path) / "README.md").write_bytes(edited)
    [change] = [change for change in changes(plan(tmp_path, rendered=NEWER)) if change.path == "README.md"]
    assert change.diff == ()
    assert "binary" in change.note


def test_a_long_difference_is_cut_and_counted(tmp_path: Path) -> None:
    scaffold(tmp_path, {"file.txt": b"x\n" * 1000})
    [change] = changes(plan(tmp_path, rendered={"file.txt": b"y\n" * 1000 + b"z" * 5000 + b"\n"}))
    assert len(change.diff) == MAX_LINES
    assert change.omitted == 2 + 1 + 1000 + 1001 - MAX_LINES
    assert max(map(len, change.diff)) <= 400


def test_every_kind_of_change_is_shown_and_nothing_else(tmp_path: Path) -> None:
    scaffold(tmp_path)
    place = target(tmp_path)
    (place / "wrangler.toml").write_bytes(b"mine\n")
    (place / "src/index.ts").unlink()
    newer = {**NEWER, "wrangler.toml": b"newer\n"}
    del newer["test/api.test.ts"]
    shown = {change.path: change.action.value for change in changes(plan(tmp_path, rendered=newer))}
    assert shown == {
        "README.md": "update",
        "src/index.ts": "restore",
        "src/new.ts": "create",
        "test/api.test.ts": "remove",
        "wrangler.toml": "conflict",
    }


def test_keeping_settles_a_conflict_until_the_template_changes_again(tmp_path: Path) -> None:
    scaffold(tmp_path)
    readme = target(tmp_path) / "README.md"
    readme.write_bytes(b"merged by hand\n")
    assert words(plan(tmp_path, rendered=NEWER))["README.md"] == "conflict"
    update(tmp_path, NEWER, keep=True, yes=True)
    assert readme.read_bytes() == b"merged by hand\n"
    assert words(plan(tmp_path, rendered=NEWER))["README.md"] == "edited"
    assert words(plan(tmp_path, rendered={**NEWER, "README.md": b"# Newest\n"}))["README.md"] == "conflict"
    readme.write_bytes(NEWER["README.md"])
    assert words(plan(tmp_path, rendered={**NEWER, "README.md": b"# Newest\n"}))["README.md"] == "update"


def update(project: Path, rendered: dict[str, bytes], *answers: str, terminal: bool = False, **flags: bool) -> Result:
    """`cct init --update` with a template of the test's own, on a terminal or not."""
    force, keep = flags.pop("force", False), flags.pop("keep", False)
    flags = {"dry_run": False, "yes": False, "as_json": False, **flags}

    @click.command()
    def command() -> None:
        with pytest.MonkeyPatch.context() as patch:
            if terminal:
                patch.setattr("sys.stdin.isatty", lambda: True)
                patch.setattr("sys.stderr.isatty", lambda: True)
                patch.setenv("NO_COLOR", "1")
            update_project(plan(project, rendered=rendered, force=force, keep=keep), **flags)

    return CliRunner().invoke(command, input="\n".join(answers) + "\n", catch_exceptions=False)


def test_it_shows_asks_and_applies(tmp_path: Path) -> None:
    scaffold(tmp_path)
    result = update(tmp_path, NEWER, "y", terminal=True)
    assert result.stdout == ""
    assert "update    README.md\n@@ -1 +1 @@\n-# Worker\n+# Newer\n" in result.stderr
    assert "create    src/new.ts: new, 2 lines\n" in result.stderr
    assert "Apply this to 2 files? [Y/n]" in result.stderr
    assert result.stderr.endswith(": 1 create, 1 update.\n")
    assert read_tree(target(tmp_path)) == NEWER


def test_no_changes_nothing(tmp_path: Path) -> None:
    scaffold(tmp_path)
    before = stamps(tmp_path)
    result = update(tmp_path, NEWER, "n", terminal=True)
    assert result.exit_code == 0
    assert result.stderr.endswith("Nothing was changed.\n")
    assert stamps(tmp_path) == before


def test_a_dry_run_asks_nobody_and_writes_the_changes_to_stdout(tmp_path: Path) -> None:
    scaffold(tmp_path)
    before = stamps(tmp_path)
    result = update(tmp_path, NEWER, dry_run=True, terminal=True)
    assert "+# Newer\n" in result.stdout
    assert result.stderr.endswith("not written: 1 create, 1 update.\n")
    assert stamps(tmp_path) == before


@pytest.mark.parametrize("flags", [{"as_json": True}, {"terminal": False}])
def test_without_somebody_to_ask_nothing_is_applied(tmp_path: Path, flags: dict[str, bool]) -> None:
    scaffold(tmp_path)
    before = stamps(tmp_path)
    with pytest.raises(UsageError) as caught:
        update(tmp_path, NEWER, **{"terminal": True, **flags})
    assert "--yes" in caught.value.hint
    assert stamps(tmp_path) == before


def test_where_nothing_is_to_be_done_nobody_is_asked(tmp_path: Path) -> None:
    scaffold(tmp_path)
    assert update(tmp_path, dict(TEMPLATE)).stderr == ".claude/sandbox/cloudflare: up to date.\n"


def test_force_says_whose_file_it_takes_and_keeps_it_aside(tmp_path: Path) -> None:
    scaffold(tmp_path)
    (target(tmp_path) / "README.md").write_bytes(b"mine\n")
    result = update(tmp_path, NEWER, force=True, yes=True)
    assert "overwrite README.md\n@@ -1 +1 @@\n-mine\n+# Newer\n" in result.stderr
    assert (target(tmp_path) / ".cct-backup/1/README.md.orig").read_bytes() == b"mine\n"


def test_a_conflict_is_left_with_both_ways_out(tmp_path: Path) -> None:
    scaffold(tmp_path)
    (target(tmp_path) / "README.md").write_bytes(b"mine\n")
    result = update(tmp_path, NEWER, yes=True)
    assert (target(tmp_path) / "README.md").read_bytes() == b"mine\n"
    assert "--update --keep" in result.stderr
    assert "--update --force" in result.stderr
    assert "--keep" not in update(tmp_path, NEWER, yes=True, keep=True).stderr


def test_json_has_each_change(tmp_path: Path) -> None:
    scaffold(tmp_path)
    answer = json.loads(update(tmp_path, NEWER, yes=True, as_json=True).stdout)
    assert answer["success"] is True
    assert {change["path"]: change["action"] for change in answer["changes"]} == {
        "README.md": "update",
        "src/new.ts": "create",
    }
    assert answer["changes"][0]["diff"].endswith("-# Worker\n+# Newer\n")
    assert read_tree(target(tmp_path)) == NEWER


def test_a_project_without_a_worker_has_nothing_to_update(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        CliRunner().invoke(init, ["--directory", str(tmp_path), "--update", "--yes"], catch_exceptions=False)
    assert "cct init" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flags", [["--keep"], ["--update", "--keep", "--force"]])
def test_keep_goes_with_update_alone(tmp_path: Path, flags: list[str]) -> None:
    with pytest.raises(UsageError, match="--keep"):
        CliRunner().invoke(init, ["--directory", str(tmp_path), *flags], catch_exceptions=False)


def test_what_stands_in_a_file_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    scaffold(tmp_path)
    (target(tmp_path) / "README.md").write_bytes(b"\x1b]52;c;eA==\x07\x1b[2J over\rwritten \xe2\x80\xae\xc2\x9b31m\r\n")
    result = update(tmp_path, NEWER, dry_run=True)
    assert "\n- over␍written \n" in result.stdout
    assert not set(result.stdout) & {"\x1b", "\r", "\x07", "\u202e", "\x9b"}


@pytest.fixture
def terminal() -> Iterator[tuple[int, io.TextIOWrapper]]:
    ours, theirs = os.openpty()
    with open(theirs, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor, not a path
        yield ours, stream
    os.close(ours)


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_shows_colours_unless_they_are_unwanted(
    tmp_path: Path,
    terminal: tuple[int, io.TextIOWrapper],
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    coloured: bool,
) -> None:
    scaffold(tmp_path)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    descriptor, stream = terminal
    monkeypatch.setattr("sys.stdout", stream)
    update_project(plan(tmp_path, rendered=NEWER), dry_run=True, yes=False, as_json=False)
    stream.flush()
    shown = b""
    while b"src/new.ts" not in shown:
        shown += os.read(descriptor, 1 << 16)
    assert (b"\x1b[32m+# Newer" in shown) is coloured
