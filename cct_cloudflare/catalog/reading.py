"""A component's main file → what a catalog lists of it. Never raises: what cannot be understood is still listed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from cct_cloudflare.components.model import JSON_KINDS, Kind
from cct_cloudflare.components.names import printable
from cct_cloudflare.components.package import Item

#: Public agents tell whole dialogues in their description. A skill's may have this many, by its specification.
MAX_DESCRIPTION = 1024


class Summary(NamedTuple):
    """An Item without what its place says: kind, name, source. All of it is safe to print."""

    description: str = ""
    tools: tuple[str, ...] = ()
    title: str = ""

    def to_item(self, kind: Kind, name: str, source: str) -> Item:
        title = "" if self.title == name.rpartition("/")[2] else self.title
        return Item(kind, name, self.description, source, self.tools, title)


def summarize(kind: Kind, text: str) -> Summary:
    if kind in JSON_KINDS:
        return _json_summary(kind, text)
    from cct_cloudflare.components import frontmatter

    document = frontmatter.parse(text)
    description = frontmatter.text_value(document.metadata, "description") or frontmatter.describe(document.body)
    tools = frontmatter.list_value(document.metadata, "tools" if kind is Kind.AGENT else "allowed-tools")
    title = "" if kind is Kind.COMMAND else printable(frontmatter.text_value(document.metadata, "name"))
    return Summary(_cut(description), tuple(printable(tool) for tool in tools), title)


def unusable(reason: str) -> Summary:
    """`reason` continues a sentence: "it is larger than 256 KiB"."""
    return Summary(f"Cannot be used: {printable(reason)}.")


def _json_summary(kind: Kind, text: str) -> Summary:
    data = _load_json(text)
    if not isinstance(data, dict):
        return unusable("it is not a JSON object")
    described = data.get("description")
    if not isinstance(described, str) or not described.strip():
        described = _server_description(data) or _what_it_has(kind, data)
    return Summary(_cut(described))


def _load_json(text: str) -> Any:
    from cct_cloudflare.merging import jsonc

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return jsonc.load(text.encode())
    except jsonc.JsoncError:
        return None


def _server_description(data: Mapping[str, Any]) -> str:
    """In public catalogs a server describes itself."""
    servers = data.get("mcpServers")
    if not isinstance(servers, dict):
        return ""
    told = (server.get("description") for server in servers.values() if isinstance(server, dict))
    return next((text for text in told if isinstance(text, str) and text.strip()), "")


def _what_it_has(kind: Kind, data: Mapping[str, Any]) -> str:
    for key, singular, plural in (("hooks", "Runs on", "Runs on"), ("mcpServers", "MCP server", "MCP servers")):
        inner = data.get(key)
        if isinstance(inner, dict) and inner:
            return f"{singular if len(inner) == 1 else plural} {', '.join(map(str, inner))}"
    keys = [key for key in data if not key.startswith("$") and key != "description"]
    return f"Sets {', '.join(keys)}" if keys and kind is Kind.SETTING else ""


def _cut(text: str) -> str:
    # No more is looked at than can be shown: a character takes ten as an escape at most.
    line = printable(text[: MAX_DESCRIPTION * 2])
    return line if len(line) <= MAX_DESCRIPTION else line[: MAX_DESCRIPTION - 1].rstrip() + "…"
