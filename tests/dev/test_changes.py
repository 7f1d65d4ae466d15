"""What the files of a project say, and when they are looked at again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cct_cloudflare import scaffold
from cct_cloudflare.dev.changes import Snapshot, looks, read_snapshot
from cct_cloudflare.errors import UnsafeError


@pytest.fixture
def target(tmp_path: Path) -> Path:
    for name, text in {
        "src/index.ts": "1",
        "src/deep/er/x.ts": "2",
        "scripts/build.mjs": "3",
        "package.json": "{}",
        "node_modules/x/src/y.js": "4",
        "README.md": "5",
        "wrangler.toml": '[vars]\nDEFAULT_MODEL = "m"\nALLOWED_ORIGINS = "https://a.example"\nOTHER = "x"\n',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "src/.index.ts.swp",
        "src/4913",
        "src/index.ts~",
        "src/deep/#x.ts#",
        "src/.#x.ts",
        "src/index.ts___jb_tmp___",
        "src/.DS_Store",
    ],
)
def test_what_an_editor_leaves_beside_a_file_is_no_change(target: Path, name: str) -> None:
    before = read_snapshot(target)
    (target / name).write_text("litter")
    assert read_snapshot(target) == before


@pytest.mark.parametrize(
    "name", ["src/new.ts", "src/deep/er/x.ts", "scripts/build.mjs", "package.json", "tsconfig.json"]
)
def test_every_file_of_the_source_counts(target: Path, name: str) -> None:
    before = read_snapshot(target)
    (target / name).write_text("changed")
    assert read_snapshot(target) != before


@pytest.mark.parametrize("name", ["README.md", "node_modules/x/src/y.js", "client.ts", ".dev.vars"])
def test_no_other_file_does(target: Path, name: str) -> None:
    before = read_snapshot(target)
    (target / name).write_text("changed")
    assert read_snapshot(target) == before


def test_two_variables_of_wrangler_toml_reach_the_worker(target: Path) -> None:
    assert read_snapshot(target).variables == {"DEFAULT_MODEL": "m", "ALLOWED_ORIGINS": "https://a.example"}


@pytest.mark.parametrize(
    "text",
    [
        "not toml [",
        "vars = 3",
        "[vars]\nDEFAULT_MODEL = 3",
        '[vars]\nDEFAULT_MODEL = "a\\u0000b"',
        '[vars]\nANTHROPIC_BASE_URL = "https://evil.example"\nANTHROPIC_API_KEY = "x"\nCCT_TOKEN = "y"',
        f'[vars]\nALLOWED_ORIGINS = "{"x" * 3000}"',
    ],
)
def test_what_is_no_such_variable_does_not(target: Path, text: str) -> None:
    (target / "wrangler.toml").write_text(text)
    assert read_snapshot(target).variables == {}


def test_a_link_in_the_source_is_refused(target: Path) -> None:
    (target / "src" / "link.ts").symlink_to("/etc/hostname")
    with pytest.raises(UnsafeError):
        read_snapshot(target)


def until_it_differs(target: Path, before: Snapshot) -> Snapshot:
    """What the first look finds that finds something else. It looks by itself, so this ends."""
    return next(latest for _ in looks(target) if (latest := read_snapshot(target)) != before)


def test_a_change_is_found_however_it_is_made(target: Path) -> None:
    seen = read_snapshot(target)
    (target / "src" / "index.ts").write_text("edited")
    seen = until_it_differs(target, seen)
    (target / "new").write_text("replaced")
    (target / "new").replace(target / "src" / "deep" / "er" / "x.ts")
    seen = until_it_differs(target, seen)
    (target / "src" / "another").mkdir()
    (target / "src" / "another" / "y.ts").write_text("in a new folder")
    seen = until_it_differs(target, seen)
    assert seen.source.files["src/another/y.ts"] == b"in a new folder"
    shutil.rmtree(target / "src")
    seen = until_it_differs(target, seen)
    (target / "src").mkdir()
    (target / "src" / "index.ts").write_text("back")
    assert until_it_differs(target, seen).source.files["src/index.ts"] == b"back"


def test_changes_are_found_while_it_goes_on_looking(target: Path) -> None:
    seen = read_snapshot(target)
    found: list[Snapshot] = []
    for _ in looks(target):
        latest = read_snapshot(target)
        if latest == seen and found:
            continue
        if latest != seen:
            found.append(latest)
            seen = latest
        if len(found) == 3:
            break
        (target / "src" / f"{len(found)}.ts").write_text("x")
    assert [f"src/{number}.ts" in seen.source.files for number in range(3)] == [True, True, True]


def test_a_project_that_goes_altogether_is_looked_for_again(target: Path) -> None:
    gone = target / "project"
    each = looks(gone)
    next(each)
    gone.mkdir()
    (gone / "src").mkdir()
    (gone / "src" / "index.ts").write_text("1")
    assert any("src/index.ts" in read_snapshot(gone).source.files for _ in each)


def test_a_rendered_worker_is_its_own_snapshot(tmp_path: Path) -> None:
    scaffold.apply(scaffold.plan(tmp_path))
    assert read_snapshot(scaffold.target_of(tmp_path)).source == scaffold.packaged_worker_source()
