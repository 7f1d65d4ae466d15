"""The catalog that comes with cct, put on a plain web site, is a registry with all that belongs to each component."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cct_cloudflare.catalog import bundled_catalog
from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.components.model import Kind
from cct_cloudflare.registries import RegistryCatalog, catalog_of, load_all
from cct_cloudflare.resources import components_dir
from tests.registries.servers import Site, serving

SKILL, HOOK, SETTING = "data/sqlite", "git/guard-main", "statusline/project-line"


@pytest.fixture(scope="module")
def web() -> Iterator[Site]:
    root = components_dir()
    files = (file for file in root.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    with serving({file.relative_to(root).as_posix(): file.read_bytes() for file in files}) as site:
        yield site


def test_every_package_is_whole(web: Site) -> None:
    there = catalog_of(web.url)
    assert isinstance(there, RegistryCatalog)
    bundled = bundled_catalog()
    items = there.items()
    assert [(item.ref, item.description) for item in items] == [
        (item.ref, item.description) for item in bundled.items()
    ]
    loaded = load_all([(there, item) for item in items])
    assert {package.item.ref: package.digest for package in loaded} == {
        item.ref: bundled.load(item).digest for item in bundled.items()
    }


def test_what_is_installed_from_it_has_its_scripts(
    web: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_cli(["registry", "add", "web", web.url]) == 0
    named = ["--skill", SKILL, "--hook", HOOK, "--setting", SETTING]
    assert run_cli(["add", *named, "--from", "web", "--yes", "--trust"]) == 0, capsys.readouterr().err
    root = components_dir()
    installed = tmp_path / ".claude"
    skill = {file.relative_to(root / "skills/data/sqlite") for file in (root / "skills" / SKILL).rglob("*.*")}
    assert any(path.parts[0] == "scripts" for path in skill)
    for path in skill:
        assert (installed / "skills/sqlite" / path).read_bytes() == (root / "skills" / SKILL / path).read_bytes()
    assert (installed / "hooks/guard-main.py").read_bytes() == (root / "hooks" / f"{HOOK}.py").read_bytes()
    assert (installed / "scripts/project-line.py").read_bytes() == (root / "settings" / f"{SETTING}.py").read_bytes()
    capsys.readouterr()

    assert run_cli(["list", "--installed", "--json"]) == 0
    found = {(one["kind"], one["name"], one["source"]) for one in json.loads(capsys.readouterr().out)["items"]}
    assert found == {("skill", SKILL, "web"), ("hook", HOOK, "web"), ("setting", SETTING, "web")}

    assert run_cli(["show", "skill", SKILL, "--from", "web"]) == 0
    revision = catalog_of("web").load(bundled_catalog().items(Kind.SKILL)[0]).revision
    assert revision is not None and revision.startswith("sha256:")
    assert f"web at {revision.removeprefix('sha256:')[:12]}\n" in capsys.readouterr().out
