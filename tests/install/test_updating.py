"""An update changes what is the component's, and nothing else."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.components.package import Package
from cct_cloudflare.errors import UsageError
from cct_cloudflare.install import store
from cct_cloudflare.install.applying import apply
from cct_cloudflare.install.approving import approved_at
from cct_cloudflare.install.lockfile import LOCAL_SETTINGS_FILE, Lock, Locked, Scope
from cct_cloudflare.install.plan import Action, Decisions, Plan, Status
from cct_cloudflare.install.planning import plan_add
from cct_cloudflare.install.removing import plan_remove
from cct_cloudflare.install.request import AddRequest, RemoveRequest
from cct_cloudflare.install.site import Site
from cct_cloudflare.install.three_way import merge_texts
from cct_cloudflare.install.updating import UpdateRequest, new_risks, plan_update
from cct_cloudflare.merging.model import Decision
from tests.install.trees import package, tree, write_tree

AGENT = ".claude/agents/a.md"
OLD = "one\ntwo\nthree\nfour\nfive\n"
NEW = "one\ntwo\nthree\nfour\nFIVE\n"


def install(project: Path, *packages: Package, scope: Scope = Scope.PROJECT, approve: bool = False) -> None:
    request = AddRequest.of(packages, project, scope, approve=approve)
    apply(request.site, lambda: plan_add(request))


def update(project: Path, *packages: Package, every: Decision | None = None, approve: bool = False) -> Plan:
    request = UpdateRequest(Site.of_project(project), packages, approve, Decisions(every))
    return apply(request.site, lambda: plan_update(request)).plan


def remove_all(project: Path) -> None:
    site = Site.of_project(project)
    request = RemoveRequest(site, tuple(locked.ref for locked in site.read_lock().components))
    apply(site, lambda: plan_remove(request))


def lock_of(project: Path) -> Lock:
    return Site.of_project(project).read_lock()


def locked_of(project: Path) -> Locked:
    [locked] = lock_of(project).components
    return locked


def settings_of(project: Path, name: str = "settings.json") -> Any:
    return json.loads((project / ".claude" / name).read_text())


def actions(plan: Plan) -> dict[str, Action]:
    return {file.path: file.action for step in plan.steps for file in step.files}


# Files


def test_a_file_that_nobody_touched_is_the_new_one(tmp_path: Path) -> None:
    install(tmp_path, package("agent", "x/a", OLD))
    plan = update(tmp_path, package("agent", "x/a", NEW))
    assert (tmp_path / AGENT).read_text() == NEW
    assert [step.status for step in plan.steps] == [Status.UPDATED]
    assert locked_of(tmp_path).digest == package("agent", "x/a", NEW).digest
    assert store.get(locked_of(tmp_path).digest) is not None
    again = update(tmp_path, package("agent", "x/a", NEW))
    assert ([step.status for step in again.steps], again.is_done) == ([Status.UNCHANGED], True)


def test_edits_of_both_sides_are_merged(tmp_path: Path) -> None:
    install(tmp_path, package("agent", "x/a", OLD))
    (tmp_path / AGENT).write_text(OLD.replace("one", "ONE"))
    plan = update(tmp_path, package("agent", "x/a", NEW))
    assert (tmp_path / AGENT).read_text() == NEW.replace("one", "ONE")
    assert actions(plan) == {AGENT: Action.MERGED}
    third = update(tmp_path, package("agent", "x/a", NEW + "six\n"))
    assert (tmp_path / AGENT).read_text() == NEW.replace("one", "ONE") + "six\n"
    assert third.questions == ()


@pytest.mark.parametrize(
    ("decision", "left"), [(Decision.KEEP, "one\ntwo\nthree\nfour\nmine\n"), (Decision.REPLACE, NEW)]
)
def test_edits_of_one_line_are_a_question(tmp_path: Path, decision: Decision, left: str) -> None:
    install(tmp_path, package("agent", "x/a", OLD))
    (tmp_path / AGENT).write_text(OLD.replace("five", "mine"))
    before = tree(tmp_path)
    with pytest.raises(UsageError) as caught:
        update(tmp_path, package("agent", "x/a", NEW))
    assert caught.value.code == "component_conflict"
    assert tree(tmp_path) == before
    [question] = plan_update(UpdateRequest(Site.of_project(tmp_path), (package("agent", "x/a", NEW),))).questions
    assert (question.base, question.ours, question.theirs) == (OLD, OLD.replace("five", "mine"), NEW)
    update(tmp_path, package("agent", "x/a", NEW), every=decision)
    assert (tmp_path / AGENT).read_text() == left
    assert update(tmp_path, package("agent", "x/a", NEW)).is_done, "it was decided"
    remove_all(tmp_path)
    assert (tmp_path / AGENT).exists() == (decision is Decision.KEEP)


def test_an_edit_stays_where_the_file_did_not_change(tmp_path: Path) -> None:
    install(tmp_path, package("skill", "x/s", "Do.", ref_md=OLD))
    edited = tmp_path / ".claude/skills/s/ref.md"
    edited.write_text("mine\n")
    plan = update(tmp_path, package("skill", "x/s", "Do it.", ref_md=OLD))
    assert edited.read_text() == "mine\n"
    assert actions(plan)[".claude/skills/s/ref.md"] is Action.KEPT
    assert (tmp_path / ".claude/skills/s/SKILL.md").read_text() == "Do it."


def test_a_deleted_file_stays_away_until_it_changes(tmp_path: Path) -> None:
    install(tmp_path, package("skill", "x/s", "Do.", ref_md=OLD))
    gone = tmp_path / ".claude/skills/s/ref.md"
    gone.unlink()
    update(tmp_path, package("skill", "x/s", "Do it.", ref_md=OLD))
    assert not gone.exists()
    with pytest.raises(UsageError, match="deleted by you"):
        update(tmp_path, package("skill", "x/s", "Do it.", ref_md=NEW))
    update(tmp_path, package("skill", "x/s", "Do it.", ref_md=NEW), every=Decision.REPLACE)
    assert gone.read_text() == NEW


def test_files_that_leave_go_and_edited_ones_become_the_users(tmp_path: Path) -> None:
    install(tmp_path, package("skill", "x/s", "Do.", a_md=OLD, b_md=OLD))
    (tmp_path / ".claude/skills/s/b.md").write_text("mine\n")
    plan = update(tmp_path, package("skill", "x/s", "Do it.", c_md=NEW))
    folder = tmp_path / ".claude/skills/s"
    assert {path.name for path in folder.iterdir()} == {"SKILL.md", "b.md", "c.md"}
    assert "is yours" in plan.steps[0].notes[0]
    remove_all(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["b.md"]


def test_a_new_file_meets_one_of_the_users(tmp_path: Path) -> None:
    install(tmp_path, package("skill", "x/s", "Do."))
    mine = tmp_path / ".claude/skills/s/ref.md"
    mine.write_text("mine\n")
    with pytest.raises(UsageError, match="a file of yours"):
        update(tmp_path, package("skill", "x/s", "Do.", ref_md=NEW))
    update(tmp_path, package("skill", "x/s", "Do.", ref_md=NEW), every=Decision.REPLACE)
    assert mine.read_text() == NEW
    remove_all(tmp_path)
    assert mine.read_text() == "mine\n", "what was replaced comes back"


def test_a_file_that_is_spelt_anew_is_not_in_its_own_way(tmp_path: Path) -> None:
    install(tmp_path, package("skill", "x/s", "Do.", Ref_md=OLD))
    update(tmp_path, package("skill", "x/s", "Do.", ref_md=NEW))
    assert {path.name for path in (tmp_path / ".claude/skills/s").iterdir()} == {"SKILL.md", "ref.md"}


def test_binary_files_are_never_merged(tmp_path: Path) -> None:
    install(tmp_path, package("skill", "x/s", "Do.", x_bin=b"\0one\n\n\n"))
    (tmp_path / ".claude/skills/s/x.bin").write_bytes(b"\0mine\n\n\n")
    with pytest.raises(UsageError):
        update(tmp_path, package("skill", "x/s", "Do.", x_bin=b"\0one\n\n\ntwo"))


def test_without_git_both_sides_are_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, package("agent", "x/a", OLD))
    (tmp_path / AGENT).write_text(OLD.replace("one", "ONE"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError):
        update(tmp_path, package("agent", "x/a", NEW))


def test_without_the_copy_of_what_was_installed_it_is_a_question(tmp_path: Path, home: Path) -> None:
    install(tmp_path, package("agent", "x/a", OLD))
    (tmp_path / AGENT).write_text(OLD.replace("one", "ONE"))
    for kept in (home / ".local/share/cct-cloudflare/packages").iterdir():
        kept.unlink()
    [question] = plan_update(UpdateRequest(Site.of_project(tmp_path), (package("agent", "x/a", NEW),))).questions
    assert question.base is None


def test_a_shared_file_changes_with_both_components_or_is_a_question(tmp_path: Path) -> None:
    def hook(name: str, script: str) -> Package:
        line = {"type": "command", "command": f"x .claude/hooks/h.py {name}"}
        return package("hook", name, {"hooks": {"Stop": [{"hooks": [line]}]}}, h_py=script)

    install(tmp_path, hook("x/h", "1\n"), hook("y/h", "1\n"))
    with pytest.raises(UsageError, match="hook/y/h as well"):
        update(tmp_path, hook("x/h", "2\n"))
    update(tmp_path, hook("x/h", "2\n"), hook("y/h", "2\n"))
    assert (tmp_path / ".claude/hooks/h.py").read_text() == "2\n"
    remove_all(tmp_path)
    assert tree(tmp_path) == {}


# Merged files


def test_keys_change_and_the_users_stay(tmp_path: Path) -> None:
    text = '{\n  // mine\n  "env": {"MINE": "1"},\n}\n'
    write_tree(tmp_path, {".claude/settings.json": text})
    install(tmp_path, package("setting", "x/s", {"env": {"A": "1", "B": "1"}, "permissions": {"deny": ["Read(a)"]}}))
    update(tmp_path, package("setting", "x/s", {"env": {"A": "2"}, "permissions": {"deny": ["Read(b)"]}}))
    written = (tmp_path / ".claude/settings.json").read_text()
    assert "// mine" in written
    assert '"MINE": "1"' in written
    assert '"A": "2"' in written
    assert "Read(b)" in written
    assert "Read(a)" not in written
    assert '"B"' not in written
    remove_all(tmp_path)
    assert (tmp_path / ".claude/settings.json").read_text() == text


@pytest.mark.parametrize(("decision", "left"), [(Decision.KEEP, "mine"), (Decision.REPLACE, "2")])
def test_a_key_that_both_changed_is_a_question(tmp_path: Path, decision: Decision, left: str) -> None:
    install(tmp_path, package("setting", "x/s", {"env": {"A": "1"}}))
    path = tmp_path / ".claude/settings.json"
    path.write_text(path.read_text().replace('"1"', '"mine"'))
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="was changed by you"):
        update(tmp_path, package("setting", "x/s", {"env": {"A": "2"}}))
    assert tree(tmp_path) == before
    update(tmp_path, package("setting", "x/s", {"env": {"A": "2"}}), every=decision)
    assert settings_of(tmp_path)["env"]["A"] == left


def test_what_the_user_took_out_stays_out(tmp_path: Path) -> None:
    install(tmp_path, package("setting", "x/s", {"env": {"A": "1", "B": "1"}}))
    path = tmp_path / ".claude/settings.json"
    path.write_text('{"env": {"B": "1"}}')
    update(tmp_path, package("setting", "x/s", {"env": {"A": "1", "B": "2"}}))
    assert settings_of(tmp_path) == {"env": {"B": "2"}}


def test_a_component_that_moves_to_nothing_leaves_no_file(tmp_path: Path) -> None:
    install(tmp_path, package("setting", "x/s", {"env": {"A": "1"}}))
    update(tmp_path, package("setting", "x/s", {"description": "Nothing any more."}))
    assert not (tmp_path / ".claude/settings.json").exists()
    remove_all(tmp_path)
    assert tree(tmp_path) == {}


def test_its_scope_stays(tmp_path: Path) -> None:
    install(tmp_path, package("setting", "x/s", {"env": {"A": "1"}}), scope=Scope.LOCAL)
    update(tmp_path, package("setting", "x/s", {"env": {"A": "2"}}))
    assert settings_of(tmp_path, "settings.local.json") == {"env": {"A": "2"}}
    assert not (tmp_path / ".claude/settings.json").exists()


def servers(**commands: str) -> Mapping[str, Any]:
    return {"mcpServers": {name: {"command": command} for name, command in commands.items()}}


@pytest.mark.parametrize(("approve", "approved"), [(False, ["one"]), (True, ["one", "three"])])
def test_approval_stays_with_the_servers_that_had_it(tmp_path: Path, approve: bool, approved: list[str]) -> None:
    install(tmp_path, package("mcp", "x/m", servers(one="a", two="b")), approve=True)
    assert settings_of(tmp_path, "settings.local.json") == {"enabledMcpjsonServers": ["one", "two"]}
    update(tmp_path, package("mcp", "x/m", servers(one="a", three="c")), approve=approve)
    assert settings_of(tmp_path, "settings.local.json") == {"enabledMcpjsonServers": approved}
    assert LOCAL_SETTINGS_FILE in locked_of(tmp_path).merged
    remove_all(tmp_path)
    assert tree(tmp_path) == {}


def test_what_was_not_approved_is_not_approved_by_an_update(tmp_path: Path) -> None:
    install(tmp_path, package("mcp", "x/m", servers(one="a")))
    update(tmp_path, package("mcp", "x/m", servers(one="b")))
    assert not (tmp_path / ".claude/settings.local.json").exists()


# Consent


def agreed(project: Path, before: Package, after: Package, *, approve: bool = False) -> set[str]:
    install(project, before, approve=approve)
    return {risk.rule for risk in new_risks(locked_of(project), after)}


def hook(command: str, script: str = "", **more: Any) -> Package:
    content = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}, **more}
    return package("hook", "x/h", content, h_py=script)


def test_what_was_agreed_to_is_not_asked_again(tmp_path: Path) -> None:
    line = "python3 .claude/hooks/h.py"
    assert agreed(tmp_path, hook(line, "1"), hook(line, "1", description="Other words.")) == set()


@pytest.mark.parametrize(
    "after", [hook("python3 .claude/hooks/h.py --more", "1"), hook("python3 .claude/hooks/h.py", "2")]
)
def test_other_code_needs_consent_again(tmp_path: Path, after: Package) -> None:
    assert agreed(tmp_path, hook("python3 .claude/hooks/h.py", "1"), after)


def test_a_setting_that_becomes_risky_needs_consent(tmp_path: Path) -> None:
    before = package("setting", "x/s", {"env": {"DISABLE_TELEMETRY": "1"}})
    after = package("setting", "x/s", {"env": {"ANTHROPIC_BASE_URL": "https://other.example"}})
    assert agreed(tmp_path, before, after)


def test_an_approved_server_that_changes_needs_consent(tmp_path: Path) -> None:
    before, after = package("mcp", "x/m", servers(one="a")), package("mcp", "x/m", servers(one="b"))
    assert "approved-server" in agreed(tmp_path, before, after, approve=True)
    same = package("mcp", "x/m", {**servers(one="a"), "description": "Other words."})
    assert "approved-server" not in {risk.rule for risk in new_risks(locked_of(tmp_path), same)}


def test_a_server_that_the_user_has_approved_himself_needs_consent_when_it_changes(tmp_path: Path) -> None:
    before, after = package("mcp", "x/m", servers(one="a")), package("mcp", "x/m", servers(one="b"))
    assert "approved-server" not in agreed(tmp_path, before, after)
    for text in ('{"enabledMcpjsonServers": ["one"]}', '{"enableAllProjectMcpServers": true}'):
        write_tree(tmp_path, {".claude/settings.local.json": text})
        found = new_risks(locked_of(tmp_path), after, approved_at(Site.of_project(tmp_path)))
        assert "approved-server" in {risk.rule for risk in found}


def test_a_server_under_a_second_name_is_told_by_that(tmp_path: Path) -> None:
    write_tree(tmp_path, {".mcp.json": json.dumps(servers(one="mine"))})
    request = AddRequest.of((package("mcp", "x/m", servers(one="a")),), tmp_path, Scope.PROJECT, approve=True)
    apply(request.site, lambda: plan_add(request.deciding(Decisions(Decision.BOTH))))
    [changed] = new_risks(locked_of(tmp_path), package("mcp", "x/m", servers(one="b")))
    assert "one-2" in changed.what


def test_a_lock_file_that_came_from_elsewhere_is_no_consent(tmp_path: Path) -> None:
    evil = hook("true")
    lock = Lock((Locked(evil.item.kind, evil.item.name, "/proc/self/cwd/evil", None, evil.digest, Scope.LOCAL),))
    write_tree(tmp_path, {".claude/cct.lock": lock.to_bytes()})
    assert {risk.rule for risk in new_risks(locked_of(tmp_path), evil)} == {"hook-command"}


def test_an_approval_that_only_the_lock_file_knows_is_none(tmp_path: Path) -> None:
    install(tmp_path, package("mcp", "x/m", servers(one="a")), approve=True)
    local = tmp_path / ".claude/settings.local.json"
    local.unlink()  # as for whoever shares the project: this file is not shared
    lock = lock_of(tmp_path)
    install(tmp_path, package("mcp", "x/m", servers(one="a")))
    assert not local.exists()
    assert lock_of(tmp_path) == lock
    update(tmp_path, package("mcp", "x/m", {**servers(one="a"), "description": "Other words."}))
    assert not local.exists()
    assert locked_of(tmp_path).merged == lock.components[0].merged


def test_without_the_old_version_all_of_it_is_new(tmp_path: Path, home: Path) -> None:
    install(tmp_path, hook("true"))
    for kept in (home / ".local/share/cct-cloudflare/packages").iterdir():
        kept.unlink()
    assert new_risks(locked_of(tmp_path), hook("true", description="x"))


# Three-way


def test_a_component_that_was_taken_out_meanwhile_is_left_out(tmp_path: Path) -> None:
    plan = plan_update(UpdateRequest(Site.of_project(tmp_path), (package("agent", "x/a", NEW),)))
    assert (plan.steps, plan.is_done) == ((), True)


def test_another_source_with_the_same_content_is_recorded(tmp_path: Path) -> None:
    install(tmp_path, package("agent", "x/a", OLD))
    moved = dataclasses.replace(package("agent", "x/a", OLD, source="team"), revision="c0ffee")
    update(tmp_path, moved)
    assert (locked_of(tmp_path).source, locked_of(tmp_path).revision) == ("team", "c0ffee")
    assert (tmp_path / AGENT).read_text() == OLD


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        ("a\nb\nc\n", "a\nb\nc\n", "a\nb\nc\n"),
        ("A\nb\nc\n", "a\nb\nc\n", "A\nb\nc\n"),
        ("a\nb\nc\n", "a\nb\nC\n", "a\nb\nC\n"),
        ("A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
        ("A\nb\nc\n", "X\nb\nc\n", None),
        ("a\r\nb\r\nc\r\n", "a\nb\nC\n", None),
        ("A\nb\nc", "a\nb\nC", None),
        ("\0", "a\nb\nC\n", None),
        ("", "a\nb\nC\n", None),
    ],
)
def test_texts(ours: str, theirs: str, merged: str | None) -> None:
    found = merge_texts(b"a\nb\nc\n", ours.encode(), theirs.encode())
    assert found == (None if merged is None else merged.encode())
