"""`cct history` and `cct stats`, as somebody at a keyboard and a script see them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.history import database
from tests.history.runs import CODE, asked, events, keep, result

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_empty_history_says_how_to_make_a_run(capsys: Capture) -> None:
    for argv in (["history"], ["stats"]):
        assert run_cli(argv) == 0
        assert "--demo" in capsys.readouterr().err
    assert run_cli(["history", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"runs": [], "total": 0}
    assert run_cli(["stats", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == 0
    assert not database.path().exists()


def test_the_list_fits_a_narrow_terminal(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    run = keep(asked("Draw a table of all that has happened since"))
    monkeypatch.setenv("COLUMNS", "40")
    assert run_cli(["history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ID", run]
    assert "Draw a table" in lines[1]
    assert all(len(line) <= 40 for line in lines)


def test_the_list_has_a_line_for_each_run(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    first = keep(asked("Draw a table"))
    second = keep(asked("Fail"), events(result(success=False, error_code="program_failed")))
    assert run_cli(["history"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ID", second, first]
    assert "program_failed" in lines[1]
    assert lines[2].split()[4:] == ["ok", "1.00", "s", "$0.0040", "Draw", "a", "table"]
    monkeypatch.setenv("COLUMNS", "72")
    assert run_cli(["history"]) == 0
    assert all(len(line) <= 72 for line in capsys.readouterr().out.splitlines())


def test_the_list_says_when_there_is_more(capsys: Capture) -> None:
    for number in range(3):
        keep(asked(f"run {number}"))
    assert run_cli(["history", "--limit", "2"]) == 0
    assert "2 of 3 runs" in capsys.readouterr().err
    assert run_cli(["history", "--search", "run 1", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert ([run["title"] for run in body["runs"]], body["total"]) == (["run 1"], 1)
    assert run_cli(["history", "--search", "elephant"]) == 0
    assert "No run is like that" in capsys.readouterr().err
    assert run_cli(["history", "--failed", "--days", "1"]) == 0


def test_nothing_that_was_kept_acts_on_a_terminal(capsys: Capture) -> None:
    hostile = "\x1b]0;title\x07\x1b[31mred\u202e\r"
    ending = result(output=hostile, model=hostile, isolation=hostile, error=hostile, sandbox=hostile)
    keep(asked(f"Do {hostile} it", place=hostile), events(ending))
    for argv in (["history"], ["history", "show", "last"], ["stats"]):
        assert run_cli(argv) == 0
        out = capsys.readouterr().out
        assert not set(out) & set("\x1b\x07\r\u202e")
        assert "red" in out


def test_a_run_is_shown_with_all_of_it(capsys: Capture) -> None:
    identity = keep(asked("Say hi"))
    assert run_cli(["history", "show", str(identity)[:8]]) == 0
    out = capsys.readouterr().out
    for said in (f"Run {identity}: ok", "Say hi", "main.py\n  │ print('hi')", "Output\n  hi", "1,000 tokens in"):
        assert said in out
    assert run_cli(["history", "show", "last", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["content"] == CODE


@pytest.mark.parametrize("argv", [["show"], ["rerun"]])
def test_what_names_no_run_is_a_usage_error(argv: list[str], capsys: Capture) -> None:
    assert run_cli(["history", *argv, "0tw4", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["errorCode"] == "run_not_found"


def test_the_files_of_a_run_are_written_again(capsys: Capture, project: Path) -> None:
    keep()
    assert run_cli(["history", "show", "last", "--save", "again"]) == 0
    assert (project / "again" / "main.py").read_text() == CODE
    assert "main.py  12 B" in capsys.readouterr().err


def test_a_kept_file_is_judged_again_before_it_is_written(capsys: Capture, project: Path) -> None:
    keep()
    with sqlite3.connect(database.path()) as connection:
        connection.execute("UPDATE parts SET path = '../evil.py' WHERE role = 'program'")
    connection.close()
    assert run_cli(["history", "show", "last", "--save", "again"]) == 7
    assert "Refused" in capsys.readouterr().err
    assert list(project.parent.glob("evil.py")) == []
    assert not (project / "again").exists()


def test_a_run_without_files_has_nothing_to_write(capsys: Capture, project: Path) -> None:
    keep(told=[result(files=(), code=None)])
    assert run_cli(["history", "show", "last", "--save", "again"]) == 2
    assert "No file" in capsys.readouterr().err
    assert list(project.iterdir()) == []


def test_removing_asks_and_says_what_it_did(capsys: Capture) -> None:
    keep()
    assert run_cli(["history", "clear"]) == 2
    assert "--yes" in capsys.readouterr().err
    assert run_cli(["history", "clear", "--older-than", "1"]) == 0
    assert "Removed 0 runs" in capsys.readouterr().out
    assert run_cli(["history", "clear", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"success": True, "removed": 1}
    assert run_cli(["history", "clear", "--yes"]) == 0


def test_a_damaged_history_is_an_error_with_its_fix(capsys: Capture) -> None:
    database.path().parent.mkdir(parents=True)
    database.path().write_bytes(b"x" * 5000)
    for argv in (["history"], ["stats"], ["history", "show", "last"], ["history", "clear", "--yes"]):
        assert run_cli([*argv, "--json"]) == 3
        error = json.loads(capsys.readouterr().out)
        assert error["errorCode"] == "history_unusable"
        assert "Move the file away" in error["hint"]


@pytest.mark.parametrize(
    "argv",
    [
        ["history", "--limit", "0"],
        ["history", "--days", "0"],
        ["history", "show"],
        ["history", "forget"],
        ["stats", "--days", "x"],
        ["history", "rerun", "last", "--agent", "x"],
        ["--prompt", "x", "--max-cost", "nan"],
        ["--prompt", "x", "--max-cost", "0"],
        ["--prompt", "x", "--max-cost", "-1"],
    ],
)
def test_wrong_command_lines_are_exit_2(argv: list[str], capsys: Capture) -> None:
    keep()
    assert run_cli(argv) == 2
    assert capsys.readouterr().out == ""


def test_what_can_cost_more_than_it_may_is_refused_before_anything_happens(
    capsys: Capture, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-api03-of-a-test")
    assert run_cli(["--prompt", "x", "--max-cost", "$0.01", "--json"]) == 2
    error = json.loads(capsys.readouterr().out)
    assert error["errorCode"] == "cost_limit"
    assert list(project.iterdir()) == []
    assert not database.path().exists()


def test_a_dry_run_tells_what_it_would_cost(capsys: Capture) -> None:
    assert run_cli(["--dry-run", "--prompt", "x", "--model", "opus"]) == 0
    assert "cost     about $" in capsys.readouterr().err
    assert run_cli(["--dry-run", "--prompt", "x", "--json"]) == 0
    estimate = json.loads(capsys.readouterr().out)["estimate"]
    assert 0 < estimate["likelyUsd"] < estimate["atMostUsd"] == estimate["claudeUsdAtMost"]
    assert run_cli(["--dry-run", "--prompt", "x", "--json", "--demo"]) == 0
    assert json.loads(capsys.readouterr().out)["estimate"] is None
