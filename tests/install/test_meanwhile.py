"""What somebody else writes while cct plans, writes or lies dead is never written over."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.errors import ConfigError
from cct_cloudflare.install import journal
from cct_cloudflare.install.applying import apply, heal
from cct_cloudflare.install.journal import Change, ChangedMeanwhileError, Write
from cct_cloudflare.install.plan import Plan
from cct_cloudflare.install.planning import plan_add
from cct_cloudflare.install.site import Site
from tests.install.trees import package, request, tree, write_tree

SETTING = package("setting", "a/e", {"env": {"A": "1"}})


def test_a_file_that_changes_after_the_plan_is_planned_again(tmp_path: Path) -> None:
    settings = tmp_path / ".claude/settings.json"
    write_tree(tmp_path, {".claude/settings.json": "{}\n"})
    asked = request(tmp_path, SETTING)
    plans: list[Plan] = []

    def plan() -> Plan:
        plans.append(plan_add(asked))
        if len(plans) == 1:
            settings.write_text('{"env": {"MINE": "1"}}\n')
        return plans[-1]

    apply(asked.site, plan)
    assert len(plans) == 2
    assert json.loads(settings.read_text()) == {"env": {"MINE": "1", "A": "1"}}


def test_a_file_that_never_holds_still_is_given_up_on(tmp_path: Path) -> None:
    settings = tmp_path / ".claude/settings.json"
    write_tree(tmp_path, {".claude/settings.json": "{}\n"})
    asked = request(tmp_path, SETTING)
    count = 0

    def plan() -> Plan:
        nonlocal count
        count += 1
        planned = plan_add(asked)
        settings.write_text(json.dumps({"count": count}))
        return planned

    with pytest.raises(ConfigError, match="changes while"):
        apply(asked.site, plan)
    assert json.loads(settings.read_text()) == {"count": count}
    assert set(tree(tmp_path)) == {".claude/", ".claude/settings.json"}


def interrupted(project: Path, *writes: Write) -> Site:
    """A project in which a change was written down, and nothing of it done."""
    site = Site.of_project(project)
    site.state.mkdir(parents=True)
    journal._write_journal(site, Change(writes), "0")
    return site


def test_what_was_changed_since_an_interruption_is_left_alone_and_named(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a": "mine", "b": "old", "c": "mine, too", "d": "gone soon"})
    site = interrupted(
        tmp_path,
        Write("a", b"old", b"new"),
        Write("b", b"old", b"new"),
        Write("c", b"old", None),
        Write("d", b"gone soon", None),
        Write("none/e", None, b"new"),
    )
    outcome = heal(site)
    assert outcome is not None
    assert set(outcome.left) == {"a", "c", "none/e"}
    assert {path: value[1] for path, value in tree(tmp_path).items()} == {"a": b"mine", "b": b"new", "c": b"mine, too"}
    assert heal(site) is None


def test_a_change_that_went_back_is_continued_backwards(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a": "new", "b": "old"})
    site = interrupted(tmp_path, Write("a", b"old", b"new"), Write("b", b"old", b"new"), Write("c", None, b"new"))
    (site.state / "backwards").touch()
    heal(site)
    assert {path: value[1] for path, value in tree(tmp_path).items()} == {"a": b"old", "b": b"old"}


def test_a_change_is_made_only_from_what_it_was_planned_for(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a": "mine"})
    site = Site.of_project(tmp_path)
    with pytest.raises(ChangedMeanwhileError), site.held():
        journal.commit(site, Change([Write("b", None, b"new"), Write("a", b"old", b"new")]))
    assert not journal.is_pending(site)
    assert set(tree(tmp_path)) == {"a"}


def test_what_cannot_be_written_in_the_middle_leaves_nothing_to_heal(tmp_path: Path) -> None:
    site = Site.of_project(tmp_path)
    with pytest.raises(ConfigError), site.held():
        journal.commit(site, Change([Write("a", None, b"1"), Write("b", None, b"2"), Write("b/c", None, b"3")], ["b"]))
    assert not journal.is_pending(site)
    assert tree(tmp_path) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX links")
@pytest.mark.parametrize("is_going_back", [False, True])
def test_a_link_that_came_after_an_interruption_is_left_and_named(tmp_path: Path, is_going_back: bool) -> None:
    write_tree(tmp_path, {"a": "old", "elsewhere": "mine"})
    site = interrupted(tmp_path, Write("a", b"old", b"new"), Write("b", None, b"new"))
    if is_going_back:
        (site.state / "backwards").touch()
    (tmp_path / "b").symlink_to("elsewhere")
    outcome = heal(site)
    assert outcome is not None
    assert outcome.left == ("b",)
    assert (tmp_path / "a").read_text() == ("old" if is_going_back else "new")
    assert (tmp_path / "b").is_symlink()
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert heal(site) is None


def test_a_folder_that_goes_while_files_are_put_into_it_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site.of_project(tmp_path)
    write = journal._write_journal

    def vanish(*arguments: Any) -> None:
        write(*arguments)
        (tmp_path / "b").rmdir()

    (tmp_path / "b").mkdir()
    monkeypatch.setattr(journal, "_write_journal", vanish)
    with pytest.raises(ChangedMeanwhileError), site.held():
        journal.commit(site, Change([Write("a", None, b"1"), Write("b/c", None, b"2")]))
    assert tree(tmp_path) == {}
