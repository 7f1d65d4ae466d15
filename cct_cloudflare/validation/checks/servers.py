"""MCP servers, in a component, in a `.mcp.json` or in frontmatter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cct_cloudflare.components.names import printable
from cct_cloudflare.validation import schema
from cct_cloudflare.validation.checks.problem import At, Lines, Problem, error, kind_of, listed, nearest, warning
from cct_cloudflare.validation.launchers import unpinned
from cct_cloudflare.validation.showing import is_secret

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ADDRESS = re.compile(r"(?:https?|wss?)://[^\s/?#]+\S*|\S*\$\{\w+(?::-[^}]*)?\}\S*")
_FILE_KEYS = frozenset({"mcpServers", "description", "$schema"})


def check_servers_file(data: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    """A whole file: `{description?, mcpServers: {…}}`."""
    for key in data.keys() - _FILE_KEYS:
        near = nearest(key, _FILE_KEYS)
        yield warning(lines[(key,)], "mcp-key", f"{key} is not a key of a file of MCP servers, and is left out{near}")
    if "mcpServers" not in data:
        yield error(1, "mcp-shape", "has no mcpServers")
        return
    yield from check_servers(data["mcpServers"], lines, ("mcpServers",))


def check_servers(servers: Any, lines: Lines, at: At) -> Iterator[Problem]:
    if not isinstance(servers, dict):
        yield error(lines[at], "mcp-shape", f"mcpServers must be an object of servers, not {kind_of(servers)}")
        return
    for name, server in servers.items():
        place = (*at, name)
        if not _NAME.fullmatch(name):
            yield warning(
                lines[place],
                "mcp-name",
                f"{name!r}: a server's name has letters, digits, - and _, since its tools have it too",
            )
        if isinstance(server, dict):
            yield from _check_server(name, server, lines, place)
        else:
            yield error(lines[place], "mcp-shape", f"the server {name} must be an object, not {kind_of(server)}")


def _check_server(name: str, server: Mapping[str, Any], lines: Lines, at: At) -> Iterator[Problem]:
    kind = server.get("type", "stdio")
    if not isinstance(kind, str) or kind not in schema.SERVER_TYPES:
        said = f"{kind!r} is not a type of MCP server; there are {listed(schema.SERVER_TYPES)}"
        yield error(lines[(*at, "type")], "mcp-type", said)
        return
    keys = schema.SERVER_TYPES[kind]
    needed = "command" if kind == "stdio" else "url"
    value = server.get(needed)
    if not isinstance(value, str) or not value.strip():
        hint = ', or "type": "http" for one with an address' if needed == "command" and "url" in server else ""
        yield error(lines[(*at, needed)], "mcp-value", f"the server {name} needs a text as its {needed}{hint}")
        if hint:
            return
    elif needed == "url" and not _ADDRESS.fullmatch(value.strip()):
        yield error(lines[(*at, "url")], "mcp-value", f"the url of {name} is not a whole address, https://…")
    elif needed == "command" and re.search(r"\s", value.strip()) and not server.get("args"):
        yield warning(lines[(*at, "command")], "mcp-value", "command is one program; its arguments belong into args")
    for key in server.keys() - keys - ({"command"} if needed == "command" else {"url"}):
        near = nearest(key, keys)
        yield warning(lines[(*at, key)], "mcp-key", f"{key} is not a key of a server of type {kind}{near}")
    if "args" in server and not (
        isinstance(server["args"], list) and all(isinstance(arg, str) for arg in server["args"])
    ):
        yield error(lines[(*at, "args")], "mcp-value", "args must be a list of texts")
    for package in unpinned(server) if needed == "command" else ():
        said = f"{printable(package)} has no exact version, so another program may start tomorrow"
        yield warning(lines[(*at, "args")], "mcp-unpinned", said)
    timeout = server.get("timeout")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int) or timeout <= 0):
        yield error(lines[(*at, "timeout")], "mcp-value", "timeout must be a whole number of milliseconds above 0")
    for key in ("env", "headers"):
        yield from _check_texts(server.get(key), lines, (*at, key))


def _check_texts(values: Any, lines: Lines, at: At) -> Iterator[Problem]:
    if values is None:
        return
    if not isinstance(values, dict):
        yield error(lines[at], "mcp-value", f"{at[-1]} must be an object of texts, not {kind_of(values)}")
        return
    for name, value in values.items():
        if not isinstance(value, str):
            yield error(lines[(*at, name)], "mcp-value", f"{name} in {at[-1]} must be a text, not {kind_of(value)}")
        elif is_secret(name, value) and not _is_placeholder(value):
            yield warning(
                lines[(*at, name)], "secret", f"{name} has its value written down; refer to it: ${{{_variable(name)}}}"
            )


def _is_placeholder(value: str) -> bool:
    """`<YOUR_TOKEN>`, `your-key-here`, `xxx`: what a reader is asked to replace, which no server needs."""
    return re.search(r"<[^>]+>|\byour[-_ ]|\[[A-Z_ ]+\]|^x{3,}$|^\.{3}$", value, re.IGNORECASE) is not None


def _variable(name: str) -> str:
    return re.sub(r"\W+", "_", name).upper()
