"""What the user has changed since stays the user's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cct_cloudflare.config import data_dir, state_dir
from cct_cloudflare.errors import UsageError
from cct_cloudflare.install import store
from cct_cloudflare.install.plan import Action
from cct_cloudflare.install.planning import plan_add
from cct_cloudflare.install.removing import plan_remove
from cct_cloudflare.install.request import RemoveRequest
from cct_cloudflare.install.site import Site
from cct_cloudflare.merging.model import Decision
from tests.install.trees import add, package, remove, request, tree, write_tree

AGENT = package("agent", "a/x", "One\nTwo\n")
PLACE = ".claude/agents/x.md"


def test_an_edited_file_is_shown_kept_and_forgotten(tmp_path: Path) -> None:
    add(tmp_path, AGENT)
    (tmp_path / PLACE).write_text("One\nMine\n")
    plan = plan_remove(RemoveRequest(Site.of_project(tmp_path), ("agent/x",)))
    (question,) = plan.assumptions
    assert (question.base, question.ours, question.theirs) == ("One\nTwo\n", "One\nMine\n", None)
    applied = remove(tmp_path, "agent/x")
    assert applied.plan.steps[0].files[0].action is Action.KEPT
    assert set(tree(tmp_path)) == {".claude/", ".claude/agents/", PLACE}


def test_an_edited_file_goes_when_somebody_says_so_and_a_copy_stays(tmp_path: Path) -> None:
    add(tmp_path, AGENT)
    (tmp_path / PLACE).write_text("Mine\n")
    applied = remove(tmp_path, "agent/x", every=Decision.REPLACE)
    assert tree(tmp_path) == {}
    assert applied.outcome.backup is not None
    assert (applied.outcome.backup / PLACE).read_text() == "Mine\n"
    assert applied.outcome.backup.is_relative_to(state_dir())


def test_a_file_that_the_user_deleted_is_no_trouble(tmp_path: Path) -> None:
    add(tmp_path, AGENT)
    (tmp_path / PLACE).unlink()
    remove(tmp_path, "agent/x")
    assert tree(tmp_path) == {}


def test_a_file_that_the_user_deleted_comes_back_when_it_is_added_again(tmp_path: Path) -> None:
    add(tmp_path, AGENT)
    (tmp_path / PLACE).unlink()
    add(tmp_path, AGENT)
    assert (tmp_path / PLACE).read_text() == "One\nTwo\n"


def test_adding_again_asks_about_an_edited_file(tmp_path: Path) -> None:
    add(tmp_path, AGENT)
    (tmp_path / PLACE).write_text("Mine\n")
    (question,) = plan_add(request(tmp_path, AGENT)).questions
    assert question.base == "One\nTwo\n"
    add(tmp_path, AGENT, every=Decision.KEEP)
    assert (tmp_path / PLACE).read_text() == "Mine\n"
    add(tmp_path, AGENT, every=Decision.REPLACE)
    assert (tmp_path / PLACE).read_text() == "One\nTwo\n"
    remove(tmp_path, "agent/x")
    assert tree(tmp_path) == {}


def test_an_edited_value_stays_and_the_rest_goes(tmp_path: Path) -> None:
    add(tmp_path, package("setting", "a/e", {"env": {"A": "1", "B": "1"}}))
    settings = tmp_path / ".claude/settings.json"
    settings.write_text(settings.read_text().replace('"A": "1"', '"A": "mine"'))
    applied = remove(tmp_path, "setting/e")
    assert json.loads(settings.read_text()) == {"env": {"A": "mine"}}
    assert "/env/A" in applied.plan.steps[0].notes[0]


def test_what_the_user_put_beside_it_stays(tmp_path: Path) -> None:
    add(tmp_path, package("skill", "a/s", "S\n", x_py="1"))
    write_tree(tmp_path, {".claude/skills/s/mine.md": "Mine\n"})
    remove(tmp_path, "skill/s")
    assert {path for path in tree(tmp_path) if not path.endswith("/")} == {".claude/skills/s/mine.md"}


@pytest.mark.parametrize("ref", ["agent/a/x", "agent/x", "agents/x", "agent/a/x.md", "Agent/a/x"])
def test_a_component_is_named_by_kind_and_name(tmp_path: Path, ref: str) -> None:
    add(tmp_path, AGENT)
    remove(tmp_path, ref)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("ref", "code"),
    [
        ("agent/none", "component_not_found"),
        ("command/x", "component_not_found"),
        ("x", "component_invalid"),
        ("virus/x", "component_invalid"),
        ("agent/", "component_invalid"),
        ("agent/../x", "component_invalid"),
        ("setting/e", "component_ambiguous"),
    ],
)
def test_what_is_not_installed_is_refused_and_all_of_it(tmp_path: Path, ref: str, code: str) -> None:
    add(tmp_path, AGENT, *(package("setting", f"{top}/e", {"env": {top: "1"}}) for top in "ab"))
    before = tree(tmp_path)
    with pytest.raises(UsageError) as refused:
        remove(tmp_path, "agent/x", ref)
    assert refused.value.code == code
    assert tree(tmp_path) == before


def test_what_is_installed_is_kept_for_later_and_checked(tmp_path: Path) -> None:
    skill = package("skill", "a/s", "S\n", x_bin=b"\x00\xff")
    add(tmp_path, skill)
    assert store.get(skill.digest) == skill.files
    (archive,) = (data_dir() / "packages").iterdir()
    assert archive.stat().st_mode & 0o077 == 0
    whole = archive.read_bytes()
    archive.write_bytes(whole[:-4])
    assert store.get(skill.digest) is None
    for place in range(len(whole) * 8):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        archive.write_bytes(damaged)
        assert store.get(skill.digest) in (None, skill.files), f"bit {place}"
    archive.write_bytes(whole[:-4])
    store.put(skill)
    assert store.get(skill.digest) == skill.files
    assert store.get("../x") is None
    assert store.kept("../x") is None


def test_a_replaced_file_that_is_not_known_here_is_said(tmp_path: Path) -> None:
    write_tree(tmp_path, {PLACE: "Mine\n"})
    add(tmp_path, AGENT, every=Decision.REPLACE)
    for file in (data_dir() / "replaced").iterdir():
        file.unlink()
    applied = remove(tmp_path, "agent/x")
    assert "not known on this machine" in applied.plan.steps[0].notes[0]


def test_backups_are_private_and_not_without_end(tmp_path: Path) -> None:
    write_tree(tmp_path, {".claude/settings.json": "{}\n"})
    setting = package("setting", "a/e", {"env": {"A": "1"}})
    for _ in range(15):
        add(tmp_path, setting)
        remove(tmp_path, "setting/e")
    backups = Site.of_project(tmp_path).state / "backups"
    kept = sorted(int(each.name) for each in backups.iterdir())
    assert kept == list(range(11, 31))
    assert (backups / "30/.claude/cct.lock").stat().st_mode & 0o077 == 0


def test_a_script_that_another_component_needs_as_well_stays_until_that_goes(tmp_path: Path) -> None:
    hooks = {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": ".claude/hooks/x.py"}]}]}}
    add(tmp_path, package("hook", "a/x", hooks, x_py="1"), package("hook", "b/x", hooks, x_py="1"))
    remove(tmp_path, "hook/a/x")
    assert (tmp_path / ".claude/hooks/x.py").read_text() == "1"
    assert (tmp_path / ".claude/settings.json").exists()
    remove(tmp_path, "hook/b/x")
    assert tree(tmp_path) == {}
