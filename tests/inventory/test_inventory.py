"""Catalogs and the lock file, joined."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cct_cloudflare import config
from cct_cloudflare.catalog import project_catalog
from cct_cloudflare.components.model import Kind
from cct_cloudflare.errors import ConfigError, UsageError
from cct_cloudflare.install.lockfile import LOCK_NAME, Lock, Locked, Scope
from cct_cloudflare.inventory import Inventory, Listed, catalog_named, read_locks, search_listed, select, take
from cct_cloudflare.registries import book
from tests.catalog.trees import agents, catalog
from tests.components.trees import write_tree

DIGEST = hashlib.sha256(b"x").hexdigest()


def locked(kind: Kind, name: str, source: str = "test", *files: str, scope: Scope = Scope.PROJECT) -> Locked:
    return Locked(kind, name, source, None, DIGEST, scope, dict.fromkeys(files, DIGEST))


def write_lock(folder: Path, *components: Locked) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOCK_NAME).write_bytes(Lock(components).to_bytes())


def told(listed: list[Listed]) -> list[tuple[str, str, str | None]]:
    return [(one.item.ref, one.item.source, one.scope) for one in listed]


def silent(text: str) -> None:
    raise AssertionError(text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {f".claude/{path}": text for path, text in agents("mine", "x/dev").items()}
    return write_tree(tmp_path / "project", files)


def test_what_is_installed_is_known_by_kind_name_and_source(tmp_path: Path) -> None:
    one = catalog(tmp_path / "1", agents("x/dev", "x/other"), "one")
    two = catalog(tmp_path / "2", agents("x/dev"), "two")
    inventory = Inventory((one, two), [locked(Kind.AGENT, "x/dev", "two", scope=Scope.USER)])
    assert told(inventory.listed()) == [
        ("agent/x/dev", "one", None),
        ("agent/x/other", "one", None),
        ("agent/x/dev", "two", Scope.USER),
    ]
    assert [one.to_json()["installed"] for one in inventory.listed()] == [False, False, True]


def test_a_file_that_cct_wrote_is_not_listed_once_more_as_the_projects_own(project: Path, tmp_path: Path) -> None:
    one = catalog(tmp_path / "1", agents("team/dev"), "one")
    of_cct = locked(Kind.AGENT, "team/dev", "one", ".claude/agents/x/dev.md")
    inventory = Inventory((project_catalog(project), one), [of_cct])
    assert told(inventory.listed()) == [
        ("agent/mine", "project", Scope.PROJECT),
        ("agent/team/dev", "one", Scope.PROJECT),
    ]


def test_what_came_from_a_source_that_is_not_at_hand_is_listed_as_installed(project: Path) -> None:
    gone = locked(Kind.AGENT, "far/dev", "gone\x1b", ".claude/agents/x/dev.md")
    merged = locked(Kind.MCP, "far/server", "gone\x1b")
    inventory = Inventory((project_catalog(project),), [merged, gone])
    assert told(inventory.listed()) == [
        ("agent/mine", "project", Scope.PROJECT),
        ("agent/far/dev", "gone\\u001b", Scope.PROJECT),
        ("mcp/far/server", "gone\\u001b", Scope.PROJECT),
    ]
    assert inventory.listed()[1].item.description == "about dev", "which the installed file says"
    assert told(inventory.listed(Kind.MCP)) == [("mcp/far/server", "gone\\u001b", Scope.PROJECT)]


def test_of_one_source_only_what_came_from_there_is_listed(tmp_path: Path) -> None:
    one = catalog(tmp_path / "1", agents("x/dev"), "one")
    others = [locked(Kind.AGENT, "y/gone", "one"), locked(Kind.AGENT, "z/gone", "two")]
    inventory = Inventory((one,), others, is_whole=False)
    assert told(inventory.listed()) == [
        ("agent/x/dev", "one", None),
        ("agent/y/gone", "one", Scope.PROJECT),
    ]


def test_load_finds_over_all_sources(project: Path, tmp_path: Path) -> None:
    one = catalog(tmp_path / "1", {"agents/team/dev.md": "other", **agents("team/more")}, "one")
    inventory = Inventory((project_catalog(project), one), [locked(Kind.AGENT, "team/more", "one")])
    more, package = inventory.load("more", Kind.AGENT)
    assert (more.item.name, more.scope, package.main) == ("team/more", Scope.PROJECT, "more.md")
    with pytest.raises(UsageError) as caught:
        inventory.load("dev", Kind.AGENT)
    assert caught.value.code == "component_ambiguous"
    assert "--from project" in caught.value.hint
    of_cct = locked(Kind.AGENT, "team/dev", "one", ".claude/agents/x/dev.md")
    assert Inventory((project_catalog(project), one), [of_cct]).load("dev", Kind.AGENT)[0].item.source == "one"


def test_select_and_search(tmp_path: Path) -> None:
    one = catalog(tmp_path, agents("Sec/a", "sec/deep/b", "security/c", "d"))
    listed = Inventory((one,), [locked(Kind.AGENT, "d")]).listed()
    assert [one.item.leaf for one in select(listed, category="SEC")] == ["a", "b"]
    assert [one.item.leaf for one in select(listed, category="sec/deep/")] == ["b"]
    assert [one.item.leaf for one in select(listed, installed=True)] == ["d"]
    assert [one.item.leaf for one in select(listed, category="none")] == []
    assert next((one.item.leaf, one.installed) for one in search_listed(listed, "about d")) == ("d", True)


def test_locks_of_the_project_and_of_the_user_are_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lock(project / ".claude", locked(Kind.AGENT, "x/a"))
    write_lock(config.claude_dir(), locked(Kind.AGENT, "x/b", scope=Scope.USER))
    assert [one.name for one in read_locks(project)] == ["x/a", "x/b"]
    assert [one.name for one in read_locks(config.claude_dir().parent)] == ["x/b"], "one file is read once"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(project / "elsewhere"))
    write_lock(project / "elsewhere", locked(Kind.AGENT, "x/c", scope=Scope.USER))
    assert [one.name for one in read_locks(project)] == ["x/a", "x/c"]


def test_a_lock_that_cannot_be_used_is_an_error(project: Path) -> None:
    (project / ".claude" / LOCK_NAME).write_text("[]")
    with pytest.raises(ConfigError):
        take(project, note=silent)


def test_all_that_there_is_for_a_project(project: Path) -> None:
    write_lock(project / ".claude", locked(Kind.HOOK, "git/guard-main", "bundled"))
    listed = take(project, note=silent).listed()
    sources = {one.item.source for one in listed}
    assert sources == {"project", "bundled"}
    assert {one.item.ref for one in listed if one.installed} == {"agent/mine", "agent/x/dev", "hook/git/guard-main"}


@pytest.mark.parametrize(("source", "label"), [("project", "project"), ("bundled", "bundled")])
def test_a_source_is_named(source: str, label: str, project: Path) -> None:
    assert catalog_named(source, project, note=silent).label == label
    assert {one.item.source for one in take(project, source, note=silent).listed()} == {label}


def test_a_folder_is_a_source(project: Path, tmp_path: Path) -> None:
    write_tree(tmp_path / "ours", agents("a/b"))
    listed = take(project, str(tmp_path / "ours"), note=silent).listed()
    assert [one.item.ref for one in listed] == ["agent/a/b"]


def test_the_registries_are_where_the_rooms_that_fetch_keep_them() -> None:
    assert book._store().path == config.registries_file()
