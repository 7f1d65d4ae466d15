"""Packages, made of what a test is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Item, Package
from cct_cloudflare.validation import risks


def package(kind: Kind, main: str, content: str | bytes, files: Mapping[str, bytes] | None = None) -> Package:
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return Package(Item(kind, "test/thing", "", "tests"), {main: data, **(files or {})}, main)


def setting(value: Any, kind: Kind = Kind.SETTING) -> Package:
    return package(kind, "thing.json", value if isinstance(value, (str, bytes)) else json.dumps(value))


def hook(command: str, event: str = "PreToolUse") -> Package:
    return setting({"hooks": {event: [{"hooks": [{"type": "command", "command": command}]}]}}, Kind.HOOK)


def server(**value: Any) -> Package:
    return setting({"mcpServers": {"thing": value}}, Kind.MCP)


def agent(header: str, body: str = "Be kind.\n") -> Package:
    return package(Kind.AGENT, "thing.md", f"---\n{header}\n---\n{body}")


def command(header: str = "", body: str = "Do it.\n") -> Package:
    return package(Kind.COMMAND, "thing.md", f"---\n{header}\n---\n{body}" if header else body)


def skill(header: str, body: str = "Do it.\n", files: Mapping[str, bytes] | None = None) -> Package:
    return package(Kind.SKILL, "SKILL.md", f"---\n{header}\n---\n{body}", files)


def rules_of(made: Package) -> set[str]:
    """The rules of a package's risks."""
    return {risk.rule for risk in risks(made)}


def allow(*entries: str) -> set[str]:
    """The rules of a setting that allows these."""
    return rules_of(setting({"permissions": {"allow": list(entries)}}))
