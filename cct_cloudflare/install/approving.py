"""Which MCP servers Claude Code starts without asking: settings say it, by the servers' names.

What is approved is what the settings on this machine say. A lock file only knows which of it cct has put there: it may
come from anybody, and is shared with people whose own settings approve nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cct_cloudflare.errors import CctError
from cct_cloudflare.install.lockfile import LOCAL_SETTINGS_FILE, SETTINGS_FILE
from cct_cloudflare.install.site import Site
from cct_cloudflare.merging import jsonc
from cct_cloudflare.merging.model import Form, Owned, Piece

_KEY = "enabledMcpjsonServers"


@dataclass(frozen=True, slots=True)
class Approved:
    """`every`: whatever a project's `.mcp.json` has."""

    names: frozenset[str] = frozenset()
    every: bool = False

    def has(self, name: str) -> bool:
        return self.every or name in self.names


def approval(names: Iterable[str]) -> tuple[Piece, ...]:
    """What makes Claude Code start servers of a project's `.mcp.json` without asking, as its 2.1.330 reads it."""
    return tuple(Piece(Form.ENTRY, (_KEY,), name) for name in names)


def approved_by(*settings: bytes | None) -> Approved:
    """What settings files approve, taken together. One that cannot be read approves nothing."""
    names: set[str] = set()
    every = False
    for text in settings:
        try:
            data = jsonc.load(text or b"{}")
        except jsonc.JsoncError:
            continue
        if isinstance(data, dict):
            listed = data.get(_KEY)
            names |= {name for name in listed if isinstance(name, str)} if isinstance(listed, list) else set()
            every = every or data.get("enableAllProjectMcpServers") is True
    return Approved(frozenset(names), every)


def approved_at(site: Site) -> Approved:
    """What the settings of a project and of its user approve."""
    return approved_by(
        _read(site, LOCAL_SETTINGS_FILE), _read(site, SETTINGS_FILE), _read(Site.of_user(), SETTINGS_FILE)
    )


def still_approved(owned: Owned, settings: bytes | None) -> Collection[str]:
    """The names that cct has approved and that the settings file still has."""
    approved = approved_by(settings).names
    return {held.piece.value for held in owned.pieces if isinstance(held.piece.value, str)} & approved


def _read(site: Site, path: str) -> bytes | None:
    try:
        return site.read(path)
    except CctError:
        return None
