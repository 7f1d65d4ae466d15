"""The command lines: what is missing or wrong is told at once, and nothing is written or started for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cct_cloudflare import config, deployments, scaffold
from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.deploy.login import may_be_logged_in
from cct_cloudflare.deployments import Deployment
from cct_cloudflare.errors import CODES

URL = "https://cct-sandbox.example.workers.dev"


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, object]:
    """The JSON object of a command that is run here, with its exit code."""
    code = run_cli([*argv, "--json"])
    captured = capsys.readouterr()
    assert captured.err == ""
    answer = json.loads(captured.out)
    assert isinstance(answer, dict)
    if not answer["success"]:
        assert code == CODES[answer["errorCode"]].exit
        assert answer["hint"]
    return {**answer, "exit": code}


@pytest.fixture
def rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    scaffold.apply(scaffold.plan(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "exit_code", "said"),
    [
        (["deploy"], 2, "nobody can be asked"),
        (["deploy", "--yes", "--name", "No Good"], 2, "cannot be the name"),
        (["deploy", "--yes", "--url", "http://plain.example"], 2, "--url must be https"),
        (["deploy", "--dry-run", "--env", "prod"], 2, "no environment 'prod'"),
        (["logs"], 3, "There is no Worker project"),
        (["logs", "--status", "fine"], 2, "'fine'"),
        (["destroy", "--yes"], 3, "There is no Worker project"),
        (["secret", "rotate"], 3, "There is no Worker project"),
        (["secret", "show"], 3, "There is no Worker project"),
        (["secret", "put"], 2, "No such command"),
    ],
)
def test_in_an_empty_folder(
    argv: list[str],
    exit_code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = told(capsys, *argv)
    assert answer["exit"] == exit_code
    assert said in str(answer["error"])
    assert list(tmp_path.iterdir()) == []
    assert not config.config_dir().exists()


@pytest.mark.parametrize(
    ("argv", "exit_code", "said"),
    [
        (["logs", "--env", "prod"], 2, "no environment 'prod'"),
        (["destroy"], 2, "Nothing was removed"),
        (["secret", "show"], 3, "The URL of cct-sandbox is not known"),
        (["secret", "show", "--env", "staging"], 3, "The URL of cct-sandbox-staging"),
    ],
)
def test_in_a_project_that_was_not_deployed(
    argv: list[str], exit_code: int, said: str, rendered: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = told(capsys, *argv)
    assert answer["exit"] == exit_code
    assert said in str(answer["error"])


@pytest.mark.parametrize("argv", [["logs"], ["destroy", "--yes"], ["secret", "rotate"], ["deploy", "--yes"]])
def test_nothing_is_installed_for_somebody_who_is_not_logged_in(
    argv: list[str],
    rendered: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deployments.remember(rendered, Deployment("", "cct-sandbox", url=URL))
    config.store_worker(URL, "the-token")
    installed: list[str] = []
    monkeypatch.setattr("cct_cloudflare.deploy.project.run_tool", lambda command, **_: installed.append(command))
    assert told(capsys, *argv)["errorCode"] == "deploy_login"
    assert installed == []


@pytest.mark.parametrize("place", [".wrangler", ".config/.wrangler", "Library/Preferences/.wrangler"])
def test_a_login_is_where_wrangler_keeps_it(place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / place / "config").mkdir(parents=True)
    assert not may_be_logged_in()
    (tmp_path / place / "config" / "default.toml").touch()
    assert may_be_logged_in()


def test_the_token_is_shown_when_it_is_asked_for(rendered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deployments.remember(rendered, Deployment("", "cct-sandbox", url=URL))
    assert told(capsys, "secret", "show")["errorCode"] == "deploy_missing"
    config.store_worker(URL, "the-token")
    assert told(capsys, "secret", "show") == {"success": True, "url": URL, "token": "the-token", "exit": 0}
    assert run_cli(["secret", "show"]) == 0
    assert capsys.readouterr().out == "the-token\n"


def test_a_dry_run_of_a_project_that_is_not_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = told(capsys, "deploy", "--dry-run", "--name", "mine", "--url", "https://sandbox.example.com/")
    assert answer["exit"] == 0
    assert (answer["worker"], answer["buildChecked"]) == ("mine", False)
    assert answer["url"] == "https://sandbox.example.com"
    assert run_cli(["deploy", "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Nothing was deployed." in captured.err
    assert list(tmp_path.iterdir()) == []


def test_a_project_that_was_changed_is_not_built_without_consent(
    rendered: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run, too, would run its scripts."""
    target = scaffold.target_of(rendered)
    (target / "scripts" / "mine.mjs").write_text("throw 1\n")
    monkeypatch.setattr("cct_cloudflare.deploy.project.is_installed", lambda _: True)
    answer = told(capsys, "deploy", "--dry-run")
    assert answer["errorCode"] == "untrusted_project"
    assert "scripts/mine.mjs" in str(answer["error"])
