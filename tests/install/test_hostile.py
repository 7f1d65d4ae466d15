"""Packages, projects and lock files that mean harm: refused with a code, and nothing written anywhere."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Item, Package
from cct_cloudflare.errors import CctError, ConfigError, Exit, UnsafeError, UsageError
from cct_cloudflare.install import journal
from cct_cloudflare.install.lockfile import Lock, read_lock
from cct_cloudflare.install.site import Site
from tests.install.trees import add, package, remove, tree, write_tree

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX links")

NAMES = ["../x", "a/../../x", "/etc/x", "a\\..\\x", "~/x", "C:/x", "a/%2e%2e/x", "CON", "a/nul.md"]
NAMES += ["x.", "x" * 300, "a\x1bb", "a\u202eb", ""]
AGENT = package("agent", "a/x", "X\n")
SETTING = package("setting", "a/e", {"env": {"A": "1"}})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["agent", "skill", "hook"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str, kind: str) -> None:
    project = write_tree(tmp_path / "project", {"a": ""})
    before = tree(tmp_path)
    with pytest.raises(UnsafeError) as refused:
        add(project, package(kind, name, "{}"))
    assert refused.value.code == "unsafe_component"
    assert refused.value.exit_code == Exit.UNSAFE
    assert refused.value.message.isprintable()
    assert tree(tmp_path) == before


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../../x", "a\\b", ".git/hooks/x", "con.txt", "a\nb", "a//b"])
def test_a_file_of_a_skill_that_leads_elsewhere_is_refused(tmp_path: Path, path: str) -> None:
    skill = Package(Item(Kind.SKILL, "a/s", "", "x"), {"SKILL.md": b"S", path: b"X"}, "SKILL.md")
    with pytest.raises(UnsafeError):
        add(tmp_path, skill)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [("readme.md", "README.md"), ("é.md", "e\u0301.md"), ("a", "a/b"), ("A/b/c", "a/B"), ("x", "skill.md")],
)
def test_two_files_of_a_skill_that_need_one_place_are_refused(tmp_path: Path, one: str, other: str) -> None:
    files = {"SKILL.md": b"S", one: b"1", other: b"2"}
    with pytest.raises(UsageError) as refused:
        add(tmp_path, Package(Item(Kind.SKILL, "a/s", "", "x"), files, "SKILL.md"))
    assert refused.value.code == "component_invalid"
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("kind", ["setting", "hook", "mcp"])
def test_a_component_without_an_object_is_named_with_its_file_and_source(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UsageError) as refused:
        add(tmp_path, package("agent", "x/good", "Text.\n"), package(kind, "x/bad", "[]", source="team"))
    assert refused.value.code == "component_invalid"
    assert refused.value.message == f"{kind}/x/bad cannot be installed: it is not a JSON object."
    assert refused.value.hint.startswith("Look at its bad.json in team")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    "text",
    [
        b"---\nname: [unclosed\n---\nBody",
        b"\xef\xbb\xbf---\r\nname: x\r\ndescription: Use: <example>user: y: z</example>\r\n---\r\nBody\r\n",
        b"---\nname: never closed\n",
    ],
)
def test_broken_frontmatter_is_a_warning_and_its_bytes_stay(tmp_path: Path, text: bytes) -> None:
    applied = add(tmp_path, package("agent", "a/x", text))
    assert (tmp_path / ".claude/agents/x.md").read_bytes() == text
    assert "frontmatter" in applied.plan.steps[0].notes[0]


def test_a_leaf_in_nested_categories_is_the_last_part(tmp_path: Path) -> None:
    add(tmp_path, package("agent", "a/b/c", "X\n"))
    assert (tmp_path / ".claude/agents/c.md").read_text() == "X\n"


@posix
@pytest.mark.parametrize(
    ("link", "target"),
    [
        (".claude", "outside"),
        (".claude/agents", "outside"),
        (".claude/agents/x.md", "outside/x.md"),
        (".claude/settings.json", "outside/settings.json"),
        (".claude/cct.lock", "outside/cct.lock"),
        (".claude/settings.json", "project/other.json"),
    ],
)
def test_a_link_is_not_written_through(tmp_path: Path, link: str, target: str) -> None:
    project = tmp_path / "project"
    write_tree(
        tmp_path,
        {"outside/settings.json": "{}", "outside/x.md": "X\n", "outside/cct.lock": "{}", "project/other.json": "{}"},
    )
    (project / link).parent.mkdir(parents=True, exist_ok=True)
    (project / link).symlink_to(tmp_path / target)
    before = tree(tmp_path)
    with pytest.raises(CctError) as refused:
        add(project, AGENT, SETTING)
    assert refused.value.exit_code == Exit.UNSAFE
    assert tree(tmp_path) == before


@posix
def test_a_folder_that_links_within_the_project_is_used(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / ".claude").symlink_to("shared")
    add(tmp_path, AGENT, SETTING)
    assert (tmp_path / "shared/agents/x.md").exists()
    remove(tmp_path, AGENT.item.ref, SETTING.item.ref)
    assert list((tmp_path / "shared").iterdir()) == []


@pytest.mark.parametrize("path", [".claude", ".claude/agents", ".mcp.json", ".claude/settings.json"])
def test_something_else_in_the_way_is_said(tmp_path: Path, path: str) -> None:
    place = tmp_path / path
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.endswith(".json"):
        place.mkdir()
    else:
        place.write_text("x")
    before = tree(tmp_path)
    with pytest.raises(CctError) as refused:
        add(tmp_path, AGENT, SETTING, package("mcp", "a/m", {"mcpServers": {"m": {"command": "x"}}}))
    assert refused.value.exit_code == Exit.CONFIG
    assert tree(tmp_path) == before


@posix
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    os.mkfifo(tmp_path / ".claude/settings.json")
    with pytest.raises(ConfigError):
        add(tmp_path, SETTING)


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root writes everywhere")
def test_a_project_that_cannot_be_written_stays_as_it_is(tmp_path: Path) -> None:
    project = write_tree(tmp_path / "project", {"a": ""})
    project.chmod(0o555)
    with pytest.raises(ConfigError):
        add(project, AGENT)
    project.chmod(0o755)
    assert set(tree(project)) == {"a"}


def test_what_is_larger_than_any_setting_is_not_read(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    with (tmp_path / ".claude/settings.json").open("wb") as file:
        file.truncate(60 * 1024 * 1024)
    with pytest.raises(CctError):
        add(tmp_path, SETTING)
    assert (tmp_path / ".claude/settings.json").stat().st_size == 60 * 1024 * 1024


def lock_of(project: Path) -> dict[str, Any]:
    add(project, AGENT, SETTING)
    data: dict[str, Any] = json.loads((project / ".claude/cct.lock").read_text())
    return data


def _set(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        place: Any = data
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to

    return change


SHA = "0" * 64


@pytest.mark.parametrize(
    "change",
    [
        _set("components", 0, "files", to={"../../etc/passwd": SHA}),
        _set("components", 0, "files", to={"src/main.py": SHA}),
        _set("components", 0, "files", to={".claude/settings.json": SHA}),
        _set("components", 0, "files", to={".claude/agents/../../x": SHA}),
        _set("components", 0, "files", to={".claude/agents/.x": SHA}),
        _set("components", 0, "files", to={".claude/agents/x.md": "short"}),
        _set("components", 0, "files", to=[]),
        _set("components", 0, "replaced", to={"/etc/passwd": SHA}),
        _set("components", 1, "merged", to={"package.json": {"pieces": [], "containers": []}}),
        _set("components", 1, "merged", to={".mcp.json": 5}),
        _set("components", 0, "kind", to="virus"),
        _set("components", 0, "name", to="../x"),
        _set("components", 0, "scope", to="world"),
        _set("components", 0, "digest", to="x"),
        _set("components", 0, "source", to=5),
        _set("components", to={}),
        _set("components", 0, to=None),
        _set("folders", to=["src"]),
        _set("folders", to=[".."]),
        _set("folders", to=[5]),
        _set("version", to=2),
    ],
)
def test_a_lock_file_can_name_only_what_cct_installs(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    data = lock_of(tmp_path)
    change(data)
    write_tree(tmp_path, {".claude/cct.lock": json.dumps(data), "src/main.py": ""})
    before = tree(tmp_path)
    for act in (lambda: remove(tmp_path, "agent/x"), lambda: add(tmp_path, AGENT), lambda: read_lock(tmp_path)):
        with pytest.raises(ConfigError, match=r"cct\.lock cannot be used"):
            act()
    assert tree(tmp_path) == before


DEEP = '{"version": 1, "components": ' + "[" * 5000


@pytest.mark.parametrize("text", ["", "null", "[]", "{", "<<<<<<< HEAD\n", "\xff", DEEP])
def test_a_lock_file_that_is_none_stops_everything(tmp_path: Path, text: str) -> None:
    write_tree(tmp_path, {".claude/cct.lock": text.encode("latin-1")})
    with pytest.raises(ConfigError):
        add(tmp_path, AGENT)
    assert not (tmp_path / ".claude/agents").exists()


def test_the_same_component_twice_in_a_lock_is_none(tmp_path: Path) -> None:
    data = lock_of(tmp_path)
    data["components"].append(data["components"][0])
    with pytest.raises(ValueError, match="twice"):
        Lock.from_bytes(json.dumps(data).encode())


def test_a_lock_reads_as_it_was_written(tmp_path: Path) -> None:
    lock_of(tmp_path)
    written = (tmp_path / ".claude/cct.lock").read_bytes()
    assert Lock.from_bytes(written).to_bytes() == written


def test_a_journal_that_is_damaged_is_put_aside(tmp_path: Path) -> None:
    site = Site.of_project(tmp_path)
    write = {"path": "a", "before": 9, "after": None, "executable": False, "mode": None}
    cut = json.dumps({"version": 1, "id": "x", "writes": [write], "made": [], "emptied": []}).encode() + b"\nx"
    for data in (b"", b"{}\n", cut):
        site.state.mkdir(parents=True, exist_ok=True)
        (site.state / "journal").write_bytes(data)
        assert journal.heal(site) is None
        assert not journal.is_pending(site)
    add(tmp_path, AGENT)
    assert (tmp_path / ".claude/agents/x.md").exists()
