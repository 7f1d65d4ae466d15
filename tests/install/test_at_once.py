"""Twenty installs into one project at the same moment, each a process of its own: all of them arrive."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.install.lockfile import read_lock
from cct_cloudflare.merging import jsonc
from tests.install.trees import add, package, remove, tree, write_tree

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")

COUNT = 20


def _setting(number: int) -> dict[str, Any]:
    return {"permissions": {"allow": [f"Bash(tool{number})"]}, "env": {f"V{number}": "1"}}


def _install(project: Path, number: int, barrier: Any) -> None:
    barrier.wait()
    code = 0
    try:
        if number % 4 == 0:
            add(project, package("agent", f"a/agent{number}", f"Agent {number}.\n"))
        elif number % 4 == 1:
            add(project, package("mcp", f"m/server{number}", {"mcpServers": {f"s{number}": {"command": "x"}}}))
        else:
            add(project, package("setting", f"s/setting{number}", _setting(number)))
    except BaseException:  # noqa: BLE001 - whatever it was, the process says that it failed
        code = 1
    os._exit(code)


def test_twenty_installs_at_once_all_arrive(tmp_path: Path) -> None:
    project = write_tree(tmp_path, {".claude/settings.json": '{\n  // mine\n  "env": {"MINE": "1"}\n}\n'})
    before = tree(project)
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(COUNT)
    processes = [context.Process(target=_install, args=(project, number, barrier)) for number in range(COUNT)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * COUNT
    lock = read_lock(project)
    assert len(lock.components) == COUNT
    settings = jsonc.load((project / ".claude/settings.json").read_bytes())
    assert {f"V{number}" for number in range(COUNT) if number % 4 > 1} | {"MINE"} == set(settings["env"])
    assert len(settings["permissions"]["allow"]) == 10
    assert len(json.loads((project / ".mcp.json").read_text())["mcpServers"]) == 5
    assert len(list((project / ".claude/agents").iterdir())) == 5
    for locked in lock.components:
        remove(project, locked.ref)
    assert tree(project) == before
