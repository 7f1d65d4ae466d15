"""A source whose components are installed, and the commands that do it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.cli.main import run_cli
from tests.install.trees import write_tree

Capture = pytest.CaptureFixture[str]

AGENT = "---\nname: a\ndescription: An agent.\n---\none\ntwo\nthree\nfour\nfive\n"
HOOK = {
    "hooks": {"Stop": [{"hooks": [{"type": "command", "command": 'python3 "$CLAUDE_PROJECT_DIR"/.claude/hooks/h.py'}]}]}
}
FIRST: Mapping[str, Any] = {
    "agents/x/a.md": AGENT,
    "agents/y/b.md": AGENT,
    "settings/x/s.json": {"env": {"DISABLE_TELEMETRY": "1"}, "permissions": {"deny": ["Read(a)"]}},
    "hooks/x/h.json": HOOK,
    "hooks/x/h.py": "print(1)\n",
}
ALL = ("--agent", "a,b", "--setting", "s", "--hook", "h")


def written(root: Path, files: Mapping[str, Any]) -> Path:
    texts = {path: its if isinstance(its, str | bytes) else json.dumps(its) for path, its in files.items()}
    return write_tree(root, texts)


def add(source: Path, *argv: str) -> None:
    assert run_cli(["add", *(argv or ALL), "--from", str(source), "--yes", "--trust"]) == 0


def answer(capsys: Capture, *argv: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert run_cli([*argv, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found
