from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from cct_cloudflare.cli.main import run_cli

AGENT = "---\nname: {0}\ndescription: The agent {0}.\n---\n\nWork.\n"


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "upstream"
    (folder / "agents" / "a").mkdir(parents=True)
    (folder / "agents" / "a" / "one.md").write_text(AGENT.format("one"))
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "change")
    return git(folder, "rev-parse", "HEAD")


def answer(capsys: pytest.CaptureFixture[str], *argv: str, code: int = 0) -> dict[str, object]:
    assert run_cli([*argv, "--json"]) == code
    captured = capsys.readouterr()
    value = json.loads(captured.out)
    assert isinstance(value, dict)
    return value


def test_added_listed_updated_removed(upstream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = git(upstream, "rev-parse", "HEAD")
    assert run_cli(["registry", "add", "team", upstream.as_uri()]) == 0
    added = capsys.readouterr()
    assert "1 agent" in added.out
    assert old in added.out
    said, _, command = added.err.rpartition("cct ")
    assert "See what it has" in said
    assert run_cli(command.split()) == 0
    assert "a/one" in capsys.readouterr().out

    assert run_cli(["registry", "list"]) == 0
    assert old[:12] in capsys.readouterr().out

    (upstream / "agents" / "a" / "one.md").unlink()
    (upstream / "commands").mkdir()
    (upstream / "commands" / "go.md").write_text("# Go\n")
    new = commit(upstream)
    assert run_cli(["registry", "update"]) == 0
    shown = capsys.readouterr().out
    assert f"{old[:12]} → {new[:12]}" in shown
    assert "+ command/go" in shown
    assert "- agent/a/one" in shown

    assert run_cli(["registry", "update", "team"]) == 0
    assert "nothing new" in capsys.readouterr().out
    assert run_cli(["registry", "remove", "team"]) == 0
    capsys.readouterr()
    assert run_cli(["registry", "list"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "cct registry add" in captured.err


def test_with_json_there_is_one_object(upstream: Path, capsys: pytest.CaptureFixture[str]) -> None:
    revision = git(upstream, "rev-parse", "HEAD")
    facts = {"name": "team", "address": upstream.as_uri(), "ref": "main", "revision": revision}
    whole = {**facts, "layout": "components repository", "components": {"agents": 1}, "leftOut": []}
    added = answer(capsys, "registry", "add", "team", upstream.as_uri(), "--ref", "main")
    assert added == {"success": True, **whole}
    assert answer(capsys, "registry", "list") == {"registries": [{**facts, "components": {"agents": 1}}]}
    updated = answer(capsys, "registry", "update")
    nothing = {"success": True, **whole, "oldRevision": revision, "added": [], "removed": [], "refreshed": 0}
    assert updated == {"success": True, "registries": [nothing]}
    assert answer(capsys, "registry", "remove", "team") == {"success": True, "registry": facts}


def test_one_that_cannot_be_updated_does_not_stop_the_others(
    upstream: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder" / "agents").mkdir(parents=True)
    (tmp_path / "folder" / "agents" / "two.md").write_text(AGENT.format("two"))
    assert run_cli(["registry", "add", "team", upstream.as_uri()]) == 0
    assert run_cli(["registry", "add", "mine", str(tmp_path / "folder")]) == 0
    upstream.rename(tmp_path / "gone")
    capsys.readouterr()
    told = answer(capsys, "registry", "update", code=4)
    assert told["success"] is False
    entries = told["registries"]
    assert isinstance(entries, list)
    assert [entry["success"] for entry in entries] == [False, True]
    assert entries[0]["errorCode"] == "registry_unreachable"
    assert run_cli(["registry", "update"]) == 4
    captured = capsys.readouterr()
    assert "Hint:" in captured.err
    assert "mine" in captured.out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["registry", "add", "team", "no-such-folder"], "no folder"),
        (["registry", "add", "team", "http://example.com/x"], "not encrypted"),
        (["registry", "add", "bundled", "."], "another source"),
        (["registry", "add", "team", "https://tok-123@example.com/x"], "a token"),
        (["registry", "add", "team", ".", "--ref", "-x"], "-x"),
        (["registry", "add", "team"], "ADDRESS"),
        (["registry", "remove", "team"], "no registry"),
        (["registry", "update", "team"], "no registry"),
    ],
)
def test_usage_errors_change_nothing(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str], home: Path, tmp_path: Path
) -> None:
    assert run_cli(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "tok-123" not in captured.err
    assert not (home / ".config").exists()


def test_what_a_registry_says_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "market"
    (folder / ".claude-plugin").mkdir(parents=True)
    evil = {"name": "p", "source": {"source": "url", "url": "https://x/\x1b]0;title\x07\u202e"}}
    (folder / ".claude-plugin" / "marketplace.json").write_text(json.dumps({"plugins": [evil]}))
    assert run_cli(["registry", "add", "team", str(folder)]) == 0
    captured = capsys.readouterr()
    assert not set("\x1b\x07\u202e") & set(captured.out + captured.err)
