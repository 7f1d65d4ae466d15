"""`cct init` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cct_cloudflare.cli.init import init
from cct_cloudflare.errors import CctError, UsageError
from tests.scaffold.trees import read_tree, target


def run(*arguments: str) -> Result:
    return CliRunner().invoke(init, arguments, catch_exceptions=False)


def test_it_renders_and_says_so_on_stderr(tmp_path: Path) -> None:
    result = run("--directory", str(tmp_path), "--yes")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr.startswith(".claude/sandbox/cloudflare: ")
    assert (target(tmp_path) / "src/index.ts").is_file()
    assert run("--directory", str(tmp_path)).stderr == ".claude/sandbox/cloudflare: up to date.\n"


def test_the_current_folder_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run().exit_code == 0
    assert (target(tmp_path) / "wrangler.toml").is_file()


def test_a_dry_run_shows_a_tree_with_one_word_per_file_and_writes_nothing(tmp_path: Path) -> None:
    result = run("--directory", str(tmp_path), "--dry-run")
    assert list(tmp_path.iterdir()) == []
    lines = result.stdout.splitlines()
    assert lines[0] == ".claude/sandbox/cloudflare/"
    assert all(line.endswith(("create", "/")) for line in lines)
    assert any(line.startswith("└── wrangler.toml ") for line in lines)
    assert "not written" in result.stderr


def test_edits_are_named_and_force_replaces_them(tmp_path: Path) -> None:
    run("--directory", str(tmp_path))
    (target(tmp_path) / "wrangler.toml").write_text("mine")
    assert "wrangler.toml was edited by you: kept." in run("--directory", str(tmp_path)).stderr
    assert "overwrite" in run("--directory", str(tmp_path), "--force", "--dry-run").stdout
    assert "yours in .cct-backup/" in run("--directory", str(tmp_path), "--force").stderr
    assert "wrangler.toml" not in run("--directory", str(tmp_path)).stderr


def test_json_is_one_object_on_stdout(tmp_path: Path) -> None:
    result = run("--directory", str(tmp_path), "--name", "my-worker", "--json")
    answer = json.loads(result.stdout)
    assert result.stderr == ""
    assert answer["success"] is True
    assert answer["dryRun"] is False
    assert answer["name"] == "my-worker"
    assert answer["directory"] == str(target(tmp_path.resolve()))
    assert {"path": "wrangler.toml", "action": "create"} in answer["files"]
    assert sorted(file["path"] for file in answer["files"]) == sorted(read_tree(target(tmp_path)))


def test_choices_are_options_and_show_in_the_answer(tmp_path: Path) -> None:
    chosen = ("--model", "opus", "--allowed-origin", "https://a.example", "--allowed-origin", "http://localhost:3000")
    answer = json.loads(run("--directory", str(tmp_path), *chosen, "--with-container", "--json").stdout)
    assert answer["model"] == "opus"
    assert answer["allowedOrigins"] == ["https://a.example", "http://localhost:3000"]
    assert answer["container"] is True
    assert (target(tmp_path) / "Dockerfile").is_file()
    taken_back = ("--model", "default", "--allowed-origin", "none", "--without-container")
    answer = json.loads(run("--directory", str(tmp_path), *taken_back, "--json").stdout)
    assert (answer["model"], answer["allowedOrigins"], answer["container"]) == (None, [], False)
    assert not (target(tmp_path) / "Dockerfile").exists()


def test_a_note_is_shown(tmp_path: Path) -> None:
    assert "does not know the model new-model" in run("--directory", str(tmp_path), "--model", "new-model").stderr


@pytest.mark.parametrize("bad", [("--allowed-origin", "*"), ("--model", "a b"), ("--name", "A")])
def test_a_choice_that_cannot_be_changes_nothing(tmp_path: Path, bad: tuple[str, str]) -> None:
    run("--directory", str(tmp_path), "--name", "mine")
    before = read_tree(tmp_path, manifest=True)
    with pytest.raises(UsageError):
        run("--directory", str(tmp_path), "--name", "other", *bad)
    assert read_tree(tmp_path, manifest=True) == before


def test_errors_are_left_to_the_group(tmp_path: Path) -> None:
    with pytest.raises(CctError):
        run("--directory", str(tmp_path / "absent"))
