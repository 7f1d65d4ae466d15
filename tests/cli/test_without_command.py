"""Components without a command: `cct --agent X`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.install.site import Site
from tests.cli.sources import Capture, answer
from tests.runtime import Cct, cct, runtime
from tests.wizard.terminal import on_terminal

__all__ = ["cct", "runtime"]

pytestmark = pytest.mark.usefixtures("project")


def test_components_without_a_prompt_are_installed(capsys: Capture, project: Path) -> None:
    assert run_cli(["--agent", "code-reviewer", "--mcp", "docs/context7", "--yes"]) == 0
    refs = [locked.ref for locked in Site.of_project(project).read_lock().components]
    assert refs == ["agent/quality/code-reviewer", "mcp/docs/context7"]
    assert capsys.readouterr().out == ""
    told = answer(capsys, "--agent", "debugger", "--yes")
    assert [one["status"] for one in told["components"]] == ["installed"]


def test_what_is_risky_needs_trust_there_as_well(capsys: Capture, project: Path) -> None:
    assert answer(capsys, "--hook", "guard-main", "--yes", code=7)["errorCode"] == "unsafe_component"
    assert list(project.iterdir()) == []
    assert run_cli(["--hook", "guard-main", "--yes", "--trust"]) == 0


def test_a_dry_run_without_a_prompt_is_one_of_the_install(capsys: Capture, project: Path) -> None:
    assert run_cli(["--agent", "debugger", "--dry-run"]) == 0
    assert ".claude/agents/debugger.md" in capsys.readouterr().out
    assert list(project.iterdir()) == []


@pytest.mark.parametrize("command", [[], ["add"]])
@pytest.mark.parametrize("name", ["../b", "%2e%2e/b", "a\\b", "/etc/x", "~/x", "c:x", "CON", "b.", "x" * 300])
def test_names_are_judged_before_any_source_is_asked(
    command: list[str], name: str, capsys: Capture, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> object:
        raise AssertionError("it was asked")

    monkeypatch.setattr("cct_cloudflare.registries.catalog_of", never)
    monkeypatch.setattr("cct_cloudflare.registries.opened_catalogs", never)
    source = ["--from", "github:a/b"] if command else []
    told = answer(capsys, *command, "--agent", f"debugger,{name}", "--yes", *source, code=2)
    assert told["errorCode"] == "component_invalid"
    assert list(project.iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--agent", "debugger"], "--yes"),
        (["--agent", "debugger", "--json"], "--yes"),
        (["--agent", "debugger", "--demo", "--yes"], "no prompt"),
        (["--agent", "debugger", "--sandbox", "cloudflare", "--yes"], "no prompt"),
        (["--agent", "debugger", "--model", "opus", "--yes"], "no prompt"),
        (["--agent", "no-such-agent", "--yes"], "no-such-agent"),
    ],
)
def test_what_may_have_lost_its_prompt_installs_nothing(
    argv: list[str], said: str, capsys: Capture, project: Path
) -> None:
    assert run_cli(argv) == 2
    shown = capsys.readouterr()
    assert said in shown.err + shown.out
    assert list(project.iterdir()) == []


def test_with_a_prompt_it_is_a_run(capsys: Capture, project: Path) -> None:
    told = answer(capsys, "--agent", "debugger", "--hook", "guard-main", "--prompt", "x", "--dry-run")
    assert "Debug" in told["system"] or "debug" in told["system"]
    assert told["notApplied"] == [
        {
            "component": "hook/git/guard-main",
            "what": "hooks.PreToolUse",
            "why": "Claude Code's events do not happen in the sandbox",
        }
    ]
    assert list(project.iterdir()) == []


def test_on_a_terminal_the_plan_is_shown_and_asked(cct: Cct) -> None:
    with on_terminal(cct, "--agent", "debugger", "--hook", "guard-main") as terminal:
        terminal.expect("as cct add does")
        terminal.expect(".claude/agents/debugger.md")
        terminal.answer("Install 2 components? [Y/n]:", "\r")
        terminal.answer("Do you trust it? [y/N]:", "n\r")
        assert terminal.end() == 130
    assert not (cct.project / ".claude").exists()
    with on_terminal(cct, "--agent", "debugger") as terminal:
        terminal.answer("Install 1 component? [Y/n]:", "\r")
        terminal.expect("1 component installed.")
        assert terminal.end() == 0
    assert (cct.project / ".claude/agents/debugger.md").exists()
