"""Files that are written and checked, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.validation.check import Report, validate
from cct_cloudflare.validation.checks.suspicious import NEEDS_TRUST
from cct_cloudflare.validation.model import Finding, Level

AGENT = "---\nname: thing\ndescription: Does things.\n---\nDo it.\n"
SKILL = "---\nname: thing\ndescription: Knows things.\n---\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))


def check(files: Mapping[str, str | bytes], path: str = ".") -> Report:
    write(files)
    return validate([Path(path)])


def said(report: Report) -> list[str]:
    return [f"{f.path}:{f.line}: {f.level}: {f.rule}" for f in report.findings]


def mistakes(report: Report) -> list[Finding]:
    """Without what is not wrong, but needs a yes of its own."""
    return [finding for finding in report.findings if not finding.message.endswith(NEEDS_TRUST)]


def grants(files: Mapping[str, str]) -> list[str]:
    """What needs a yes of its own."""
    found = [finding for finding in check(files).findings if finding.message.endswith(NEEDS_TRUST)]
    assert {finding.level for finding in found} <= {Level.WARNING}
    return [f"{finding.path}:{finding.line}: {finding.rule}" for finding in found]


def setting(value: Mapping[str, Any]) -> list[str]:
    """The problems of a setting that is written over several lines, without their place."""
    report = check({"settings/x.json": json.dumps({"description": "d", **value}, indent=1)})
    return [f"{f.line} {f.level} {f.rule}: {f.message}" for f in mistakes(report)]


def hook(handler: Any, event: str = "PreToolUse", **group: Any) -> list[str]:
    found = {"hooks": {event: [{**group, "hooks": [handler]}]}}
    report = check({"hooks/x.json": json.dumps({"description": "d", **found})})
    return [f"{f.level} {f.rule}: {f.message}" for f in mistakes(report)]


def server(value: Any, name: str = "x") -> list[str]:
    report = check({"mcps/x.json": json.dumps({"description": "d", "mcpServers": {name: value}})})
    return [f"{f.level} {f.rule}: {f.message}" for f in mistakes(report)]


def header(text: str, folder: str = "agents") -> list[str]:
    name = "skills/thing/SKILL.md" if folder == "skills" else f"{folder}/thing.md"
    found = mistakes(check({name: f"---\n{text}\n---\nDo it.\n"}))
    return [f"{f.path}:{f.line}: {f.level}: {f.rule}" for f in found]
