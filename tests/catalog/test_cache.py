"""What is remembered of files changes nothing of what is listed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cct_cloudflare import config
from cct_cloudflare.catalog import DirectoryCatalog, cache, local
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Item
from cct_cloudflare.components.walking import Entry
from tests.catalog.trees import AGENT, agents, catalog

MANY = [f"x/a{number:03}" for number in range(60)]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of what was read, in a world in which no file was changed just now."""
    read: list[str] = []
    told: Callable[[Entry], object] = local._summary

    def summary(entry: Entry) -> object:
        read.append(entry.name)
        return told(entry)

    monkeypatch.setattr(local, "_summary", summary)
    monkeypatch.setattr(cache, "SETTLED_SECONDS", -1000.0)
    yield read


def listed(root: Path, kind: Kind | None = None) -> list[Item]:
    return list(DirectoryCatalog("test", root, root).items(kind))


def files() -> list[Path]:
    return sorted((config.cache_dir() / "catalogs").glob("*"))


def test_the_second_time_nothing_is_read(tmp_path: Path, reads: list[str]) -> None:
    catalog(tmp_path, agents(*MANY))
    first = listed(tmp_path)
    assert sorted(reads) == MANY
    reads.clear()
    assert listed(tmp_path) == first
    assert reads == []
    assert [path.name[0] for path in files()] != ["."], "no temporary file is left"


def test_only_what_changed_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    catalog(tmp_path, agents(*MANY))
    listed(tmp_path)
    reads.clear()
    (tmp_path / "agents/x/a007.md").write_text("---\ndescription: another\n---\n")
    (tmp_path / "agents/x/a008.md").unlink()
    (tmp_path / "agents/x/new.md").write_text(AGENT.format("new"))
    # The same size, and the time set back: the file's own number tells.
    exchanged = tmp_path / "agents/x/a009.md"
    before = exchanged.stat()
    (tmp_path / "other").write_text(AGENT.format("b009"))
    os.utime(tmp_path / "other", ns=(before.st_atime_ns, before.st_mtime_ns))
    (tmp_path / "other").replace(exchanged)
    described = {item.name: item.description for item in listed(tmp_path)}
    assert sorted(reads) == ["x/a007", "x/a009", "x/new"]
    assert (described["x/a007"], described["x/a009"], described["x/new"]) == ("another", "about b009", "about new")
    assert "x/a008" not in described and len(described) == 60
    reads.clear()
    listed(tmp_path)
    assert reads == []


def test_a_file_that_was_changed_just_now_is_not_remembered(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "SETTLED_SECONDS", 1000.0)
    catalog(tmp_path, agents(*MANY))
    first = listed(tmp_path)
    reads.clear()
    assert listed(tmp_path) == first
    assert sorted(reads) == MANY
    assert files() == []


def test_two_folders_and_two_kinds_are_kept_apart(tmp_path: Path, reads: list[str]) -> None:
    commands = {f"commands/{name}.md": f"# {name}" for name in MANY}
    one = catalog(tmp_path / "1", {**agents(*MANY), **commands}).items()
    two = catalog(tmp_path / "2", {f"agents/{name}.md": "# other" for name in MANY}).items()
    assert len(files()) == 3
    assert listed(tmp_path / "1") == one
    assert listed(tmp_path / "2") == two


def test_a_small_folder_leaves_nothing_behind(tmp_path: Path, reads: list[str]) -> None:
    catalog(tmp_path, agents(*MANY[: cache.LEAST_ENTRIES - 1])).items()
    assert files() == []


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"format": 1}',
        b'{"format": "x", "entries": {}}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_damaged_cache_is_made_anew(damage: bytes, tmp_path: Path, reads: list[str]) -> None:
    catalog(tmp_path, agents(*MANY))
    first = listed(tmp_path)
    (file,) = files()
    file.write_bytes(damage)
    reads.clear()
    assert listed(tmp_path) == first
    assert sorted(reads) == MANY
    reads.clear()
    assert listed(tmp_path) == first and reads == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    row=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=12,
    )
)
def test_a_row_of_any_shape_is_no_danger(row: object, tmp_path: Path, reads: list[str]) -> None:
    catalog(tmp_path, agents(*MANY))
    first = listed(tmp_path)
    (file,) = files()
    data = json.loads(file.read_bytes())
    data["entries"]["x/a000"] = row
    file.write_text(json.dumps(data))
    assert listed(tmp_path) == first


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, reads: list[str]) -> None:
    config.cache_dir().parent.mkdir(parents=True, exist_ok=True)
    config.cache_dir().write_text("a file where a folder belongs")
    catalog(tmp_path, agents(*MANY))
    assert len(listed(tmp_path)) == len(listed(tmp_path)) == 60


def test_what_has_not_been_written_for_long_is_dropped(tmp_path: Path, reads: list[str]) -> None:
    catalog(tmp_path / "1", agents(*MANY)).items()
    (old,) = files()
    os.utime(old, (0, 0))
    catalog(tmp_path / "2", agents(*MANY)).items()
    assert len(files()) == 1 and files() != [old]


def test_another_version_of_cct_does_not_use_it(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog(tmp_path, agents(*MANY))
    listed(tmp_path)
    reads.clear()
    monkeypatch.setattr(cache, "__version__", "0.0.0")
    listed(tmp_path)
    assert sorted(reads) == MANY
