"""`cct list`, `cct search`, `cct show`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.catalog import bundled_catalog
from cct_cloudflare.cli import listing
from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.components.model import Kind
from cct_cloudflare.install.lockfile import LOCK_NAME, Lock, Locked, Scope
from tests.catalog.trees import agents
from tests.components.trees import write_tree

Capture = pytest.CaptureFixture[str]
pytestmark = pytest.mark.usefixtures("project")


def install(project: Path, *refs: tuple[Kind, str]) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    components = tuple(Locked(kind, name, "bundled", None, digest, Scope.PROJECT) for kind, name in refs)
    (project / ".claude").mkdir(exist_ok=True)
    (project / ".claude" / LOCK_NAME).write_bytes(Lock(components).to_bytes())


def answer(capsys: Capture, *argv: str) -> Any:
    assert run_cli([*argv, "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def refused(capsys: Capture, *argv: str) -> Any:
    assert run_cli([*argv, "--json"]) == 2
    return json.loads(capsys.readouterr().out)


def test_the_kinds_are_all_kinds() -> None:
    assert tuple(Kind) == listing.KINDS


def test_list_has_the_whole_catalog(capsys: Capture, project: Path) -> None:
    install(project, (Kind.AGENT, "development-team/frontend-developer"))
    items = answer(capsys, "list")["items"]
    assert len(items) == len(bundled_catalog().items())
    assert all(set(item) == {"kind", "name", "description", "source", "installed"} for item in items)
    assert {item["kind"] for item in items} == set(Kind)
    assert [item["name"] for item in items if item["installed"]] == ["development-team/frontend-developer"]


def test_list_installed_has_what_the_lock_and_the_project_have(capsys: Capture, project: Path) -> None:
    assert answer(capsys, "list", "--installed") == {"items": []}
    install(project, (Kind.AGENT, "development-team/frontend-developer"), (Kind.MCP, "devtools/github"))
    write_tree(project / ".claude", agents("mine"))
    items = answer(capsys, "list", "--installed")["items"]
    assert [(item["kind"], item["name"], item["source"]) for item in items] == [
        ("agent", "mine", "project"),
        ("agent", "development-team/frontend-developer", "bundled"),
        ("mcp", "devtools/github", "bundled"),
    ]
    assert all(item["installed"] and item["description"] for item in items)


def test_list_takes_a_kind_a_category_and_a_source(capsys: Capture, tmp_path: Path) -> None:
    hooks = answer(capsys, "list", "--kind", "hook", "--category", "git")["items"]
    assert {item["name"] for item in hooks} >= {"git/guard-main", "git/no-verify"}
    assert {(item["kind"], item["name"].partition("/")[0]) for item in hooks} == {("hook", "git")}
    write_tree(tmp_path / "ours", agents("x/y"))
    assert [item["name"] for item in answer(capsys, "list", "--from", "../ours")["items"]] == ["x/y"]
    assert answer(capsys, "list", "--from", "project")["items"] == []


def test_list_is_a_table_for_people(capsys: Capture, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run_cli(["list", "--kind", "mcp"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["KIND", "NAME", "SOURCE", "DESCRIPTION"]
    assert all(len(line) <= 80 for line in lines)
    install(project, (Kind.MCP, "devtools/github"))
    assert run_cli(["list", "--kind", "mcp"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "INSTALLED" in lines[0]
    assert [line.split()[2] for line in lines if "devtools/github" in line] == ["project"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["list", "--installed"], "Nothing is installed here."),
        (["list", "--category", "none"], "No component is like that."),
        (["list", "--installed", "--kind", "hook"], "No component is like that."),
        (["search", "qqqqqqqqqq"], "No component is found by these words."),
    ],
)
def test_nothing_is_said_beside_the_answer(argv: list[str], said: str, capsys: Capture, project: Path) -> None:
    assert run_cli(argv) == 0
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith(said)
    assert answer(capsys, *argv) == {"items": []}
    assert list(project.iterdir()) == []


def test_a_component_cannot_steer_the_terminal(capsys: Capture, project: Path) -> None:
    text = "---\ndescription: a\x9b2Jb\n---\nbody \x1b]0;title\x07\u202eevil\r\n\x1b[2J end\n"
    write_tree(project / ".claude", {"agents/a.md": text})
    for argv in (["list", "--installed"], ["search", "a", "--from", "project"], ["show", "agent", "a"]):
        assert run_cli(argv) == 0
        out = capsys.readouterr().out
        assert not {"\x1b", "\x9b", "\x07", "\u202e", "\r"} & set(out)
    assert answer(capsys, "show", "agent", "a")["text"] == text


def test_search_ranks_limits_and_forgives(capsys: Capture) -> None:
    items = answer(capsys, "search", "frontedn", "developer")["items"]
    assert items[0]["name"] == "development-team/frontend-developer"
    assert set(items[0]) == {"kind", "name", "description", "source", "installed"}
    assert len(answer(capsys, "search", "use")["items"]) == 20
    assert len(answer(capsys, "search", "developer", "--limit", "3")["items"]) == 3
    assert {item["kind"] for item in answer(capsys, "search", "git", "--kind", "hook")["items"]} == {"hook"}
    assert run_cli(["search", "developer", "--limit", "1"]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2 and "--limit shows more" in captured.err


def test_show_has_everything_of_a_component(capsys: Capture, project: Path) -> None:
    install(project, (Kind.HOOK, "git/guard-main"))
    shown = answer(capsys, "show", "hook", "guard-main")
    assert (shown["kind"], shown["name"], shown["source"]) == ("hook", "git/guard-main", "bundled")
    assert shown["installed"] is True and shown["scope"] == "project"
    assert [file["path"] for file in shown["files"]] == ["guard-main.json", "guard-main.py"]
    assert json.loads(shown["text"])["hooks"]
    assert "guard-main.py" in shown["effects"]["commands"][0]["line"]
    assert shown["risks"]
    assert run_cli(["show", "hook/git/guard-main"]) == 0
    out = capsys.readouterr().out
    assert shown["effects"]["commands"][0]["line"] in out
    assert shown["text"].strip() in out
    assert "guard-main.py (" in out


def test_show_a_skill_has_its_tree(capsys: Capture) -> None:
    assert run_cli(["show", "skill", "bisect"]) == 0
    out = capsys.readouterr().out
    assert "scripts/verdict.py" in out and "# " in out


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["show", "agent"], "usage", "name of the agent"),
        (["show", "nothing", "x"], "usage", "no kind of component"),
        (["show", "\x1b[2J", "x"], "usage", "no kind of component"),
        (["show", "agent", "../x"], "component_invalid", "name of a component"),
        (["show", "agent", "pyton"], "component_not_found", "pyton"),
        (["show", "agent", "x", "--from", "gone/folder"], "usage", "gone"),
        (["list", "--kind", "thing"], "usage", "thing"),
        (["list", "--directory", "gone"], "usage", "gone"),
        (["search"], "usage", "QUERY"),
        (["search", "x", "--limit", "0"], "usage", "limit"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(
    argv: list[str], code: str, said: str, capsys: Capture, project: Path
) -> None:
    error = refused(capsys, *argv)
    assert error["errorCode"] == code
    assert said in error["error"]
    assert list(project.iterdir()) == []


def test_one_name_in_two_sources_is_told_apart_by_the_source(capsys: Capture, project: Path) -> None:
    write_tree(project / ".claude", {"agents/frontend-developer.md": "mine"})
    error = refused(capsys, "show", "agent", "frontend-developer")
    assert error["errorCode"] == "component_ambiguous"
    assert "--from project" in error["hint"]
    assert answer(capsys, "show", "agent", "frontend-developer", "--from", "project")["text"] == "mine"
    shown = answer(capsys, "show", "agent", "frontend-developer", "--from", "bundled")
    assert shown["source"] == "bundled" and shown["installed"] is False


def test_a_lock_that_cannot_be_used_is_named(capsys: Capture, project: Path) -> None:
    write_tree(project, {".claude/cct.lock": "{"})
    assert run_cli(["list"]) == 3
    assert "cct.lock" in capsys.readouterr().err
