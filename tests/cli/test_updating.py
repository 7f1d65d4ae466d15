"""`cct update`, as it is typed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Package
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.install.present import present_versions
from cct_cloudflare.install.site import Site
from tests.cli.sources import AGENT, ALL, HOOK, Capture, add, answer, written
from tests.install.test_laws import rich, times
from tests.install.test_update_laws import second
from tests.install.trees import bundled, tree, write_tree
from tests.runtime import Cct, cct, runtime
from tests.wizard.terminal import on_terminal

__all__ = ["cct", "runtime"]

pytestmark = pytest.mark.usefixtures("project")


def test_everything_is_brought_up_to_date(capsys: Capture, source: Path, project: Path) -> None:
    add(source)
    written(source, {"agents/x/a.md": AGENT.replace("five", "FIVE")})
    told = answer(capsys, "update", "--yes")
    assert {one["name"]: one["status"] for one in told["components"]} == {
        "x/a": "updated",
        "y/b": "unchanged",
        "x/s": "unchanged",
        "x/h": "unchanged",
    }
    assert (told["success"], told["dryRun"], told["unavailable"]) == (True, False, [])
    assert Path(told["backup"]).is_dir()
    assert "FIVE" in (project / ".claude/agents/a.md").read_text()


def test_only_what_is_named_is_changed(capsys: Capture, source: Path, project: Path) -> None:
    add(source)
    for name in ("agents/x/a.md", "agents/y/b.md"):
        written(source, {name: AGENT.replace("five", "FIVE")})
    assert run_cli(["update", "agent/b", "--yes"]) == 0
    assert "FIVE" not in (project / ".claude/agents/a.md").read_text()
    assert "FIVE" in (project / ".claude/agents/b.md").read_text()
    assert "1 component updated." in capsys.readouterr().err


def test_a_dry_run_shows_and_writes_nothing(capsys: Capture, source: Path, project: Path) -> None:
    add(source)
    written(source, {"agents/x/a.md": AGENT.replace("five", "FIVE"), "hooks/x/h.py": "print(2)\n"})
    before = tree(project)
    assert run_cli(["update", "--dry-run"]) == 0
    shown = capsys.readouterr()
    assert ".claude/agents/a.md" in shown.out
    assert "agent/y/b" not in shown.out
    assert "would be updated" in shown.err
    assert tree(project) == before


def test_new_code_of_a_hook_needs_a_yes_of_its_own(capsys: Capture, source: Path, project: Path) -> None:
    add(source)
    written(source, {"hooks/x/h.py": "print(2)\n"})
    before = tree(project)
    told = answer(capsys, "update", "--yes", code=7)
    assert told["errorCode"] == "unsafe_component"
    assert tree(project) == before
    assert run_cli(["update", "--yes", "--trust"]) == 0
    assert (project / ".claude/hooks/h.py").read_text() == "print(2)\n"


def test_a_conflict_is_refused_or_decided(capsys: Capture, source: Path, project: Path) -> None:
    add(source)
    mine = project / ".claude/agents/a.md"
    mine.write_text(AGENT.replace("five", "mine"))
    written(source, {"agents/x/a.md": AGENT.replace("five", "theirs")})
    told = answer(capsys, "update", "--yes", code=2)
    assert told["errorCode"] == "component_conflict"
    assert run_cli(["update", "--yes"]) == 2
    shown = capsys.readouterr().err
    assert shown.index("-five\n  +mine") < shown.index("-five\n  +theirs") < shown.index("--keep")
    [conflict] = told["conflicts"]
    assert {conflict[side].splitlines()[-1] for side in ("base", "ours", "theirs")} == {"five", "mine", "theirs"}
    assert run_cli(["update", "--yes", "--keep"]) == 0
    assert "mine" in mine.read_text()
    assert answer(capsys, "diff", "--exit-code", code=1)["components"][0]["edited"]


def test_what_is_kept_needs_no_trust_in_what_it_is_kept_from(capsys: Capture, source: Path, project: Path) -> None:
    server = {"mcpServers": {"m": {"command": "npx", "args": ["-y", "m@1.0.0"]}}}
    written(source, {"mcps/x/m.json": server})
    add(source, "--mcp", "m")
    mine = project / ".mcp.json"
    mine.write_text(mine.read_text().replace("1.0.0", "1.0.0-mine"))
    before = mine.read_bytes()
    written(source, {"mcps/x/m.json": json.dumps(server).replace("1.0.0", "2.0.0")})
    assert answer(capsys, "update", "--yes", "--replace", code=7)["risks"][0]["rule"] == "approved-server"
    assert run_cli(["update", "--yes", "--keep"]) == 0
    told = capsys.readouterr().err
    assert ".mcp.json  yours, kept" in told
    assert "2.0.0" not in told
    assert mine.read_bytes() == before
    assert run_cli(["update", "--yes"]) == 0
    assert "up to date" in capsys.readouterr().err


def test_a_source_that_is_gone_is_named_and_the_others_go_on(capsys: Capture, source: Path, project: Path) -> None:
    other = written(source.parent / "other", {"agents/z/c.md": AGENT})
    add(source)
    add(other, "--agent", "c")
    shutil.rmtree(other)
    (source / "settings/x/s.json").unlink()
    written(source, {"agents/x/a.md": AGENT.replace("five", "FIVE")})
    told = answer(capsys, "update", "--yes", code=2)
    assert "FIVE" in (project / ".claude/agents/a.md").read_text()
    assert told["success"] is False
    assert [(gone["kind"], gone["name"]) for gone in told["unavailable"]] == [("agent", "z/c"), ("setting", "x/s")]
    assert (project / ".claude/agents/c.md").exists()
    assert run_cli(["update", "agent/c"]) == 2
    assert "is gone" in capsys.readouterr().err


def test_what_is_broken_at_its_source_stays_as_it_is(capsys: Capture, source: Path, project: Path) -> None:
    add(source)
    written(source, {"settings/x/s.json": "[]", "agents/x/a.md": AGENT.replace("five", "FIVE")})
    told = answer(capsys, "update", "--yes", code=2)
    assert [gone["errorCode"] for gone in told["unavailable"]] == ["component_invalid"]
    assert "FIVE" in (project / ".claude/agents/a.md").read_text()


def test_another_source_is_taken_when_it_is_named(source: Path, project: Path) -> None:
    add(source)
    moved = source.rename(source.parent / "moved")
    written(moved, {"agents/x/a.md": AGENT.replace("five", "FIVE")})
    assert run_cli(["update", "--yes", "--from", "../moved"]) == 0
    assert "FIVE" in (project / ".claude/agents/a.md").read_text()
    assert {locked.source for locked in Site.of_project(project).read_lock().components} == {str(moved)}


def test_a_named_source_is_about_what_it_has(source: Path, project: Path, capsys: Capture) -> None:
    add(source, "--agent", "a")
    assert run_cli(["add", "--agent", "debugger", "--yes"]) == 0
    written(source, {"agents/x/a.md": AGENT.replace("five", "FIVE")})
    told = answer(capsys, "update", "--yes", "--from", str(source))
    assert [one["name"] for one in told["components"]] == ["x/a"]
    assert answer(capsys, "update", "agent/debugger", "--yes", "--from", str(source), code=2)["unavailable"]


@pytest.mark.parametrize(
    "address",
    [
        "https://registry.invalid",
        "github:someone/else",
        "git@host.invalid:x.git",
        "\\\\host\\share",
        "//host/share",
        "/\\host\\share",
        "team",
    ],
)
def test_a_lock_file_leads_to_nobody_whom_the_user_has_not_named(
    address: str, source: Path, project: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(source)

    def never(*_: object, **__: object) -> object:
        raise AssertionError("it was opened")

    lock = project / ".claude/cct.lock"
    lock.write_text(lock.read_text().replace(json.dumps(str(source)), json.dumps(address)))
    monkeypatch.setattr("cct_cloudflare.registries.catalog_of", never)
    monkeypatch.setattr(Path, "is_dir", lambda _: True)  # a share that answers
    told = answer(capsys, "update", "--yes", code=2)
    assert {gone["errorCode"] for gone in told["unavailable"]} == {"component_not_found"}
    assert "none of your registries" in told["unavailable"][0]["error"]


def test_a_registry_that_was_added_is_asked(source: Path, project: Path) -> None:
    assert run_cli(["registry", "add", "team", str(source)]) == 0
    assert run_cli(["add", "--agent", "a", "--from", "team", "--yes"]) == 0
    written(source, {"agents/x/a.md": AGENT.replace("five", "FIVE")})
    assert run_cli(["update", "--yes"]) == 0
    assert "FIVE" in (project / ".claude/agents/a.md").read_text()


def test_what_is_installed_for_the_user_is_updated_there(
    source: Path, project: Path, home: Path, capsys: Capture
) -> None:
    assert run_cli(["add", *ALL, "--from", str(source), "--scope", "user", "--yes", "--trust"]) == 0
    longer = json.loads(json.dumps(HOOK).replace("h.py", "h.py --more"))
    written(source, {"hooks/x/h.json": longer, "hooks/x/h.py": "print(2)\n"})
    assert answer(capsys, "diff", "--scope", "user", "--exit-code", code=1)["different"]
    assert run_cli(["update", "--scope", "user", "--yes", "--trust"]) == 0
    assert answer(capsys, "diff", "--scope", "user", "--exit-code")["different"] is False
    settings = (home / ".claude/settings.json").read_text()
    assert '\\"$HOME\\"/.claude/hooks/h.py --more' in settings
    assert "CLAUDE_PROJECT_DIR" not in settings
    assert (home / ".claude/hooks/h.py").read_text() == "print(2)\n"
    assert list(project.iterdir()) == []
    assert run_cli(["remove", "--all", "--scope", "user", "--yes"]) == 0
    assert not (home / ".claude").exists()


def test_without_anything_there_is_nothing_to_do(capsys: Capture, project: Path) -> None:
    assert run_cli(["update"]) == 0
    assert run_cli(["diff"]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "Nothing is installed here.\nNothing is installed here.\n"
    assert list(project.iterdir()) == []


@pytest.mark.parametrize("command", ["update", "diff"])
@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["agent/none"], "component_not_found"),
        (["none"], "component_invalid"),
        (["agent/../x"], "component_invalid"),
        (["--scope", "world"], "usage"),
    ],
)
def test_bad_input_is_one_clear_error(command: str, argv: list[str], code: str, source: Path, capsys: Capture) -> None:
    add(source)
    assert answer(capsys, command, *argv, code=2)["errorCode"] == code


def test_a_lock_file_that_cannot_be_read_is_an_error(project: Path, capsys: Capture) -> None:
    written(project, {".claude/cct.lock": "{"})
    for command in ("update", "diff"):
        assert answer(capsys, command, code=ConfigError("x").exit_code)["errorCode"] == "config"


def test_one_source_is_opened_once(source: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(source)
    from cct_cloudflare.registries import opening

    opened: list[str] = []
    real = opening.catalog_of

    def counting(address: str, **options: Any) -> object:
        opened.append(address)
        return real(address, **options)

    monkeypatch.setattr("cct_cloudflare.registries.catalog_of", counting)
    lock = Site.of_project(project).read_lock()
    assert len(present_versions(lock.components).packages) == 4
    assert opened == [str(source)]


def catalog_of(root: Path, packages: Iterable[Package]) -> Path:
    """A folder that has these components, and nothing else."""
    shutil.rmtree(root, ignore_errors=True)
    for one in packages:
        above = one.item.name if one.item.kind is Kind.SKILL else one.item.category
        write_tree(root / one.item.kind.folder / above, one.files)
    return root


@pytest.mark.parametrize("every", ["--keep", "--replace", "--both"])
def test_everything_comes_changes_and_goes_byte_for_byte(every: str, tmp_path: Path, project: Path) -> None:
    rich(project)
    before, when = tree(project), times(project)
    packages = bundled()
    root = catalog_of(tmp_path / "catalog", packages)
    named = [word for one in packages for word in (f"--{one.item.kind}", one.item.name)]
    assert run_cli(["add", *named, "--from", str(root), "--yes", "--trust", every]) == 0
    catalog_of(root, map(second, packages))
    assert run_cli(["update", "--yes", "--trust", every]) == 0
    assert run_cli(["diff", "--exit-code"]) == 0
    assert run_cli(["remove", "--all", "--yes"]) == 0
    assert (tree(project), times(project)) == (before, when)


def test_an_update_asks_on_a_terminal_and_shows_both_sides(cct: Cct, source: Path) -> None:
    assert cct("add", "--agent", "a", "--from", str(source), "--yes").code == 0
    (cct.project / ".claude/agents/a.md").write_text(AGENT.replace("five", "mine"))
    written(source, {"agents/x/a.md": AGENT.replace("five", "theirs")})
    with on_terminal(cct, "update") as terminal:
        for shown in ("-five", "+mine", "-five", "+theirs"):
            terminal.expect(shown)
        terminal.answer("keep yours", "replace\r")
        terminal.answer("Update 1 component? [Y/n]:", "\r")
        terminal.expect("1 component updated.")
        assert terminal.end() == 0
    assert "theirs" in (cct.project / ".claude/agents/a.md").read_text()
