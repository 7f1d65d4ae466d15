"""The plugin and the MCP server, used by the real client: it runs programs in the real sandbox."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cct_cloudflare import __version__
from cct_cloudflare.scripted import ScriptedModel, ToolReply
from tests.claude.client import Claude
from tests.runtime import CACHE, ROOT, Cct

PROGRAM = "print(6 * 7)\n"


def answered(model: ScriptedModel) -> str:
    """What the model was last asked, with all that the client put into it."""
    body = model.requests[-1].body
    assert body is not None
    return json.dumps(body["messages"])


@pytest.fixture
def marketplace(tmp_path: Path) -> Path:
    """What a checkout of this repository has for the client."""
    place = tmp_path / "marketplace"
    for name in (".claude-plugin", "plugin"):
        shutil.copytree(ROOT / name, place / name)
    return place


@pytest.mark.parametrize("path", [".", "plugin"])
def test_the_client_finds_nothing_wrong(claude: Claude, marketplace: Path, path: str) -> None:
    ended = claude.run("plugin", "validate", "--strict", str(marketplace / path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Validation passed" in ended.stdout


def test_its_version_is_this_ones() -> None:
    manifest = json.loads((ROOT / "plugin" / ".claude-plugin" / "plugin.json").read_text(encoding="utf-8"))
    assert manifest["version"] == __version__


def test_the_command_runs_a_program_in_the_sandbox(cct: Cct, claude: Claude, marketplace: Path) -> None:
    for words in (["marketplace", "add", str(marketplace)], ["install", "cct@cct-cloudflare"]):
        ended = claude.run("plugin", *words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    (cct.project / "main.py").write_text(PROGRAM)
    call = ToolReply(
        "Run this in the sandbox", "Bash", {"command": "cct run --json main.py", "description": "Runs it"}, "It is 42."
    )
    with ScriptedModel([call], pace=0) as model:
        talk = claude.talk(
            model,
            "/cct:sandbox main.py",
            "--allowedTools",
            "Bash(cct run --json *)",
            env={"XDG_CACHE_HOME": str(CACHE), "TMPDIR": str(cct.temporary)},
        )
    assert "cct:sandbox" in talk.init["slash_commands"]
    assert "cct:run-in-sandbox" in talk.init["skills"]
    assert talk.stderr == ""
    assert "`cct run --json`" in answered(model)
    [told] = talk.tool_results
    assert json.loads(told)["output"] == "42\n"
    assert talk.result["result"] == "It is 42."
    assert claude.wall.asked == []


def test_the_skill_can_be_read(claude: Claude, marketplace: Path) -> None:
    read = ToolReply("Try it out.", "Skill", {"skill": "cct:run-in-sandbox"}, "Read.")
    with ScriptedModel([read], pace=0) as model:
        claude.talk(model, "Try it out.", "--plugin-dir", str(marketplace / "plugin"))
    assert "No network at all" in answered(model)


def test_cct_mcp_serves_the_client(cct: Cct, claude: Claude) -> None:
    command, *argv = cct.command("mcp", "--no-history")
    servers = {"mcpServers": {"cct": {"command": command, "args": argv, "env": cct.environment}}}
    call = ToolReply(
        "Run it there.", "mcp__cct__run_program", {"files": [{"path": "main.py", "content": PROGRAM}]}, "It is 42."
    )
    with ScriptedModel([call], pace=0) as model:
        talk = claude.talk(
            model,
            "Run it there.",
            *("--strict-mcp-config", "--mcp-config", json.dumps(servers)),
            *("--allowedTools", "mcp__cct__run_program"),
            env={"MCP_CONNECTION_NONBLOCKING": "false"},
        )
    assert {server["name"]: server["status"] for server in talk.init["mcp_servers"]} == {"cct": "connected"}
    assert {tool for tool in talk.init["tools"] if tool.startswith("mcp__")} == {
        f"mcp__cct__{name}" for name in ("run_program", "ask_and_run", "list_components")
    }
    [told] = talk.tool_results
    assert json.loads(told)["output"] == "42\n"
    assert cct.left_behind() == []
