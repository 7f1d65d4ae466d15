"""Completion as shells ask for it: each script is loaded by the real shell, where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.history import database


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an agent of its own, and `cct` on the PATH as a shell finds it."""
    folder = tmp_path / "project"
    agents = folder / ".claude" / "agents" / "team"
    agents.mkdir(parents=True)
    (agents / "own-agent.md").write_text("---\nname: own-agent\ndescription: Ours, or theirs\n---\nBe brief.\n")
    (agents / "two words.md").write_text("A shell would take this name apart.\n")
    (folder / "idea.md").write_text("An idea.")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return folder


def bash(line: str) -> list[str]:
    """What bash would offer for the last word of a line that ends in that word, or in a space."""
    words = line.split(" ")
    script = (
        'eval "$(cct completion bash)"\n'
        'compopt() { echo "$2"; }\n'  # only works while a real Tab is handled
        'COMP_WORDS=("$@")\n'
        "COMP_CWORD=$(($# - 1))\n"
        "_cct_completion cct\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    return _run(["bash", "--norc", "-c", script, "bash", *words])


def fish(line: str) -> list[str]:
    """The same for fish, with the description behind a tab."""
    return _run(["fish", "--no-config", "-c", f"cct completion fish | source; complete --do-complete '{line}'"])


def _run(argv: list[str]) -> list[str]:
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash_completes_what_is_installed(project: Path) -> None:
    assert run_cli(["add", "--agent", "debugger,code-reviewer", "--yes"]) == 0
    assert bash("cct remove agent/q") == ["agent/quality/code-reviewer", "agent/quality/debugger"]
    assert bash("cct remove agent/quality/debugger agent/q") == ["agent/quality/code-reviewer"]
    assert bash("cct remove --scope user a") == [""]
    assert bash("cct add --hook git/guard") == ["git/guard-main"]


def test_bash_completes_commands_and_options(project: Path) -> None:
    assert bash("cct doc") == ["doctor"]
    assert bash("cct doctor --off") == ["--offline"]
    assert bash("cct completion f") == ["fish"]
    assert bash("cct --language p") == ["python"]


def test_bash_completes_agents_of_the_project_and_bundled_ones(project: Path) -> None:
    found = bash("cct --agent ")
    assert "team/own-agent" in found
    assert "development-team/python-developer" in found
    assert not any("two words" in name for name in found)
    assert bash("cct --agent own-a") == ["team/own-agent"]


def test_bash_completes_after_a_comma(project: Path) -> None:
    found = bash("cct --agent team/own-agent,quality/")
    assert "team/own-agent,quality/security-reviewer" in found
    assert all(name.startswith("team/own-agent,quality/") for name in found)
    assert bash("cct --agent team/own-agent,team/") == [""], "one that is named already is not offered again"


def test_bash_completes_the_projects_agents_by_directory(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert bash("cct --agent team/") == [""]
    assert bash("cct --directory project --agent team/") == ["team/own-agent"]


def test_a_part_of_a_name_that_several_have_is_left_to_the_user(project: Path) -> None:
    for category in ("team", "other"):
        file = project / ".claude" / "agents" / category / "same-name.md"
        file.parent.mkdir(exist_ok=True)
        file.write_text("Be brief.")
    assert bash("cct --agent same") == [""]


def test_bash_completes_what_can_be_shown_and_where_from(project: Path) -> None:
    assert bash("cct show a") == ["agent"]
    assert bash("cct show agent own") == ["team/own-agent"]
    assert bash("cct show mcp devtools/git") == ["devtools/github"]
    assert bash("cct show skill/testing/play") == ["skill/testing/playwright"]
    assert bash("cct show nothing own") == [""]
    assert bash("cct list --from bun") == ["bundled"]


def test_bash_completes_commands_that_wrap_and_models(project: Path) -> None:
    assert bash("cct --command setup/setup-r") == ["setup/setup-react"]
    assert bash("cct --model hai") == ["haiku"]
    assert "claude-sonnet-5-5" in bash("cct --model claude-")


def test_bash_leaves_files_to_the_shell(project: Path) -> None:
    assert bash("cct --prompt-file ")[0] == "default"
    assert bash("cct --output ")[0] == "dirnames"


def test_bash_completes_runs_of_the_history(project: Path) -> None:
    assert bash("cct history show ") == [""]
    with database.opened(write=True) as connection:
        assert connection is not None
        connection.execute(
            "INSERT INTO runs (id, started_ms, kind, place, demo, status, title) VALUES (?, 1, ?, ?, 1, ?, ?)",
            ("0tw4yrxep", "execute", "this machine", "succeeded", "A prompt\nplain,of two lines"),
        )
    found = bash("cct history show ")
    assert found == ["last", "0tw4yrxep"]
    assert bash("cct history rerun 0tw4") == ["0tw4yrxep"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish(project: Path) -> None:
    assert "doctor" in [line.split("\t")[0] for line in fish("cct doc")]
    assert fish("cct --agent team/") == ["team/own-agent\tOurs, or theirs"]
    assert "team/own-agent,quality/security-reviewer" in [
        line.split("\t")[0] for line in fish("cct --agent team/own-agent,quality/")
    ]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_takes_the_script(project: Path) -> None:
    """Its completion runs in an editor of lines only, so the functions that show words are played here."""
    script = (
        "compdef() { : }; _describe() { print -l ${(P)3} }; compadd() { print -l $completions }\n"
        'eval "$(cct completion zsh)"\n'
        "words=(cct --agent team/); CURRENT=3; _cct_completion\n"
    )
    assert _run(["zsh", "--no-rcs", "-c", script]) == ["team/own-agent:Ours, or theirs"]


def test_a_shell_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["completion", "csh"]) == 2
    assert "csh" in capsys.readouterr().err
    assert run_cli(["completion"]) == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_all_that_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert "_CCT_COMPLETE" in out
    assert "\x1b" not in out
