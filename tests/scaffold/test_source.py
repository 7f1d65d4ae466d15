"""What counts as the Worker's source, and when it is still cct's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cct_cloudflare.errors import ConfigError, UnsafeError
from cct_cloudflare.scaffold import (
    apply,
    is_pristine,
    packaged_worker_source,
    plan,
    read_worker_source,
    worker_source_hash,
)
from tests.scaffold.trees import target


@pytest.fixture
def place(tmp_path: Path) -> Path:
    apply(plan(tmp_path, name="any-name"))
    return target(tmp_path)


def test_a_rendered_project_is_pristine_whatever_its_name(tmp_path: Path, place: Path) -> None:
    assert is_pristine(tmp_path)
    assert worker_source_hash(place) == packaged_worker_source().hash


def test_what_tools_leave_in_the_template_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = tmp_path / "template"
    (template / "src/__pycache__").mkdir(parents=True)
    (template / "src/index.ts").write_bytes(b"ours")
    (template / "src/__pycache__/made.pyc").write_bytes(b"left")
    monkeypatch.setattr("cct_cloudflare.scaffold.source.template_dir", lambda: template)

    assert packaged_worker_source().files == {"src/index.ts": b"ours"}


def test_a_file_that_is_open_in_an_editor_is_still_ours(tmp_path: Path, place: Path) -> None:
    (place / "src/.index.ts.swp").write_bytes(b"b0VIM 9.0")
    (place / "src/index.ts~").write_bytes(b"before")
    (place / "src/.#index.ts").symlink_to("somebody@machine.4711")
    assert is_pristine(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda place: (place / "src/index.ts").write_bytes(b"evil"),
        lambda place: (place / "src/added.ts").write_bytes(b""),
        lambda place: (place / "src/index.ts").unlink(),
        lambda place: (place / "src/index.ts").rename(place / "src/index2.ts"),
        lambda place: (place / "package.json").write_bytes(b"{}"),
        lambda place: (place / "package-lock.json").write_bytes(b"{}"),
        lambda place: (place / "tsconfig.json").write_bytes(b"{}"),
        lambda place: (place / "scripts/build.mjs").write_bytes(b""),
        lambda place: shutil.rmtree(place),
    ],
)
def test_any_change_to_what_is_built_shows(tmp_path: Path, place: Path, change: Callable[[Path], object]) -> None:
    change(place)
    assert not is_pristine(tmp_path)
    assert worker_source_hash(place) != packaged_worker_source().hash


@pytest.mark.parametrize("path", ["README.md", "wrangler.toml", "test/mine.test.ts", "node_modules/a.js", "build/b.js"])
def test_what_is_not_built_from_does_not_count(tmp_path: Path, place: Path, path: str) -> None:
    (place / path).parent.mkdir(exist_ok=True)
    (place / path).write_bytes(b"mine")
    assert is_pristine(tmp_path)


def test_the_hash_tells_names_from_contents(tmp_path: Path) -> None:
    for number, (name, content) in enumerate([("ab", "c"), ("a", "bc"), ("a", "b"), ("ab", "")]):
        folder = tmp_path / str(number) / "src"
        folder.mkdir(parents=True)
        (folder / name).write_text(content)
    assert len({worker_source_hash(tmp_path / str(number)) for number in range(4)}) == 4


@pytest.mark.parametrize("link", ["src", "src/index.ts", "package.json"])
def test_a_link_among_the_source_is_refused(tmp_path: Path, place: Path, link: str) -> None:
    real = tmp_path / "real"
    (place / link).rename(real)
    (place / link).symlink_to(real)
    with pytest.raises(UnsafeError, match="symbolic link"):
        is_pristine(tmp_path)


def test_a_source_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    with (tmp_path / "src/big.ts").open("wb") as file:
        file.truncate(1 << 34)
    with pytest.raises(ConfigError, match="16 MiB"):
        read_worker_source(tmp_path)


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for number in range(2001):
        (tmp_path / f"src/{number}").touch()
    with pytest.raises(ConfigError, match="2,000 files"):
        read_worker_source(tmp_path)
