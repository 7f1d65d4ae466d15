"""Two things that want one place: asked or refused, never one over the other silently."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from cct_cloudflare.errors import Exit, UsageError
from cct_cloudflare.install.lockfile import read_lock
from cct_cloudflare.install.plan import Action, ConflictError, Decisions, Status
from cct_cloudflare.install.planning import plan_add
from cct_cloudflare.merging.model import Decision, MergeRefusedError
from tests.install.trees import add, package, remove, request, tree, write_tree

AGENT = ".claude/agents/helper.md"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_tree(tmp_path, {AGENT: "Mine.\n", ".mcp.json": '{"mcpServers": {"s": {"command": "mine"}}}\n'})


def test_a_file_of_the_users_is_in_the_way(project: Path) -> None:
    before = tree(project)
    with pytest.raises(ConflictError) as refused:
        add(project, package("agent", "a/helper", "Theirs.\n"))
    assert refused.value.exit_code == Exit.USAGE
    assert refused.value.code == "component_conflict"
    (question,) = refused.value.questions
    assert (question.ours, question.theirs) == ("Mine.\n", "Theirs.\n")
    assert "--keep" in refused.value.hint
    assert "--replace" in refused.value.hint
    assert "--both" not in refused.value.hint
    assert tree(project) == before


def test_keep_leaves_the_component_out(project: Path) -> None:
    before = tree(project)
    applied = add(project, package("agent", "a/helper", "Theirs.\n"), every=Decision.KEEP)
    assert [step.status for step in applied.plan.steps] == [Status.KEPT_OUT]
    assert tree(project) == before


def test_a_file_that_was_replaced_comes_back(project: Path) -> None:
    before = tree(project)
    add(project, package("agent", "a/helper", "Theirs.\n"), every=Decision.REPLACE)
    assert (project / AGENT).read_text() == "Theirs.\n"
    remove(project, "agent/helper")
    assert tree(project) == before


def test_the_same_file_is_the_users_and_stays(project: Path) -> None:
    before = tree(project)
    applied = add(project, package("agent", "a/helper", "Mine.\n"))
    assert applied.plan.steps[0].files[0].action is Action.IDENTICAL
    remove(project, "agent/a/helper")
    assert tree(project) == before


@pytest.mark.parametrize("name", ["Helper", "HELPER"])
def test_names_that_are_equal_but_for_case_are_one_conflict(project: Path, name: str) -> None:
    before = tree(project)
    with pytest.raises(ConflictError):
        add(project, package("agent", f"a/{name}", "Mine.\n"))
    add(project, package("agent", f"a/{name}", "Theirs.\n"), every=Decision.REPLACE)
    assert [file.name for file in (project / ".claude/agents").iterdir()] == [f"{name}.md"]
    remove(project, f"agent/a/{name}")
    assert tree(project) == before


def test_folders_of_skills_that_are_equal_but_for_case_are_one_conflict(tmp_path: Path) -> None:
    write_tree(tmp_path, {".claude/skills/Helper/SKILL.md": "Mine.\n", ".claude/skills/Helper/more.txt": "Mine.\n"})
    before = tree(tmp_path)
    skill = package("skill", "a/helper", "Theirs.\n", run_sh="1")
    with pytest.raises(ConflictError):
        add(tmp_path, skill)
    add(tmp_path, skill, every=Decision.KEEP)
    assert tree(tmp_path) == before
    add(tmp_path, skill, every=Decision.REPLACE)
    skills = tmp_path / ".claude/skills"
    files = {path.relative_to(skills).as_posix() for path in skills.rglob("*") if path.is_file()}
    assert files == {"Helper/more.txt", "helper/SKILL.md", "helper/run.sh"}
    remove(tmp_path, "skill/a/helper")
    assert tree(tmp_path) == before


def test_two_skills_whose_names_differ_by_case_are_one_conflict(tmp_path: Path) -> None:
    one, other = package("skill", "a/Helper", "One.\n"), package("skill", "b/helper", "Other.\n")
    with pytest.raises(ConflictError):
        add(tmp_path, one, other)
    add(tmp_path, one)
    with pytest.raises(ConflictError):
        add(tmp_path, other)
    add(tmp_path, other, every=Decision.REPLACE)
    assert [folder.name for folder in (tmp_path / ".claude/skills").iterdir()] == ["helper"]
    remove(tmp_path, "skill/b/helper")
    assert tree(tmp_path) == {}


def test_names_that_are_equal_but_for_their_unicode_form_are_one_conflict(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "helfér") for form in ("NFC", "NFD"))
    write_tree(tmp_path, {f".claude/agents/{decomposed}.md": "Mine.\n"})
    with pytest.raises(ConflictError):
        add(tmp_path, package("agent", f"a/{composed}", "Theirs.\n"))


def test_two_components_of_one_leaf_are_one_conflict(tmp_path: Path) -> None:
    both = package("agent", "a/helper", "One.\n"), package("agent", "b/helper", "Two.\n")
    with pytest.raises(ConflictError):
        add(tmp_path, *both)
    assert tree(tmp_path) == {}
    add(tmp_path, both[0])
    with pytest.raises(ConflictError) as refused:
        add(tmp_path, both[1])
    assert "agent/a/helper" in refused.value.message
    add(tmp_path, both[1], every=Decision.REPLACE)
    assert [locked.ref for locked in read_lock(tmp_path).components] == ["agent/b/helper"]
    remove(tmp_path, "agent/helper")
    assert tree(tmp_path) == {}


def test_the_same_name_from_another_source_is_a_conflict(tmp_path: Path) -> None:
    add(tmp_path, package("agent", "a/helper", "One.\n"))
    other = package("agent", "a/helper", "Two.\n", source="elsewhere")
    with pytest.raises(ConflictError, match="from bundled"):
        add(tmp_path, other)
    add(tmp_path, other, every=Decision.REPLACE)
    assert read_lock(tmp_path).components[0].source == "elsewhere"
    assert (tmp_path / AGENT).read_text() == "Two.\n"


def test_another_version_of_what_is_installed_is_left_to_update(tmp_path: Path) -> None:
    add(tmp_path, package("agent", "a/helper", "One.\n"))
    before = tree(tmp_path)
    applied = add(tmp_path, package("agent", "a/helper", "Two.\n"))
    assert applied.plan.steps[0].status is Status.OUTDATED
    assert "cct update agent/a/helper" in applied.plan.steps[0].notes[0]
    assert tree(tmp_path) == before


def test_another_scope_than_the_installed_one_is_refused(tmp_path: Path) -> None:
    setting = package("setting", "a/env", {"env": {"A": "1"}})
    add(tmp_path, setting)
    with pytest.raises(ConflictError, match="--scope project"):
        add(tmp_path, setting, scope="local")


def test_a_server_of_the_same_name_is_kept_replaced_or_put_beside(project: Path) -> None:
    before = tree(project)
    theirs = package("mcp", "m/s", {"mcpServers": {"s": {"command": "theirs"}}})
    with pytest.raises(ConflictError) as refused:
        add(project, theirs)
    assert refused.value.to_json()["conflicts"][0]["pointer"] == "/mcpServers/s"
    assert "--both" in refused.value.hint
    servers = {
        Decision.KEEP: {"s": {"command": "mine"}},
        Decision.REPLACE: {"s": {"command": "theirs"}},
        Decision.BOTH: {"s": {"command": "mine"}, "s-2": {"command": "theirs"}},
    }
    for decision, expected in servers.items():
        add(project, theirs, every=decision)
        assert json.loads((project / ".mcp.json").read_text())["mcpServers"] == expected
        after = tree(project)
        again = add(project, theirs, every=decision if decision is Decision.KEEP else None)
        assert again.plan.is_done
        assert tree(project) == after
        if decision is not Decision.KEEP:  # it was left out
            remove(project, "mcp/m/s")
        assert tree(project) == before


def test_what_is_wholly_kept_out_is_left_out_and_can_be_taken_later(project: Path) -> None:
    before = tree(project)
    theirs = package("mcp", "m/s", {"mcpServers": {"s": {"command": "theirs"}}})
    applied = add(project, theirs, every=Decision.KEEP)
    assert [(step.status, step.files[0].action) for step in applied.plan.steps] == [(Status.KEPT_OUT, Action.KEPT)]
    assert tree(project) == before
    add(project, theirs, every=Decision.REPLACE)
    assert json.loads((project / ".mcp.json").read_text()) == {"mcpServers": {"s": {"command": "theirs"}}}


def test_what_is_kept_out_in_part_stays_out_when_it_is_added_again(project: Path) -> None:
    theirs = package("mcp", "m/two", {"mcpServers": {"s": {"command": "theirs"}, "t": {"command": "t"}}})
    add(project, theirs, every=Decision.KEEP)
    expected = {"s": {"command": "mine"}, "t": {"command": "t"}}
    for _ in range(2):
        assert json.loads((project / ".mcp.json").read_text())["mcpServers"] == expected
        assert add(project, theirs).plan.steps[0].status is Status.UNCHANGED


def test_a_refusal_names_what_else_is_in_conflict(project: Path) -> None:
    theirs = package("mcp", "m/s", {"mcpServers": {"s": {"command": "theirs"}}})
    with pytest.raises(ConflictError) as refused:
        add(project, package("agent", "a/helper", "Theirs.\n"), theirs)
    assert refused.value.message == (
        "agent/a/helper needs .claude/agents/helper.md, where a file of yours is; 1 more conflict, with mcp/m/s."
    )


def test_both_is_no_answer_where_there_is_one_place(project: Path) -> None:
    with pytest.raises(ConflictError):
        add(project, package("agent", "a/helper", "Theirs.\n"), every=Decision.BOTH)


def test_one_answer_settles_one_question(project: Path) -> None:
    packages = (
        package("agent", "a/helper", "Theirs.\n"),
        package("mcp", "m/s", {"mcpServers": {"s": {"command": "theirs"}}}),
    )
    plan = plan_add(request(project, *packages))
    assert len(plan.questions) == 2
    answer = {plan.questions[0].key: Decision.REPLACE}
    left = plan_add(request(project, *packages).deciding(Decisions(None, answer)))
    assert [question.key for question in left.questions] == [plan.questions[1].key]


@pytest.mark.parametrize(
    "text",
    [b"null", b"[]", b'"text"', b"{", b'{"env": {}, "env": {}}', b'{"env": 1}', b"\xff\xfe", b'{"env": {"A": 1}} x'],
)
def test_settings_that_cannot_be_edited_stay_and_the_text_to_paste_is_given(tmp_path: Path, text: bytes) -> None:
    write_tree(tmp_path, {".claude/settings.json": text})
    before = tree(tmp_path)
    with pytest.raises(MergeRefusedError) as refused:
        add(tmp_path, package("agent", "a/helper", "x"), package("setting", "a/env", {"env": {"B": "1"}}))
    assert json.loads(refused.value.text_to_paste) == {"env": {"B": "1"}}
    assert refused.value.exit_code == Exit.USAGE
    assert tree(tmp_path) == before


def test_settings_that_became_broken_are_not_touched_by_a_removal(tmp_path: Path) -> None:
    add(tmp_path, package("setting", "a/env", {"env": {"B": "1"}}))
    (tmp_path / ".claude/settings.json").write_text("{")
    before = tree(tmp_path)
    with pytest.raises(MergeRefusedError):
        remove(tmp_path, "setting/env")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("main", ["null", "[]", '"x"', "{", '{"mcpServers": []}'])
def test_a_component_that_is_no_object_is_refused(project: Path, main: str) -> None:
    before = tree(project)
    with pytest.raises(UsageError) as refused:
        add(project, package("mcp", "m/x", main))
    assert refused.value.code == "component_invalid"
    assert tree(project) == before


def test_the_same_hook_twice_is_there_once(tmp_path: Path) -> None:
    group = {"matcher": "Bash", "hooks": [{"type": "command", "command": "x"}]}
    hooks = {"hooks": {"PreToolUse": [group, group]}}
    add(tmp_path, package("hook", "a/one", hooks), package("hook", "b/two", hooks))
    settings = json.loads((tmp_path / ".claude/settings.json").read_text())
    assert settings == {"hooks": {"PreToolUse": [group]}}
    remove(tmp_path, "hook/one")
    assert json.loads((tmp_path / ".claude/settings.json").read_text()) == settings
    remove(tmp_path, "hook/two")
    assert tree(tmp_path) == {}


def test_a_package_with_an_open_question_is_left_out_of_the_plan_as_a_whole(tmp_path: Path) -> None:
    write_tree(tmp_path, {".claude/settings.json": '{"model": "opus"}\n'})
    line = {"type": "command", "command": ".claude/scripts/a.py"}
    setting = package("setting", "x/a", {"statusLine": line, "model": "sonnet"}, a_py="1")
    plan = plan_add(request(tmp_path, setting))
    assert [question.pointer for question in plan.questions] == ["/model"]
    assert plan.is_done
    assert plan.lock.components == ()
