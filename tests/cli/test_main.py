from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from cct_cloudflare import __version__
from cct_cloudflare.cli.main import cct, run_cli


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["--version"]) == 0
    assert capsys.readouterr().out == f"cct {__version__}\n"


@pytest.mark.parametrize("argv", [["--help"], ["-h"]])
def test_help_shows_examples_and_commands(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(argv) == 0
    out = capsys.readouterr().out
    assert "Examples:" in out
    assert "  run " in out
    assert "  init " in out


def test_an_unknown_provider_is_a_usage_error_that_names_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["--sandbox", "e2b", "--prompt", "hi"]) == 2
    err = capsys.readouterr().err
    assert "'e2b'" in err
    assert "cloudflare" in err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--sandbox", "cloudflare"], "no prompt"),
        (["--yes"], "--prompt"),
        (["--demo"], "--prompt"),
        (["--prompt", ""], "prompt is empty"),
        (["--sandbox", "cloudflare", "--prompt", " \n"], "prompt is empty"),
        (["--prompt", "a", "--prompt-file", "b"], "both given"),
        (["--prompt-file", "missing.md"], "missing.md"),
        (["--no-such-option"], "--no-such-option"),
        (["no-such-command"], "no-such-command"),
        (["--prompt", "hi", "--timeout", "301"], "--timeout"),
        (["--prompt", "hi", "--max-tokens", "1"], "--max-tokens"),
        (["--prompt", "hi", "--language", "cobol"], "cobol"),
        (["--prompt", "hi", "--agent", "no-such-agent"], "no-such-agent"),
        (["--prompt", "hi", "--worker-url", "http://example.com"], "--worker-url"),
        (["--demo", "--prompt", "hi", "--worker-url", "https://example.com"], "--demo"),
        (["--local", "--prompt", "hi", "--worker-url", "https://example.com"], "--local"),
        (["--direct", "--prompt", "hi", "--worker-url", "https://example.com"], "--direct"),
        (["run"], "FILES"),
        (["run", "missing.py"], "missing.py"),
        (["run", "-"], "language"),
        (["validate"], "no component"),
        (["validate", "missing.md"], "missing.md"),
        (["dev", "--port", "65536"], "--port"),
        (["dev", "--directory", "missing"], "missing"),
    ],
)
def test_usage_errors_are_exit_2_and_write_nothing(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert run_cli(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert list(project.iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["add", "--agent"], "cct add"),
        (["registry", "add", "--ref"], "cct registry add"),
        (["update", "--from"], "cct update"),
        (["--agent"], "cct"),
        (["add", "--nothing"], "cct add"),
    ],
)
def test_a_usage_error_leads_to_the_help_of_its_command(
    argv: list[str], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(argv) == 2
    assert f"See: {command} --help\n" in capsys.readouterr().err


def test_json_keeps_its_envelope_when_the_command_line_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["--json", "--no-such-option"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["errorCode"] == "usage"
    assert captured.err == ""


def test_without_a_key_it_names_all_places_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    assert run_cli(["--sandbox", "cloudflare", "--prompt", "hi"]) == 3
    err = capsys.readouterr().err
    for place in ("ANTHROPIC_API_KEY", ".env", "credentials.json", "--anthropic-api-key", "--demo"):
        assert place in err
    assert list(project.iterdir()) == []


def test_the_demo_lists_the_prompts_that_it_knows(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    assert run_cli(["--sandbox", "cloudflare", "--demo", "--prompt", "Invent something"]) == 2
    assert "What is the 10th Fibonacci number?" in capsys.readouterr().err
    assert list(project.iterdir()) == []


def test_a_deployed_worker_needs_a_token_before_anything_is_written(
    capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    argv = ["--prompt", "hi", "--worker-url", "https://worker.invalid", "--yes"]
    assert run_cli(argv) == 3
    assert "CCT_TOKEN" in capsys.readouterr().err
    assert list(project.iterdir()) == []


def test_a_request_that_no_worker_takes_is_refused_here(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    for name in ("a", "b", "c"):
        (project / name).write_text("ü" * 30_000)
    argv = ["--dry-run", "--json", "--prompt", "@a @b @c " + "x" * 150_000]
    assert run_cli(argv) == 2
    assert json.loads(capsys.readouterr().out)["errorCode"] == "payload_too_large"


def test_dry_run_prints_exactly_what_would_be_sent(capsys: pytest.CaptureFixture[str], project: Path) -> None:
    (project / "notes.txt").write_text("remember the milk\n")
    argv = ["--sandbox", "cloudflare", "--dry-run", "--json", "--agent", "python-developer"]
    assert run_cli([*argv, "--prompt", "Use @notes.txt please"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["question"].startswith("Use @notes.txt please")
    assert "remember the milk" in plan["question"]
    assert "senior Python developer" in plan["system"]
    assert plan["components"] == [{"kind": "agent", "name": "development-team/python-developer", "source": "bundled"}]
    assert plan["includedFiles"] == [{"path": "notes.txt", "bytes": 18}]
    assert [path.name for path in project.iterdir()] == ["notes.txt"]


def test_a_prompt_comes_from_a_file_or_standard_input(
    capsys: pytest.CaptureFixture[str], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "idea.md").write_bytes(b"\xef\xbb\xbfFrom a file")
    assert run_cli(["--dry-run", "--json", "--prompt-file", "idea.md"]) == 0
    assert json.loads(capsys.readouterr().out)["question"] == "From a file"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Größe".encode())))
    assert run_cli(["--dry-run", "--json", "--prompt", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["question"] == "Größe"


@pytest.mark.parametrize(("content", "code"), [(b"\xff\xfe\x00", "usage"), (b"a" * 400_001, "payload_too_large")])
def test_a_prompt_that_cannot_be_sent_is_refused(
    content: bytes, code: str, capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    (project / "idea.md").write_bytes(content)
    assert run_cli(["--dry-run", "--json", "--prompt-file", "idea.md"]) == 2
    assert json.loads(capsys.readouterr().out)["errorCode"] == code


@pytest.mark.parametrize(
    ("argv", "model"),
    [
        ([], "claude-opus-5-5"),
        (["--model", "haiku"], "claude-haiku-5-5"),
        # A deployed Worker has a default of its own.
        (["--worker-url", "https://sandbox.example.com"], None),
    ],
)
def test_the_projects_model_is_asked_where_none_is_chosen(
    argv: list[str], model: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_cli(["init", "--model", "opus", "--yes"]) == 0
    capsys.readouterr()
    assert run_cli(["--prompt", "hi", "--dry-run", "--json", *argv]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"] == model
    assert found["estimate"]["model"] == (model or "claude-sonnet-5-5")


@pytest.mark.parametrize(
    ("argv", "variables", "color"),
    [
        ([], {}, None),
        (["deploy", "--no-color"], {}, False),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"TERM": "dumb"}, False),
    ],
)
def test_whatever_click_prints_has_colours_only_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch, argv: list[str], variables: dict[str, str], color: bool | None
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    seen: list[object] = []
    monkeypatch.setattr(cct, "main", lambda **given: seen.append(given["color"]))
    run_cli(argv)
    assert seen == [color]
