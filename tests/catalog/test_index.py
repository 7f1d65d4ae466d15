"""The index of the bundled catalog says what its files say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cct_cloudflare.catalog import DirectoryCatalog, bundled_catalog
from cct_cloudflare.catalog.index import FILE, index_of, read_index
from cct_cloudflare.components.files import MAX_COMPONENT_BYTES
from cct_cloudflare.components.model import Kind
from cct_cloudflare.resources import components_dir
from tests.catalog.trees import agents, catalog
from tests.components.trees import write_tree


def generate(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "cct_cloudflare.catalog", str(folder), *options]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_the_index_of_the_bundled_catalog_is_fresh() -> None:
    root = components_dir()
    made = index_of(DirectoryCatalog("bundled", root, root))
    assert (root / FILE).read_text(encoding="utf-8") == made, "run: python -m cct_cloudflare.catalog components"


def test_the_bundled_catalog_is_listed_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    root = components_dir()
    walked = DirectoryCatalog("bundled", root, root).items()
    monkeypatch.setattr("cct_cloudflare.components.walking.Folder.entries", lambda *_: pytest.fail("it was walked"))
    assert bundled_catalog().items() == walked


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "null",
        "[]",
        '{"format": 2, "components": {}}',
        '{"format": 1}',
        '{"format": 1, "components": {"agents": []}}',
        json.dumps({"format": 1, "components": {kind.folder: 1 for kind in Kind}}),
    ],
)
def test_without_an_index_that_can_be_understood_the_folder_is_walked(text: str | None, tmp_path: Path) -> None:
    write_tree(tmp_path, agents("a/b"))
    if text is not None:
        (tmp_path / FILE).write_text(text)
    found = DirectoryCatalog("x", tmp_path, tmp_path, is_indexed=True)
    assert [item.name for item in found.items()] == ["a/b"]


@pytest.mark.parametrize(
    "row", [{}, {"name": "x"}, {"name": "../x", "description": ""}, {"name": 1, "description": ""}]
)
@pytest.mark.parametrize("tools", [None, "text", [1]])
def test_a_row_that_is_none_makes_no_index(row: dict[str, object], tools: object, tmp_path: Path) -> None:
    bad = row if tools is None else {"name": "x", "description": "", "tools": tools}
    components = {kind.folder: [bad] for kind in Kind}
    (tmp_path / FILE).write_text(json.dumps({"format": 1, "components": components}))
    assert read_index(tmp_path / FILE) is None


def test_an_index_gives_back_what_was_listed(tmp_path: Path) -> None:
    skill = "---\nname: other\ndescription: d\nallowed-tools: Read, Bash(git *)\n---\n"
    found = catalog(tmp_path, {"skills/a/s/SKILL.md": skill, "mcps/m.json": "{}", **agents("a/b", "c")})
    (tmp_path / FILE).write_text(index_of(found), encoding="utf-8")
    assert DirectoryCatalog("test", tmp_path, tmp_path, is_indexed=True).items() == found.items()


def test_the_generator_writes_checks_and_repeats_itself(tmp_path: Path) -> None:
    write_tree(tmp_path, agents("a/b"))
    stale = generate(tmp_path, "--check")
    assert stale.returncode == 1 and "is stale" in stale.stderr
    assert not (tmp_path / FILE).exists()
    assert generate(tmp_path).returncode == 0
    first = (tmp_path / FILE).read_bytes()
    assert generate(tmp_path, "--check").returncode == 0
    (tmp_path / "agents/a/c.md").write_text("# new")
    assert generate(tmp_path, "--check").returncode == 1
    (tmp_path / "agents/a/c.md").unlink()
    assert generate(tmp_path).returncode == 0 and (tmp_path / FILE).read_bytes() == first
    assert generate(tmp_path / "gone").returncode == 2


def test_it_names_what_lies_beside_a_main_file(tmp_path: Path) -> None:
    found = catalog(
        tmp_path,
        {
            "skills/a/s/SKILL.md": "# S",
            "skills/a/s/scripts/run.sh": "",
            "skills/a/s/logo.bin": b"\0\xff",
            "hooks/a/h.json": "{}",
            "hooks/a/h.py": "",
            "hooks/a/other.py": "",
            "hooks/a/too-large.json": b" " * (MAX_COMPONENT_BYTES + 1),
            **agents("a/b"),
        },
    )
    components = json.loads(index_of(found))["components"]
    beside = {row["name"]: row.get("files") for rows in components.values() for row in rows}
    assert beside == {"a/b": None, "a/h": ["h.py"], "a/s": ["logo.bin", "scripts/run.sh"], "a/too-large": None}
