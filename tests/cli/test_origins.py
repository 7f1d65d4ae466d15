"""What a lock file says of a source, so that others who work on the project, elsewhere, have it as well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.cli.main import run_cli
from tests.install.trees import write_tree
from tests.registries.servers import Site, serving

Capture = pytest.CaptureFixture[str]
pytestmark = pytest.mark.usefixtures("project")

AGENT = "---\nname: a\ndescription: An agent.\n---\nDo one thing.\n"
INDEX = json.dumps({"agents": [{"path": "x/a.md", "description": "An agent."}]})


@pytest.fixture
def site() -> Iterator[Site]:
    with serving({"components.json": INDEX.encode(), "cli-tool/components/agents/x/a.md": AGENT.encode()}) as started:
        yield started


def locked(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project / ".claude/cct.lock").read_text())["components"][0]
    return found


def lock_says(project: Path, **values: Any) -> None:
    lock = project / ".claude/cct.lock"
    data = json.loads(lock.read_text())
    data["components"][0] |= values
    lock.write_text(json.dumps(data))


def test_a_folder_of_the_project_is_found_where_the_project_is(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(project, {"vendor/parts/agents/x/a.md": AGENT})
    assert run_cli(["add", "--agent", "a", "--from", "vendor/parts", "--yes"]) == 0
    assert locked(project)["source"] == "./vendor/parts"
    moved = project.rename(tmp_path / "elsewhere")
    monkeypatch.chdir(moved)
    write_tree(moved, {"vendor/parts/agents/x/a.md": AGENT.replace("one", "another")})
    assert run_cli(["update", "--yes"]) == 0
    assert "another" in (moved / ".claude/agents/a.md").read_text()
    assert run_cli(["add", "--agent", "a", "--from", "vendor/parts", "--yes"]) == 0, "it is the same source"


def test_the_project_itself_may_be_the_source(project: Path) -> None:
    write_tree(project, {"components/agents/x/a.md": AGENT})
    assert run_cli(["add", "--agent", "a", "--from", ".", "--yes"]) == 0
    assert locked(project)["source"] == "./"
    write_tree(project, {"components/agents/x/a.md": AGENT.replace("one", "another")})
    assert run_cli(["update", "--yes"]) == 0
    assert "another" in (project / ".claude/agents/a.md").read_text()


@pytest.mark.parametrize("place", ["../other", ".hidden/parts"])
def test_any_other_folder_is_named_as_a_whole(place: str, project: Path) -> None:
    write_tree(project / place, {"agents/x/a.md": AGENT})
    assert run_cli(["add", "--agent", "a", "--from", place, "--yes"]) == 0
    assert locked(project)["source"] == str((project / place).resolve())
    assert "address" not in locked(project)
    assert run_cli(["update", "--yes"]) == 0


@pytest.mark.parametrize("source", ["./../other", "./a/../../other", "./.hidden", ".//host/share"])
def test_what_leads_out_of_the_project_is_no_folder_of_it(
    source: str, project: Path, tmp_path: Path, capsys: Capture
) -> None:
    write_tree(tmp_path / "other", {"agents/x/a.md": AGENT})
    assert run_cli(["add", "--agent", "a", "--from", "../other", "--yes"]) == 0
    lock_says(project, source=source)
    capsys.readouterr()
    assert run_cli(["update", "--yes", "--json"]) == 2
    assert "none of your registries" in json.loads(capsys.readouterr().out)["unavailable"][0]["error"]


def test_a_registry_is_known_by_where_it_lies(project: Path, site: Site, capsys: Capture) -> None:
    assert run_cli(["registry", "add", "team", site.url]) == 0
    assert run_cli(["add", "--agent", "a", "--from", "team", "--yes"]) == 0
    assert (locked(project)["source"], locked(project)["address"]) == ("team", site.url)
    # Somebody else calls it otherwise.
    assert run_cli(["registry", "remove", "team"]) == 0
    assert run_cli(["registry", "add", "acme", site.url]) == 0
    assert run_cli(["update", "--yes"]) == 0
    assert locked(project)["source"] == "acme"
    # And somebody else has another one of that name.
    lock_says(project, source="acme", address="https://other.invalid/x; echo")
    capsys.readouterr()
    assert run_cli(["update", "--yes"]) == 2
    told = capsys.readouterr().err
    assert "acme at https://other.invalid/x; echo is none of your registries" in told
    assert "cct registry add NAME 'https://other.invalid/x; echo'" in told


def test_a_registry_that_lies_on_this_machine_is_no_address_for_others(project: Path, tmp_path: Path) -> None:
    write_tree(tmp_path / "other", {"agents/x/a.md": AGENT})
    assert run_cli(["registry", "add", "team", "../other"]) == 0
    assert run_cli(["add", "--agent", "a", "--from", "team", "--yes"]) == 0
    assert locked(project)["source"] == "team"
    assert "address" not in locked(project)
