"""What every bundled hook promises: its form, its command line, and how it fails."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.components.hooks.calls import HOOKS, NAMES, Fire, environment, fire, install, script, specification
from tests.components.readme import rows

# A guard that cannot look at a call blocks it; everything else lets work go on.
CLOSED = {
    "git/guard-main",
    "git/no-verify",
    "git/keep-work",
    "safety/dangerous-commands",
    "safety/protect-paths",
    "secrets/scan-edits",
}
# The events of Claude Code 2.1.330 that these hooks use.
EVENTS = {"PreToolUse", "PostToolUse", "PostToolUseFailure", "Stop", "SessionStart", "Notification"}
TOOLS = {"Bash", "Monitor", "Edit", "Write", "NotebookEdit"}
GROUPS = [
    (name, event, group) for name in NAMES for event, groups in specification(name)["hooks"].items() for group in groups
]


def test_the_catalog_has_what_the_documentation_names() -> None:
    assert len(NAMES) >= 10
    assert "git/guard-main" in NAMES
    assert set(NAMES) >= CLOSED
    assert len({name.rpartition("/")[2] for name in NAMES}) == len(NAMES), "side files lie in one folder"


def test_the_readme_lists_exactly_the_hooks() -> None:
    listed = rows("Hooks")
    assert sorted(name for name, *_ in listed) == NAMES
    assert all(len(reason) >= 20 for *_, reason in listed)
    for name, when, _ in listed:
        assert all(event in when for event in specification(name)["hooks"])
        assert ("closed" in when) == (name in CLOSED)


def test_every_file_belongs_to_a_hook() -> None:
    files = {path.relative_to(HOOKS).as_posix() for path in HOOKS.rglob("*") if path.is_file()}
    assert {path for path in files if "__pycache__" not in path} == {
        f"{name}{end}" for name in NAMES for end in (".json", ".py")
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_specification_is_well_made(name: str) -> None:
    text = (HOOKS / f"{name}.json").read_text(encoding="utf-8")
    loaded = specification(name)
    assert text == json.dumps(loaded, indent=2, ensure_ascii=False) + "\n"
    assert set(loaded) == {"description", "hooks"}
    assert 40 <= len(loaded["description"]) <= 250 and loaded["description"].isprintable()
    assert set(loaded["hooks"]) <= EVENTS


@pytest.mark.parametrize(("name", "event", "group"), GROUPS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_command_line_runs_its_own_script(name: str, event: str, group: dict[str, Any]) -> None:
    (hook,) = group["hooks"]
    assert set(group) <= {"matcher", "hooks"} and set(hook) == {"type", "command", "timeout"}
    assert hook["type"] == "command" and 0 < hook["timeout"] <= 180
    ending = "2" if name in CLOSED else "1"
    leaf = re.escape(script(name).name)
    assert re.fullmatch(
        rf'python3 -IS "\$CLAUDE_PROJECT_DIR"/\.claude/hooks/{leaf}( [a-z ]+)? \|\| exit {ending}', hook["command"]
    )
    if "Tool" in event:
        assert set(str(group["matcher"]).split("|")) <= TOOLS


@pytest.mark.parametrize("name", NAMES)
def test_a_script_needs_nothing_but_an_old_python(name: str) -> None:
    text = script(name).read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 9))  # what macOS brings along
    assert ast.get_docstring(tree)
    imported = {
        module.split(".")[0]
        for node in ast.walk(tree)
        for module in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [getattr(node, "module", "") or ""]
        )
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= sys.stdlib_module_names
    assert not imported & {"socket", "ssl", "urllib", "http", "ftplib", "smtplib", "asyncio", "pickle", "ctypes"}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__"}
    assert "shell=True" not in text and "os.system" not in text and "os.popen" not in text
    assert max(map(len, text.splitlines())) <= 200


BAD = {
    "no JSON": b"{",
    "not UTF-8": b'{"tool_input": "\xff"}',
    "an array": b"[]",
    "no input": b"{}",
    "a command that is none": b'{"cwd": "/", "tool_input": {"command": {"a": 1}, "file_path": 1, "content": 1}}',
    "nested without end": b'{"tool_input":' + b"[" * 100_000,
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_read_blocks_where_a_guard_stands(name: str, kind: str, home: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-IS", script(name)], input=BAD[kind], cwd=tmp_path, env=environment(home), capture_output=True
    )
    assert b"Traceback" not in done.stderr
    if name not in CLOSED:
        assert done.returncode in (0, 1) and b"decision" not in done.stdout
    elif not (name == "secrets/scan-edits" and kind == "a command that is none"):
        assert done.returncode == 2 and done.stderr.startswith(script(name).stem.encode() + b": ")


@pytest.mark.parametrize(
    ("name", "status"), [("git/guard-main", 2), ("quality/lint-on-edit", 1), ("testing/run-related-tests", 1)]
)
def test_a_script_that_is_gone_blocks_where_a_guard_stands(name: str, status: int, project: Path, home: Path) -> None:
    (event,) = specification(name)["hooks"]
    assert fire(name, event, {}, project, home).status == status


@pytest.mark.parametrize("name", ["git/guard-main", "context/project-summary"])
def test_nothing_is_imported_from_the_project(name: str, ask: Fire, project: Path) -> None:
    install(name, project)
    for module in ("json.py", "re.py", "os.py", "subprocess.py", "sitecustomize.py"):
        (project / module).write_text("raise SystemExit(9)\n")
        (project / ".claude/hooks" / module).write_text("raise SystemExit(9)\n")
    (event,) = specification(name)["hooks"]
    answer = ask(
        name,
        event,
        {"tool_name": "Bash", "tool_input": {"command": "ls"}} if "git" in name else {},
        PYTHONPATH=str(project),
    )
    assert answer.status == 0


@pytest.mark.parametrize(
    "name", ["git/guard-main", "git/no-verify", "git/keep-work", "safety/dangerous-commands", "audit/command-log"]
)
def test_a_huge_command_gets_an_answer(name: str, ask: Fire) -> None:
    event = next(iter(specification(name)["hooks"]))
    answer = ask(name, event, {"tool_name": "Bash", "tool_input": {"command": "echo " + "curl git a " * 100_000}})
    assert answer.status == 0
