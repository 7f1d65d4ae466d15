"""What `cct add` installs, seen by the real client."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from cct_cloudflare.scripted import ScriptedModel, ToolReply
from tests.claude.client import Claude
from tests.runtime import Cct

#: Needs bubblewrap, which not every machine has, and then ends the client.
LEFT_OUT = {"sandbox/enable"}

COMMIT = ToolReply("Commit this.", "Bash", {"command": "git commit -am change", "description": "Commits"}, "Not done.")

#: What servers of the catalog take from the environment.
REFERENCES = {"GITHUB_PERSONAL_ACCESS_TOKEN": "none", "DATABASE_URL": "sqlite://none"}


def catalog(cct: Cct) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cct("list", "--from", "bundled", "--json").json["items"]
    return [item for item in items if item["name"] not in LEFT_OUT]


def add(cct: Cct, items: list[dict[str, Any]], *argv: str) -> None:
    named = [word for item in items for word in (f"--{item['kind']}", item["name"])]
    added = cct("add", *named, *argv)
    assert added.code == 0, added.stderr


def make_repository(cct: Cct) -> None:
    """A git repository on its main branch, with something that can be committed."""
    (cct.project / "notes.txt").write_text("one\n")
    for words in (["init", "-b", "main"], ["add", "notes.txt"], ["commit", "-m", "first"]):
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *words],
            cwd=cct.project,
            env={**cct.environment, "GIT_CONFIG_NOSYSTEM": "1"},
            check=True,
            capture_output=True,
        )
    (cct.project / "notes.txt").write_text("two\n")


def leaves(items: list[dict[str, Any]], kind: str) -> set[str]:
    return {item["name"].rpartition("/")[2] for item in items if item["kind"] == kind}


def test_the_whole_catalog_is_there_and_in_force(cct: Cct, claude: Claude) -> None:
    items = catalog(cct)
    assert {item["kind"] for item in items} == {"agent", "command", "setting", "hook", "mcp", "skill"}
    make_repository(cct)
    add(cct, items, "--trust")
    claude.trust_folder()

    with ScriptedModel([COMMIT], pace=0) as model:
        talk = claude.talk(model, "Commit this.", env=REFERENCES)

    init = talk.init
    assert leaves(items, "agent") <= set(init["agents"])
    assert leaves(items, "command") <= set(init["slash_commands"])
    assert leaves(items, "skill") <= set(init["skills"])
    servers = set(json.loads((cct.project / ".mcp.json").read_text())["mcpServers"])
    assert len(servers) >= len(leaves(items, "mcp"))
    assert servers <= {server["name"] for server in init["mcp_servers"] if server["source"] == "project"}

    assert talk.stderr == "", "no setting is ignored, none is warned of"
    assert init["model"] == "claude-sonnet-5-5", "model/sonnet-default is in force"
    doctor = claude.run("doctor", env=REFERENCES)
    assert "Claude Code doctor" in doctor.stdout
    assert "Invalid settings" not in doctor.stdout, doctor.stdout

    [started] = talk.hooks("SessionStart")
    assert started["exit_code"] == 0
    assert "branch main" in started["stdout"]
    blocked = [hook for hook in talk.hooks("PreToolUse") if hook["exit_code"] == 2]
    assert blocked, "git/guard-main keeps commits off main"
    [told] = talk.tool_results
    assert "main" in told
    history = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"], cwd=cct.project, capture_output=True, text=True, check=True
    )
    assert history.stdout.strip() == "1"


def test_the_client_says_which_settings_it_does_not_take(cct: Cct, claude: Claude) -> None:
    """What the test above relies on."""
    (cct.project / ".claude").mkdir()
    (cct.project / ".claude" / "settings.json").write_text('{"model": 5, "permissions": {"allow": ["Read(x"]}}')
    assert "Invalid settings" in claude.run("doctor").stdout


@pytest.mark.parametrize("text", ['{"model": "opus"} // mine', '{"model": "opus",}'])
def test_the_client_takes_no_comments(cct: Cct, claude: Claude, text: str) -> None:
    """What `json-plain` of `cct validate` relies on."""
    (cct.project / ".claude").mkdir()
    (cct.project / ".claude" / "settings.json").write_text(text)
    assert "Invalid or malformed JSON" in claude.run("doctor").stdout
    assert cct("validate").code == 2


def test_servers_wait_for_approval_which_trust_gives_and_yes_does_not(cct: Cct, claude: Claude) -> None:
    claude.trust_folder()
    server = {"kind": "mcp", "name": "devtools/github"}

    add(cct, [server], "--yes")
    assert "Pending approval" in claude.run("mcp", "list", env=REFERENCES).stdout
    assert claude.wall.asked == [], "nothing is asked before"

    add(cct, [server], "--trust")
    listed = claude.run("mcp", "list", env=REFERENCES).stdout
    assert "github" in listed
    assert "Pending approval" not in listed
    assert set(claude.wall.asked) == {"api.githubcopilot.com:443"}

    assert cct("remove", "mcp/devtools/github", "--yes").code == 0
    assert cct.files() == {}
    assert "github" not in claude.run("mcp", "list", env=REFERENCES).stdout


def test_nothing_but_the_model_is_asked(cct: Cct, claude: Claude) -> None:
    quiet = [item for item in catalog(cct) if item["kind"] != "mcp"]
    add(cct, quiet, "--trust")
    with ScriptedModel([COMMIT], pace=0) as model:
        claude.talk(model, "Commit this.")
        assert model.requests
    assert claude.wall.asked == []
