"""The JSON of a setting, hook or MCP server, by its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cct_cloudflare.components.model import Kind
from cct_cloudflare.validation.checks.problem import Lines, Problem, error
from cct_cloudflare.validation.checks.servers import check_servers_file
from cct_cloudflare.validation.checks.settings import check_settings


def check_data(kind: Kind, data: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    if kind is Kind.MCP:
        yield from check_servers_file(data, lines)
        return
    if kind is Kind.HOOK and "hooks" not in data:
        yield error(1, "hook-shape", "has no hooks")
    yield from check_settings(data, lines)
