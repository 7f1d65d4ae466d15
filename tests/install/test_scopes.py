"""Where components go: the project, this user's part of it, the user's own folder."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cct_cloudflare.errors import CctError, Exit, UsageError
from cct_cloudflare.install.lockfile import Scope, read_lock, read_lock_file
from cct_cloudflare.install.site import Site
from tests.install.trees import add, bundled, package, remove, tree, write_tree


def statusline(command: str) -> dict[str, object]:
    return {"statusLine": {"type": "command", "command": command}}


def test_every_kind_goes_where_claude_code_reads_it(tmp_path: Path) -> None:
    add(
        tmp_path,
        package("agent", "deep/down/a", "A\n"),
        package("command", "c", "C\n"),
        package("skill", "x/s", "S\n", data__x_bin=b"\x00\xff\r\n"),
        package("setting", "x/e", {"description": "…", "env": {"A": "1"}}),
        package("hook", "x/h", {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}}, h_py="1"),
        package("mcp", "x/m", {"mcpServers": {"m": {"command": "x", "description": "…"}}}),
    )
    assert {path for path in tree(tmp_path) if not path.endswith("/")} == {
        ".claude/agents/a.md",
        ".claude/commands/c.md",
        ".claude/skills/s/SKILL.md",
        ".claude/skills/s/data/x.bin",
        ".claude/settings.json",
        ".claude/hooks/h.py",
        ".mcp.json",
        ".claude/cct.lock",
    }
    assert (tmp_path / ".claude/skills/s/data/x.bin").read_bytes() == b"\x00\xff\r\n"
    assert json.loads((tmp_path / ".mcp.json").read_text()) == {"mcpServers": {"m": {"command": "x"}}}


def test_the_local_scope_is_for_settings_and_hooks(tmp_path: Path) -> None:
    add(tmp_path, package("setting", "x/e", {"env": {"A": "1"}}), package("agent", "x/a", "A\n"), scope="local")
    assert (tmp_path / ".claude/settings.local.json").exists()
    assert not (tmp_path / ".claude/settings.json").exists()
    assert [locked.scope for locked in read_lock(tmp_path).components] == [Scope.PROJECT, Scope.LOCAL]


@pytest.mark.parametrize("named", [False, True])
def test_the_user_scope_is_the_users_folder(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    folder = home / "my config" if named else home / ".claude"
    if named:
        monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(folder))
    before = tree(home)
    packages = bundled("agent/quality/code-reviewer", "skill/testing/playwright", "hook/git/guard-main")
    add(tmp_path, *packages, scope="user")
    assert tree(tmp_path) == {}
    assert (folder / "agents/code-reviewer.md").exists()
    assert (folder / "skills/playwright/SKILL.md").exists()
    assert len(read_lock_file(folder / "cct.lock").components) == 3
    settings = json.loads((folder / "settings.json").read_text())
    command = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    assert "CLAUDE_PROJECT_DIR" not in command
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    event = {"tool_name": "Bash", "tool_input": {"command": "git push origin main"}, "cwd": str(tmp_path)}
    ran = subprocess.run(
        ["/bin/sh", "-c", command],
        input=json.dumps(event),
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert ran.returncode == 2
    assert "main" in ran.stderr
    remove(tmp_path, *(each.item.ref for each in packages), scope="user")
    state = {path for path in tree(home) if path.startswith(".local/")}
    assert {path: value for path, value in tree(home).items() if path not in state} == before


def test_a_server_for_the_user_is_refused(tmp_path: Path, home: Path) -> None:
    with pytest.raises(UsageError) as refused:
        add(tmp_path, package("mcp", "x/m", {"mcpServers": {"m": {"command": "x"}}}), scope="user")
    assert "claude mcp add --scope user" in refused.value.hint
    assert not (home / ".claude").exists()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ('python3 "$CLAUDE_PROJECT_DIR"/.claude/hooks/h.py x', 'python3 "$HOME"/.claude/hooks/h.py x'),
        ('python3 "${CLAUDE_PROJECT_DIR}"/.claude/hooks/h.py', 'python3 "$HOME"/.claude/hooks/h.py'),
        ('python3 "$CLAUDE_PROJECT_DIR/.claude/hooks/h.py"', 'python3 "$HOME/.claude/hooks/h.py"'),
        ("python3 $CLAUDE_PROJECT_DIR/.claude/hooks/h.py", 'python3 "$HOME"/.claude/hooks/h.py'),
        ("python3 .claude/hooks/h.py", 'python3 "$HOME"/.claude/hooks/h.py'),
        ("./.claude/hooks/h.py; echo", '"$HOME"/.claude/hooks/h.py; echo'),
        (
            'a && "$CLAUDE_PROJECT_DIR"/.claude/hooks/h.py || .claude/hooks/h.py',
            'a && "$HOME"/.claude/hooks/h.py || "$HOME"/.claude/hooks/h.py',
        ),
        ('cat "$CLAUDE_PROJECT_DIR"/README.md', 'cat "$CLAUDE_PROJECT_DIR"/README.md'),
    ],
)
def test_command_lines_name_the_users_folder(tmp_path: Path, home: Path, command: str, expected: str) -> None:
    hooks = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}}
    add(tmp_path, package("hook", "x/h", hooks, h_py="1"), scope="user")
    settings = json.loads((home / ".claude/settings.json").read_text())
    assert settings["hooks"]["Stop"][0]["hooks"][0]["command"] == expected


@pytest.mark.parametrize(
    "command",
    [
        "sh -c '.claude/hooks/h.py'",
        "sh -c '\"$CLAUDE_PROJECT_DIR\"/.claude/hooks/h.py'",
        "python3 /srv/project/.claude/hooks/h.py",
        "cd .claude && python3 hooks/h.py",
        "python3 $(git rev-parse --show-toplevel)/.claude/hooks/h.py",
    ],
)
def test_a_command_line_that_cannot_be_changed_safely_is_refused(tmp_path: Path, home: Path, command: str) -> None:
    hooks = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}}
    with pytest.raises(UsageError, match="cannot be changed safely"):
        add(tmp_path, package("hook", "x/h", hooks, h_py="1"), scope="user")
    assert not (home / ".claude").exists()


def test_a_script_goes_where_its_command_line_looks_for_it(tmp_path: Path) -> None:
    add(
        tmp_path,
        package("setting", "x/a", statusline('python3 "$CLAUDE_PROJECT_DIR"/.claude/scripts/a.py'), a_py="1"),
        package("hook", "x/b", {"hooks": {"Stop": [{"hooks": [{"command": ".claude/scripts/b.sh"}]}]}}, b_sh="1"),
        package("hook", "x/c", {"hooks": {"Stop": [{"hooks": [{"command": "else"}]}]}}, c_sh="1"),
    )
    files = {path for path in tree(tmp_path) if path.endswith((".py", ".sh"))}
    assert files == {".claude/scripts/a.py", ".claude/scripts/b.sh", ".claude/hooks/c.sh"}


def test_approval_of_a_server_is_asked_for_owned_and_taken_back(tmp_path: Path) -> None:
    local = '{\n  "enabledMcpjsonServers": ["mine"]\n}\n'
    write_tree(tmp_path, {".claude/settings.local.json": local})
    github = package("mcp", "x/github", {"mcpServers": {"github": {"command": "x"}}})
    add(tmp_path, github)
    assert (tmp_path / ".claude/settings.local.json").read_text() == local
    add(tmp_path, github, approve=True)
    settings = json.loads((tmp_path / ".claude/settings.local.json").read_text())
    assert settings == {"enabledMcpjsonServers": ["mine", "github"]}
    add(tmp_path, github)  # what was approved stays so
    assert json.loads((tmp_path / ".claude/settings.local.json").read_text()) == settings
    remove(tmp_path, "mcp/github")
    assert (tmp_path / ".claude/settings.local.json").read_text() == local


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX modes")
def test_only_a_skill_keeps_the_executable_bit(tmp_path: Path) -> None:
    from dataclasses import replace

    skill = replace(package("skill", "x/s", "S\n", run_sh="1", read_txt="1"), executable=frozenset({"run.sh"}))
    hook = package("hook", "x/h", {"hooks": {"Stop": [{"hooks": [{"command": "x"}]}]}}, h_sh="1")
    add(tmp_path, skill, replace(hook, executable=frozenset({"h.sh"})))
    modes = {path.name: bool(path.stat().st_mode & stat.S_IXUSR) for path in tmp_path.rglob("*.*") if path.is_file()}
    assert modes["run.sh"]
    assert not modes["read.txt"]
    assert not modes["h.sh"]


def test_the_project_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(CctError) as refused:
        Site.of_project(tmp_path / "none")
    assert refused.value.exit_code == Exit.USAGE
