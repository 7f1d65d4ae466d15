"""kill −9 at any write of an update: afterwards all of it is there or nothing, and the next one goes through."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from cct_cloudflare.install.applying import heal
from cct_cloudflare.install.journal import is_pending
from cct_cloudflare.install.site import Site
from tests.install import killed
from tests.install.test_killed import MINE, in_a_process
from tests.install.test_update_laws import second, update
from tests.install.trees import add, bundled, tree, write_tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and fork")

REFS = ("agent/quality/code-reviewer", "hook/git/guard-main", "skill/testing/playwright")


def _run(limit: int, project: Path) -> None:
    packages = [second(package) for package in bundled(*REFS)]
    count = killed.watch(limit, full=False)
    update(project, *packages)
    os._exit(killed.NOT_REACHED if count[0] < limit else killed.GOT_OVER_IT)


def test_a_kill_at_any_write_of_an_update_leaves_all_or_nothing(tmp_path: Path) -> None:
    project = write_tree(tmp_path / "project", MINE)
    site = Site.of_project(project)
    add(project, *bundled(*REFS))
    agent = project / ".claude/agents/code-reviewer.md"
    agent.write_bytes(b"Mine, too.\n" + agent.read_bytes())
    edited = agent.read_bytes()
    start = tree(project)
    update(project, *map(second, bundled(*REFS)))
    end = tree(project)
    outcomes = set()
    for limit in range(1, 1000):
        update(project, *bundled(*REFS))
        assert agent.read_bytes() == edited
        assert tree(project) == start
        code = in_a_process(_run, limit, project)
        if code == killed.NOT_REACHED:
            break
        assert code == -signal.SIGKILL
        heal(site)
        assert not is_pending(site)
        found = tree(project)
        assert found in (start, end)
        outcomes.add(found == end)
    assert limit > 20
    assert outcomes == {True, False}
    assert tree(project) == end
