"""kill −9 at any write, and a full disk at any: afterwards all of a change is there or nothing of it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.components.package import Package
from cct_cloudflare.errors import Exit
from cct_cloudflare.install.applying import heal
from cct_cloudflare.install.journal import is_pending
from cct_cloudflare.install.site import Site
from tests.install import killed
from tests.install.trees import add, bundled, remove, tree, write_tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and fork")

MINE = {
    ".claude/settings.json": '{\n  // mine\n  "permissions": { "allow": ["Bash(ls)"] },\n}\n',
    ".claude/agents/own.md": "Own.\n",
    ".mcp.json": '{"mcpServers": {"mine": {"command": "x"}}}\n',
    "src/main.py": "print()\n",
}


def in_a_process(target: Callable[..., Any], *args: Any) -> int:
    process = multiprocessing.get_context("fork").Process(target=target, args=args)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _run(limit: int, kind: str, project: Path, packages: Sequence[Package]) -> None:
    os._exit(killed.main(limit, kind, project, packages))


@pytest.fixture(scope="module")
def packages() -> list[Package]:
    """As they are now, in all of these tests' processes."""
    return bundled(*killed.REFS)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = write_tree(tmp_path / "project", MINE)
    (folder / ".mcp.json").chmod(0o600)
    return folder


@pytest.mark.parametrize("kind", ["add", "remove"])
def test_a_kill_at_any_write_leaves_all_or_nothing(kind: str, project: Path, packages: list[Package]) -> None:
    site = Site.of_project(project)
    empty = tree(project)
    add(project, *packages, approve=True)
    full = tree(project)
    if kind == "add":
        remove(project, *killed.REFS)
        assert tree(project) == empty
    start, end = (empty, full) if kind == "add" else (full, empty)
    outcomes = set()
    for limit in range(1, 1000):
        code = in_a_process(_run, limit, kind, project, packages)
        if code == killed.NOT_REACHED:
            break
        assert code == -signal.SIGKILL
        for path, value in tree(project).items():  # no file is anything but the old or the new one
            if not path.endswith("/") and not path.endswith(".tmp"):
                assert value in (start.get(path), end.get(path)), path
        heal(site)
        assert not is_pending(site)
        found = tree(project)
        assert found in (start, end)
        outcomes.add(found == end)
        if found == end:  # back to the start, for the next one
            remove(project, *killed.REFS) if kind == "add" else add(project, *packages, approve=True)
            assert tree(project) == start
    assert limit > 30
    assert outcomes == {True, False}
    assert tree(project) == end


@pytest.mark.parametrize("kind", ["add-full", "remove-full"])
def test_a_full_disk_at_any_write_leaves_all_as_it_was(
    kind: str, project: Path, tmp_path: Path, packages: list[Package]
) -> None:
    site = Site.of_project(project)
    if kind == "remove-full":
        add(project, *packages, approve=True)
    start = tree(project)
    saved = shutil.copytree(project, tmp_path / "saved", copy_function=shutil.copy)
    outcomes = set()
    for limit in range(1, 1000):
        code = in_a_process(_run, limit, kind, project, packages)
        if code == killed.NOT_REACHED:
            break
        if code == killed.GOT_OVER_IT:  # a folder that was there already, a leftover that was to be removed
            heal(site)
            shutil.rmtree(project)
            shutil.copytree(saved, project, copy_function=shutil.copy)
        else:
            assert code == Exit.CONFIG
        assert tree(project) == start
        outcomes.add(code)
    assert limit > 30
    assert outcomes == {Exit.CONFIG, killed.GOT_OVER_IT}


def test_a_removal_that_fails_gives_files_their_modes_back(tmp_path: Path, packages: list[Package]) -> None:
    write_tree(tmp_path / "project", {"a": ""})
    add(tmp_path / "project", *packages)
    (tmp_path / "project/.mcp.json").chmod(0o640)
    (tmp_path / "project/.claude/settings.json").chmod(0o600)
    before = tree(tmp_path / "project")
    outcomes = [in_a_process(_run, limit, "remove-full", tmp_path / "project", packages) for limit in (30, 40)]
    assert outcomes == [Exit.CONFIG] * 2
    assert tree(tmp_path / "project") == before
