"""`cct validate`: which files it checks, and the command itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.components.model import Kind
from cct_cloudflare.validation.check import validate
from tests.validation.checking import (
    AGENT,
    SKILL,
    check,
    here,
    said,
    write,
)
from tests.validation.test_laws import anything

__all__ = ["here"]


def test_a_tree_in_which_nothing_is_wrong() -> None:
    report = check(
        {
            "agents/a/thing.md": AGENT,
            "commands/thing-too.md": "Do it.\n",
            "skills/s/thing/SKILL.md": SKILL + "Run `scripts/a.py`; see [more](references/b.md#top).\n",
            "skills/s/thing/scripts/a.py": "print()\n",
            "skills/s/thing/references/b.md": "More.\n",
            "skills/s/thing/logo.png": b"\x89PNG\x00",
            "settings/p/x.json": '{"description": "d", "permissions": {"deny": ["Read(.env)"]}}',
            "hooks/h/x.json": json.dumps(
                {
                    "description": "d",
                    "hooks": {
                        "PreToolUse": [
                            {
                                "matcher": "Bash|mcp__x__.*",
                                "hooks": [
                                    {
                                        "type": "command",
                                        "command": "python3 .claude/hooks/x.py",
                                        "timeout": 5,
                                        "async": True,
                                    },
                                    {"type": "http", "url": "https://x.test", "headers": {"A": "b"}},
                                    {"type": "mcp_tool", "server": "a", "tool": "b", "input": {}},
                                    {"type": "prompt", "prompt": "p", "model": "haiku"},
                                    {"type": "agent", "prompt": "p"},
                                ],
                            }
                        ]
                    },
                }
            ),
            "hooks/h/x.py": "print()\n",
            "mcps/m/x.json": '{"description": "d", "mcpServers": {"x": {"type": "http", "url": "https://x.test/mcp"}}}',
            "README.md": "Nothing to check.\n",
            "agents/README.md": "No agent.\n",
        }
    )
    assert said(report) == []
    assert report.checked == 6


def test_files_that_cannot_be_read(here: Path) -> None:
    write(
        {
            "agents/big.md": AGENT + "x" * 300_000,
            "agents/latin.md": b"---\nname: \xff\n---\n",
            "agents/nulls.md": b"a\0b",
        }
    )
    (here / "agents/pipe.md").symlink_to("/dev/zero")
    report = validate([Path("agents")])
    assert said(report) == [f"agents/{name}.md:0: error: unreadable" for name in ("big", "latin", "nulls", "pipe")]


def test_names_that_are_one_name_and_names_that_cannot_be_asked_for() -> None:
    report = check({"agents/a/Thing.md": AGENT, "agents/a/thing.md": AGENT, "agents/b/thing.md": AGENT})
    assert [(f.rule, f.message) for f in report.findings] == [
        ("duplicate-name", "a/thing and a/Thing are one name where case or Unicode form does not count"),
        ("duplicate-leaf", "agent b/thing and agent a/thing would be installed under one name"),
    ]
    report = check({"commands/caf\u00e9.md": "x\n", "commands/cafe\u0301.md": "x\n"}, "commands")
    assert [f.rule for f in report.findings] == ["duplicate-name"]
    report = check(
        {"commands/x.md": "x\n", "commands/con.md": "x\n", "skills/x/SKILL.md": SKILL.replace("thing", "x") + "x\n"}
    )
    rules = {(f.path, f.rule) for f in report.findings}
    assert {("commands/con.md", "name"), ("skills/x/SKILL.md", "duplicate-leaf")} <= rules


def test_a_project_is_checked_with_its_settings_and_servers() -> None:
    report = check(
        {
            ".claude/agents/thing.md": AGENT,
            ".claude/settings.json": '{"permissions": {"allow": ["Bash()"]}, "statusLine": {"type": "command", '
            '"command": ".claude/scripts/line.sh; .claude/hooks/gone.py"}}',
            ".claude/settings.local.json": "{}\n",
            ".claude/scripts/line.sh": "",
            ".claude/hooks/config.json": "not a component",
            ".mcp.json": '{"mcpServers": {"x": {"command": ""}}}',
        }
    )
    assert said(report) == [
        ".claude/settings.json:1: error: missing-file",
        ".claude/settings.json:1: error: permission-rule",
        ".claude/settings.json:1: warning: permission-any-command",
        ".mcp.json:1: error: mcp-value",
    ]
    assert report.checked == 4


def test_what_claude_code_reads_itself_has_no_comments() -> None:
    """`tests/claude` has the client say that it does not take them."""
    report = check(
        {
            ".claude/settings.json": '{\n  // mine\n  "model": "opus"\n}\n',
            ".claude/settings.local.json": '\ufeff{"model": "opus"}\r\n',
            ".mcp.json": '{\n  "mcpServers": {},\n}\n',
        }
    )
    assert said(report) == [".claude/settings.json:2: error: json-plain", ".mcp.json:3: error: json-plain"]
    commented = check({"settings/x.json": '{\n  "description": "d", // mine\n  "model": "opus",\n}\n'}, "settings")
    assert said(commented) == []


def test_a_file_is_known_by_its_folder_its_name_its_content_or_what_is_said_of_it() -> None:
    write(
        {
            "agents/a/b/thing.md": AGENT,
            "x/thing/SKILL.md": SKILL + "Go.\n",
            "y/servers.json": '{"mcpServers": {}}',
            "y/hooks.json": '{"hooks": {}}',
            "y/draft.md": "text\n",
        }
    )
    for name in ("agents/a/b/thing.md", "x/thing", "x/thing/SKILL.md"):
        assert validate([Path(name)]).findings == ()
    assert [f.rule for f in validate([Path("y/servers.json")]).findings] == ["description"]
    assert [f.rule for f in validate([Path("y/hooks.json")]).findings] == ["description"]
    assert [f.rule for f in validate([Path("y/draft.md")], Kind.AGENT).findings] == ["frontmatter-missing"]
    assert validate([Path("y")], Kind.COMMAND).checked == 1


def test_links_that_lead_in_a_circle_end(here: Path) -> None:
    write({"skills/thing/SKILL.md": SKILL + "Go.\n", "agents/thing.md": AGENT})
    (here / "skills/thing/again").symlink_to(here / "skills")
    (here / "agents/again").symlink_to(here / "agents")
    assert validate([Path()]).checked == 2


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(value=anything, folder=st.sampled_from(["settings", "hooks", "mcps"]))
def test_no_json_makes_it_fail(tmp_path_factory: pytest.TempPathFactory, value: Any, folder: str) -> None:
    file = tmp_path_factory.getbasetemp() / folder / "x.json"
    file.parent.mkdir(exist_ok=True)
    for shape in (value, {"hooks": value, "permissions": value, "env": value, "mcpServers": {"x": value}}):
        file.write_text(json.dumps(shape))
        assert all(f.message.isprintable() and f.path.isprintable() for f in validate([file]).findings)


def run(argv: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = run_cli(["validate", *argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_command_prints_a_line_for_each_problem(capsys: pytest.CaptureFixture[str]) -> None:
    write({"agents/thing.md": AGENT.replace("name: thing", "name: other")})
    line = "agents/thing.md:2: warning: is called other, and its file thing (name-mismatch)\n"
    assert run([], capsys) == (0, line, "1 file checked: 0 errors, 1 warning.\n")
    assert run(["agents", "--strict"], capsys) == (2, line, "1 file checked: 0 errors, 1 warning.\n")
    write({"agents/thing.md": "x\n"})
    code, out, err = run(["agents/thing.md"], capsys)
    assert (code, err) == (2, "1 file checked: 1 error, 0 warnings.\n")
    assert out.endswith("(frontmatter-missing)\n")


def test_the_command_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    write({"agents/thing.md": AGENT + "\x1b[2J\n"})
    code, out, err = run(["--json"], capsys)
    assert (code, err) == (2, "")
    assert json.loads(out) == {
        "success": False,
        "errorCode": "component_invalid",
        "checked": 1,
        "errors": 1,
        "warnings": 0,
        "findings": [
            {
                "path": "agents/thing.md",
                "line": 6,
                "level": "error",
                "message": "has a control character (U+001B)",
                "rule": "control-character",
            }
        ],
    }
    write({"agents/thing.md": AGENT})
    code, out, _ = run(["--json", "--strict"], capsys)
    assert (code, json.loads(out)) == (
        0,
        {"success": True, "errorCode": None, "checked": 1, "errors": 0, "warnings": 0, "findings": []},
    )


def test_a_file_s_name_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    write({"agents/a\x1b[2J\u202e.md": AGENT})
    code, out, _ = run(["--no-color"], capsys)
    assert code == 2
    assert out.startswith("agents/a\\u001b[2J\\u202e.md: error: a\\u001b[2J\\u202e cannot be the name")


@pytest.mark.parametrize(
    ("argv", "code", "hint"),
    [
        (["empty"], "component_not_found", "agents/"),
        (["draft.md"], "usage", "--kind"),
        (["broken.json"], "usage", "--kind"),
        (["gone"], "usage", "--help"),
    ],
)
def test_nothing_to_check_is_a_usage_error(
    argv: list[str], code: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    write({"draft.md": "x\n", "broken.json": "{"})
    status, out, err = run([*argv, "--json"], capsys)
    assert (status, err) == (2, "")
    assert json.loads(out)["errorCode"] == code
    assert hint in json.loads(out)["hint"]
