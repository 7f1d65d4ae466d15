"""Runs a bundled hook as Claude Code does: its command line in a shell, the call as JSON on stdin.

`load` gives a script's functions as well: a long table of commands is tried without starting a process for each.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from cct_cloudflare.resources import components_dir

HOOKS = components_dir() / "hooks"
NAMES = sorted(path.relative_to(HOOKS).with_suffix("").as_posix() for path in HOOKS.rglob("*.json"))


@dataclass(frozen=True)
class Answer:
    status: int
    stdout: str
    stderr: str

    @property
    def blocked(self) -> bool:
        return self.status == 2 or (self.status == 0 and '"decision": "block"' in self.stdout)

    @property
    def reason(self) -> str:
        """What Claude reads."""
        return self.stderr if self.status == 2 else str(json.loads(self.stdout)["reason"])


Fire = Callable[..., Answer]


def specification(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((HOOKS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def script(name: str) -> Path:
    return HOOKS / f"{name}.py"


@cache
def load(name: str) -> ModuleType:
    path = script(name)
    found = importlib.util.spec_from_file_location(f"hook_{path.stem}".replace("-", "_"), path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # the catalog holds no __pycache__
    try:
        found.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    return module


def install(name: str, project: Path) -> Path:
    """Puts the script where `cct add` does, and returns the project."""
    folder = project / ".claude" / "hooks"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(script(name), folder / script(name).name)
    return project


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a hook finds: this Python as `python3`, git, and a home of its own."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", **more}


def fire(name: str, event: str, call: object, project: Path, home: Path, **more: str) -> Answer:
    """Runs the command of the hook's first group for `event` whose matcher fits; `call` may be bytes."""
    if isinstance(call, dict):
        call = {"session_id": "s", "cwd": str(project), "hook_event_name": event, **call}
    data = call if isinstance(call, bytes) else json.dumps(call).encode()
    tool = call.get("tool_name") if isinstance(call, dict) else None
    groups = [
        group
        for group in specification(name)["hooks"][event]
        if tool is None or re.fullmatch(group.get("matcher") or ".*", tool)
    ]
    assert groups, f"{name} does not listen to {tool}"
    done = subprocess.run(
        ["sh", "-c", groups[0]["hooks"][0]["command"]],
        input=data,
        cwd=project,
        env=environment(home, CLAUDE_PROJECT_DIR=str(project), **more),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


def shell(command: str, tool: str = "Bash") -> dict[str, Any]:
    return {"tool_name": tool, "tool_input": {"command": command, "description": "x"}}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main", *arguments],
        cwd=folder,
        env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    """A repository with one commit on main, and a branch `feature` at the same commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "a.txt").write_text("one\n", encoding="utf-8")
    git(folder, "add", "a.txt")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "branch", "feature")
    return folder
