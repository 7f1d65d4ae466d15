from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.components.files import MAX_COMPONENT_BYTES
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.sources import (
    BundledSource,
    ProjectSource,
    Source,
    default_sources,
    nearest_names,
    resolve,
)
from cct_cloudflare.errors import Exit, UsageError
from tests.components.trees import write_tree

AGENT = "---\nname: {0}\ndescription: about {0}\n---\nI am {0}.\n"


def agents(*names: str) -> dict[str, str]:
    return {f".claude/agents/{name}.md": AGENT.format(name.rpartition("/")[2]) for name in names}


def source(root: Path, files: Mapping[str, str | bytes], label: str = "test") -> Source:
    write_tree(root, files)
    return Source(label, root / ".claude", root)


def names(found: Source, kind: Kind = Kind.AGENT) -> list[str]:
    return [entry.name for entry in found.entries(kind)]


def refused(refs: list[str], *sources: Source, kind: Kind = Kind.AGENT) -> UsageError:
    with pytest.raises(UsageError) as caught:
        resolve(refs, kind, sources)
    assert caught.value.exit_code == Exit.USAGE
    return caught.value


def test_a_component_carries_what_its_file_says(tmp_path: Path) -> None:
    body = "\nDo $issue.\r\n"
    text = (
        "---\ndescription: d\nallowed-tools: Read, Bash(git *)\nargument-hint: '[a] | --b'\narguments: issue branch\n"
        "model: opus\n---\n"
    )
    found = source(tmp_path, {".claude/commands/dev/fix.md": text + body})
    (component,) = resolve(["fix"], Kind.COMMAND, [found])
    assert (component.kind, component.name, component.category, component.leaf) == (
        Kind.COMMAND,
        "dev/fix",
        "dev",
        "fix",
    )
    assert (component.title, component.description, component.model) == ("fix", "d", "opus")
    assert component.tools == ("Read", "Bash(git *)")
    assert component.argument_hint == "[a] | --b"
    assert component.argument_names == ("issue", "branch")
    assert component.body == body
    assert component.source == "test"
    assert component.warnings == ()


@pytest.mark.parametrize("ref", ["a/b/c", "c", "c.md", "A/B/C"])
def test_a_nested_component_is_found_by_its_whole_name_and_by_its_leaf(ref: str, tmp_path: Path) -> None:
    found = source(tmp_path, agents("a/b/c", "a/b", "b/c2"))
    (component,) = resolve([ref], Kind.AGENT, [found])
    assert (component.name, component.category, component.leaf) == ("a/b/c", "a/b", "c")


def test_an_earlier_source_shadows_a_later_one(tmp_path: Path) -> None:
    first = source(tmp_path / "1", agents("mine/dev"), "first")
    second = source(tmp_path / "2", agents("theirs/dev", "x/dev", "x/other"), "second")
    assert [c.name for c in resolve(["dev", "x/dev", "other"], Kind.AGENT, [first, second])] == [
        "mine/dev",
        "x/dev",
        "x/other",
    ]


def test_the_project_shadows_the_catalog(tmp_path: Path) -> None:
    write_tree(tmp_path, agents("python-developer"))
    found = resolve(["python-developer", "frontend-developer"], Kind.AGENT, default_sources(tmp_path))
    assert [(c.source, c.name) for c in found] == [
        ("project", "python-developer"),
        ("bundled", "development-team/frontend-developer"),
    ]


def test_a_leaf_that_two_categories_have_is_refused(tmp_path: Path) -> None:
    found = source(tmp_path, agents("a/dev", "b/dev", "dev"))
    error = refused(["dev"], found)
    assert error.code == "component_ambiguous"
    assert "a/dev, b/dev, dev" in error.message
    assert [c.name for c in resolve(["a/dev", "b/dev"], Kind.AGENT, [found])] == ["a/dev", "b/dev"]


@pytest.mark.parametrize(("one", "other"), [("x/Dev", "x/dev"), ("x/café", "x/cafe\u0301")])
def test_names_equal_but_for_case_or_unicode_form_are_a_conflict(one: str, other: str, tmp_path: Path) -> None:
    found = source(tmp_path, agents(one, other))
    if len(names(found)) < 2:
        pytest.skip("this file system takes the two for one")
    for ref in (one, other, one.rpartition("/")[2]):
        assert refused([ref], found).code == "component_ambiguous"


def test_an_agent_answers_to_the_name_it_gives_itself(tmp_path: Path) -> None:
    found = source(
        tmp_path,
        {".claude/agents/fe.md": AGENT.format("frontend-developer"), ".claude/commands/x.md": AGENT.format("own")},
    )
    assert resolve(["frontend-developer"], Kind.AGENT, [found])[0].name == "fe"
    assert refused(["own"], found, kind=Kind.COMMAND).code == "component_not_found"


def test_a_component_that_is_named_twice_comes_once(tmp_path: Path) -> None:
    found = source(tmp_path, agents("x/a", "x/b"))
    assert [c.leaf for c in resolve(["b", "a", "x/b"], Kind.AGENT, [found])] == ["b", "a"]


def test_an_unknown_name_gets_the_nearest_ones(tmp_path: Path) -> None:
    found = source(tmp_path, agents("team/python-developer", "team/rust-developer", "qa/tester"))
    error = refused(["pyton-developer"], found)
    assert error.code == "component_not_found"
    assert error.hint.startswith("Did you mean team/python-developer")
    assert "tester" not in error.hint
    assert refused(["wrong/tester"], found).hint == "Did you mean qa/tester?"
    assert "team/python-developer" in refused(["zzz"], found).hint


def test_the_other_kind_is_suggested(tmp_path: Path) -> None:
    found = source(tmp_path, {".claude/commands/setup.md": "x", **agents("dev")})
    assert "--command setup" in refused(["setup"], found).hint
    assert "--agent dev" in refused(["dev"], found, kind=Kind.COMMAND).hint


