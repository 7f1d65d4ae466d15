"""`cct diff`, as it is typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cct_cloudflare.cli.main import run_cli
from tests.cli.sources import AGENT, Capture, add, answer, written

pytestmark = pytest.mark.usefixtures("project")


def test_both_sides_are_shown(capsys: Capture, source: Path, project: Path) -> None:
    add(source)
    (project / ".claude/agents/a.md").write_text(AGENT.replace("one", "  ONE\x1b[31m"))
    written(source, {"agents/x/a.md": AGENT.replace("five", "FIVE")})
    capsys.readouterr()
    assert run_cli(["diff", "agent/a"]) == 0
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out
    assert "-one\n+  ONE\n" in shown.out
    assert "-five\n+FIVE\n" in shown.out
    assert shown.out.index("your edits") < shown.out.index("new version")
    assert shown.err == "1 component edited, 1 to be updated, of 1.\n"
    assert run_cli(["diff", "--local"]) == 0
    assert "FIVE" not in capsys.readouterr().out


def test_of_a_merged_file_only_the_components_part_is_compared(capsys: Capture, source: Path, project: Path) -> None:
    settings = {"env": {"MINE": "1"}, "permissions": {"deny": ["Read(mine)"]}}
    written(project, {".claude/settings.json": settings})
    add(source, "--setting", "s")
    path = project / ".claude/settings.json"
    path.write_text(path.read_text().replace('"DISABLE_TELEMETRY": "1"', '"DISABLE_TELEMETRY": "0"'))
    written(source, {"settings/x/s.json": {"env": {"DISABLE_TELEMETRY": "1"}}})
    [told] = answer(capsys, "diff", "--exit-code", code=1)["components"]
    [file] = told["files"]
    assert (told["edited"], told["outdated"], file["path"]) == (True, True, ".claude/settings.json")
    assert '-    "DISABLE_TELEMETRY": "1"' in file["edits"]
    assert '+    "DISABLE_TELEMETRY": "0"' in file["edits"]
    assert "Read(a)" in file["update"]
    assert "MINE" not in json.dumps(told)


def test_nothing_differs_right_after_an_install(capsys: Capture, source: Path) -> None:
    add(source)
    told = answer(capsys, "diff", "--exit-code")
    assert told["different"] is False
    assert {(one["edited"], one["outdated"]) for one in told["components"]} == {(False, False)}


@pytest.mark.parametrize("how", ["unlink", "crlf", "binary"])
def test_whatever_was_done_to_a_file_is_told(how: str, capsys: Capture, source: Path, project: Path) -> None:
    add(source, "--agent", "a")
    path = project / ".claude/agents/a.md"
    if how == "unlink":
        path.unlink()
    else:
        path.write_bytes(AGENT.replace("\n", "\r\n").encode() if how == "crlf" else b"\xff\0")
    capsys.readouterr()
    assert run_cli(["diff", "--exit-code"]) == 1
    words = {"unlink": "you deleted it", "crlf": "only line ends differ", "binary": "it is no text"}
    assert words[how] in capsys.readouterr().out


def test_taken_out_entries_and_edited_hooks_are_told(capsys: Capture, source: Path, project: Path) -> None:
    add(source, "--setting", "s", "--hook", "h")
    path = project / ".claude/settings.json"
    text = path.read_text().replace("/.claude/hooks/h.py", "/.claude/hooks/h.py --fast").replace('"Read(a)"', "")
    path.write_text(text)
    told = {one["kind"]: one for one in answer(capsys, "diff", "--local")["components"]}
    assert "--fast" in told["hook"]["files"][0]["edits"]
    assert 'Read(a)"' in told["setting"]["files"][0]["edits"]


def test_a_settings_file_that_cannot_be_read_any_more_is_a_problem_of_its_own(
    capsys: Capture, source: Path, project: Path
) -> None:
    add(source)
    (project / ".claude/settings.json").write_text("{")
    told = {(one["kind"], one["name"]): one for one in answer(capsys, "diff", "--local")["components"]}
    assert "settings.json" in told["setting", "x/s"]["problem"]
    assert told["agent", "x/a"]["problem"] is None


def test_without_the_copy_of_what_was_installed_it_says_so(
    capsys: Capture, source: Path, project: Path, home: Path
) -> None:
    add(source, "--agent", "a")
    shutil.rmtree(home / ".local/share/cct-cloudflare/packages")
    assert run_cli(["diff", "--exit-code"]) == 0, "its hash is known"
    (project / ".claude/agents/a.md").write_text("mine")
    capsys.readouterr()
    assert run_cli(["diff", "--exit-code"]) == 1
    assert "not known on this machine" in capsys.readouterr().out


def test_local_and_a_source_contradict_each_other(capsys: Capture) -> None:
    assert answer(capsys, "diff", "--local", "--from", "bundled", code=2)["errorCode"] == "usage"
