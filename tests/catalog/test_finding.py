"""A name over several catalogs: one component, or an error that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cct_cloudflare.catalog import DirectoryCatalog, find
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Catalog, Item, Package
from cct_cloudflare.errors import Exit, UsageError, WorkerError
from tests.catalog.trees import AGENT, agents, catalog


class Unreachable:
    """A registry that is known and cannot be asked."""

    label = "far"

    def items(self, kind: Kind | None = None) -> Sequence[Item]:
        return [Item(Kind.AGENT, "x/dev", "", self.label), Item(Kind.AGENT, "x/other", "", self.label)]

    def load(self, item: Item) -> Package:
        raise WorkerError("It cannot be reached.", code="registry_unreachable")


class Untouchable:
    label = "none"

    def items(self, kind: Kind | None = None) -> Sequence[Item]:
        raise AssertionError("a catalog was asked")

    def load(self, item: Item) -> Package:
        raise AssertionError("a catalog was asked")


def refused(catalogs: Sequence[Catalog], ref: str, kind: Kind = Kind.AGENT) -> UsageError:
    with pytest.raises(UsageError) as caught:
        find(catalogs, ref, kind)
    assert caught.value.exit_code == Exit.USAGE
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("ref", ["a/b/c", "c", "c.md", "A/B/C", "C"])
def test_a_nested_component_is_found_by_its_whole_name_and_by_its_leaf(ref: str, tmp_path: Path) -> None:
    found = catalog(tmp_path, agents("a/b/c", "a/b", "b/c2", "c/x"))
    assert find([found], ref, Kind.AGENT) == (found, found.items(Kind.AGENT)[1])
    assert find([found], ref, Kind.AGENT)[1].name == "a/b/c"


@pytest.mark.parametrize(
    ("kind", "ref"), [(Kind.HOOK, "git/guard"), (Kind.HOOK, "guard.json"), (Kind.SKILL, "s"), (Kind.SKILL, "called")]
)
def test_every_kind_is_found(kind: Kind, ref: str, tmp_path: Path) -> None:
    skill = "---\nname: called\ndescription: d\n---\n"
    found = catalog(tmp_path, {"hooks/git/guard.json": "{}", "skills/q/s/SKILL.md": skill})
    assert find([found], ref, kind)[1].name in ("git/guard", "q/s")


def test_an_agent_answers_to_the_name_it_gives_itself_when_no_file_has_it(tmp_path: Path) -> None:
    found = catalog(tmp_path, {"agents/fe.md": AGENT.format("dev"), "agents/be.md": AGENT.format("other")})
    assert find([found], "dev", Kind.AGENT)[1].name == "fe"
    assert find([found], "be", Kind.AGENT)[1].name == "be"


def test_one_leaf_in_two_categories_is_never_one_over_the_other(tmp_path: Path) -> None:
    found = catalog(tmp_path, {"agents/a/dev.md": "one", "agents/b/dev.md": "two"})
    error = refused([found], "dev")
    assert error.code == "component_ambiguous"
    assert "a/dev (test), b/dev (test)" in error.message
    assert "category" in error.hint
    assert find([found], "b/dev", Kind.AGENT)[1].name == "b/dev"


def test_two_sources_with_other_content_have_to_be_told_apart(tmp_path: Path) -> None:
    one = catalog(tmp_path / "1", {"agents/x/dev.md": "one"}, "one")
    two = catalog(tmp_path / "2", {"agents/x/dev.md": "two"}, "two")
    for ref in ("dev", "x/dev"):
        error = refused([one, two], ref)
        assert error.code == "component_ambiguous"
        assert "x/dev (one), x/dev (two)" in error.message
        assert "--from one" in error.hint
    assert find([two], "dev", Kind.AGENT)[0] is two


def test_the_same_content_is_one_component_and_the_first_source_gives_it(tmp_path: Path) -> None:
    one = catalog(tmp_path / "1", agents("x/dev"), "one")
    two = catalog(tmp_path / "2", agents("y/dev"), "two")
    assert find([one, two], "dev", Kind.AGENT) == (one, one.items()[0])
    assert find([two, one], "dev", Kind.AGENT) == (two, two.items()[0])
    assert find([one, two], "y/dev", Kind.AGENT)[0] is two


def test_a_side_file_counts_as_content(tmp_path: Path) -> None:
    one = catalog(tmp_path / "1", {"hooks/h.json": "{}", "hooks/h.py": "1"}, "one")
    two = catalog(tmp_path / "2", {"hooks/h.json": "{}", "hooks/h.py": "2"}, "two")
    assert refused([one, two], "h", Kind.HOOK).code == "component_ambiguous"


def test_a_source_that_cannot_be_reached_counts_as_different(tmp_path: Path) -> None:
    near = catalog(tmp_path, agents("x/dev"))
    assert refused([near, Unreachable()], "dev").code == "component_ambiguous"
    assert find([near, Unreachable()], "other", Kind.AGENT)[1].source == "far"


@pytest.mark.parametrize(("one", "other"), [("x/Dev", "x/dev"), ("x/café", "x/cafe\u0301")])
def test_names_equal_but_for_case_or_unicode_form_are_a_conflict(one: str, other: str, tmp_path: Path) -> None:
    found = catalog(tmp_path, {f"agents/{one}.md": "1", f"agents/{other}.md": "2"})
    if len(found.items()) < 2:
        pytest.skip("this file system takes the two for one")
    for ref in (one, other, one.rpartition("/")[2]):
        error = refused([found], ref)
        assert error.code == "component_ambiguous"
        assert "rename" in error.hint


def test_an_unknown_name_gets_the_nearest_ones(tmp_path: Path) -> None:
    found = catalog(tmp_path, {**agents("team/python-developer", "qa/tester"), "hooks/guard.json": "{}"})
    assert refused([found], "pyton-developer").hint == "Did you mean team/python-developer?"
    assert refused([found], "pyton").hint == "About that there is team/python-developer. More: cct search pyton"
    assert refused([found], "guard").hint == "It is a hook: use --hook guard."
    assert "qa/tester" in refused([found], "zzz").hint
    assert refused([], "zzz").hint == "See what there is: cct list --kind agent"


@pytest.mark.parametrize(
    "ref",
    ["../x", "a/../../x", "/etc/passwd", "%2e%2e/x", "a\\b", "~/x", "C:x", "CON", "x.", "a" * 300, "", "a\u202eb"],
)
@pytest.mark.parametrize("kind", Kind)
def test_an_unsafe_name_is_refused_before_any_catalog_is_asked(kind: Kind, ref: str) -> None:
    assert refused([Untouchable()], ref, kind).code == "component_invalid"


def test_a_directory_with_very_many_of_one_name_names_only_some(tmp_path: Path) -> None:
    found = catalog(tmp_path, {f"agents/{n:02}/x.md": str(n) for n in range(60)})
    message = refused([found], "x").message
    assert "and 40 more" in message and len(message) < 1000


def test_a_catalog_is_what_the_protocol_says(tmp_path: Path) -> None:
    found: Catalog = DirectoryCatalog("x", tmp_path, tmp_path)
    assert found.label == "x"