@given(st.text(min_size=1, max_size=30), st.lists(st.text(min_size=1, max_size=30), max_size=10))
def test_suggestions_are_names_that_exist(ref: str, existing: list[str]) -> None:
    assert set(nearest_names(ref, existing)) <= set(existing)
    assert len(nearest_names(ref, existing)) <= 3


@pytest.mark.parametrize("ref", ["../x", "/etc/passwd", "%2e%2e/x", "a\\b", "~/x", "C:x", "CON", "x.", "a" * 300])
def test_an_unsafe_name_is_refused_before_any_file_is_touched(ref: str) -> None:
    class Untouchable(Source):
        def __init__(self) -> None:
            super().__init__("none", Path("none"), Path("none"))

        def find(self, ref: str, kind: Kind) -> list:  # type: ignore[type-arg]
            raise AssertionError("a source was asked")

    assert refused(["fine", ref], Untouchable()).code == "component_invalid"


def test_only_the_given_project_is_searched_never_a_parent(tmp_path: Path) -> None:
    write_tree(tmp_path, agents("parents"))
    child = write_tree(tmp_path / "child", agents("own"))
    assert names(ProjectSource(child)) == ["own"]
    (tmp_path / "empty").mkdir()
    assert names(ProjectSource(tmp_path / "empty")) == []


def test_links_that_leave_the_project_are_not_followed(tmp_path: Path) -> None:
    write_tree(tmp_path / "outside", {"evil.md": "x", "deep/evil2.md": "x"})
    project = write_tree(tmp_path / "project", {"shared/good.md": "x", **agents("own")})
    folder = project / ".claude" / "agents"
    (folder / "file.md").symlink_to(tmp_path / "outside" / "evil.md")
    (folder / "folder").symlink_to(tmp_path / "outside")
    (folder / "broken.md").symlink_to(tmp_path / "nowhere.md")
    (folder / "inside").symlink_to(project / "shared")
    (folder / "loop").symlink_to(folder)
    assert names(ProjectSource(project)) == ["inside/good", "own"]


@pytest.mark.parametrize("link", [".claude", ".claude/agents"])
def test_a_whole_folder_that_is_a_link_to_elsewhere_is_not_followed(link: str, tmp_path: Path) -> None:
    write_tree(tmp_path / "outside", {"agents/evil.md": "x", "evil.md": "x"})
    project = tmp_path / "project"
    (project / link).parent.mkdir(parents=True)
    (project / link).symlink_to(tmp_path / "outside")
    assert names(ProjectSource(project)) == []


def test_files_that_are_no_components_are_left_out(tmp_path: Path) -> None:
    found = source(
        tmp_path,
        {
            ".claude/agents/a.md": "x",
            ".claude/agents/.hidden.md": "x",
            ".claude/agents/.git/b.md": "x",
            ".claude/agents/notes.txt": "x",
            ".claude/agents/odd\x1b.md": "x",
            ".claude/agents/con.md": "x",
        },
    )
    assert names(found) == ["a"]


@pytest.mark.parametrize(
    "content",
    [b"x" * (MAX_COMPONENT_BYTES + 1), b"\xff\xfea\0", b"a\0b", b"\x80abc"],
    ids=["large", "utf16", "nul", "latin"],
)
def test_a_file_that_is_no_text_of_sensible_size_is_refused(content: bytes, tmp_path: Path) -> None:
    found = source(tmp_path, {".claude/agents/bad.md": content})
    assert refused(["bad"], found).code == "component_invalid"


def test_a_pipe_is_refused_and_does_not_block(tmp_path: Path) -> None:
    found = source(tmp_path, agents("own"))
    os.mkfifo(tmp_path / ".claude" / "agents" / "pipe.md")
    assert refused(["pipe"], found).code == "component_invalid"


def test_broken_frontmatter_keeps_the_body_and_is_a_warning(tmp_path: Path) -> None:
    text = "---\ndescription: a: b\nargument-hint: [a] | --b\n---\n\r\nBody\n"
    found = source(tmp_path, {".claude/commands/c.md": text})
    (component,) = resolve(["c"], Kind.COMMAND, [found])
    assert component.body == "\r\nBody\n"
    assert component.description == "a: b"
    assert component.argument_hint == "[a] | --b"
    assert component.warnings == ("command c: its frontmatter is not valid YAML; what could be read of it is used",)


def test_without_frontmatter_name_and_description_come_from_file_and_body(tmp_path: Path) -> None:
    found = source(
        tmp_path, {".claude/commands/a/deploy.md": "\ufeff# Deploy it\r\n\r\nNow.\r\n", ".claude/commands/b.md": ""}
    )
    deploy, empty = resolve(["deploy", "b"], Kind.COMMAND, [found])
    assert (deploy.title, deploy.description, deploy.body) == ("deploy", "Deploy it", "# Deploy it\r\n\r\nNow.\r\n")
    assert (empty.title, empty.description, empty.body) == ("b", "b", "")


def test_a_description_cannot_steer_a_terminal(tmp_path: Path) -> None:
    found = source(tmp_path, {".claude/agents/a.md": "# \x1b]0;title\x07 \u202eevil"})
    (component,) = resolve(["a"], Kind.AGENT, [found])
    assert component.description == "\\u001b]0;title\\u0007 \\u202eevil"
    assert component.body == "# \x1b]0;title\x07 \u202eevil"


def test_the_bundled_source_has_both_kinds() -> None:
    bundled = BundledSource()
    assert "development-team/python-developer" in names(bundled)
    assert "setup/setup-react" in names(bundled, Kind.COMMAND)
    assert names(bundled, Kind.HOOK) == []
