"""An MCP component, `{description?, mcpServers: {name: {…}}}` → the pieces that it wants in `.mcp.json`."""

from __future__ import annotations

from cct_cloudflare.merging.model import Form, Piece
from cct_cloudflare.merging.settings import ShapeError, read_object


def wanted(main: bytes) -> tuple[Piece, ...]:
    """One piece for each server, without its `description`, which is for people who choose.

    Raises UsageError `component_invalid`.
    """
    servers = read_object(main).get("mcpServers")
    if not isinstance(servers, dict) or not all(isinstance(server, dict) for server in servers.values()):
        raise ShapeError("its mcpServers are not an object of servers")
    return tuple(
        Piece(
            Form.VALUE,
            ("mcpServers", name),
            {key: value for key, value in server.items() if key != "description"},
            renamable=True,
        )
        for name, server in servers.items()
    )
