"""What a component is."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Kind(enum.StrEnum):
    """The value is the singular that people type; `folder` is the plural on disk."""

    AGENT = "agent"
    COMMAND = "command"
    SETTING = "setting"
    HOOK = "hook"
    MCP = "mcp"
    SKILL = "skill"

    @property
    def folder(self) -> str:
        return f"{self.value}s"


#: What is a JSON file, whose content is merged into files of Claude Code; the others are Markdown.
JSON_KINDS = frozenset({Kind.SETTING, Kind.HOOK, Kind.MCP})
#: Those whose command lines may run what lies beside their main file, under the same name.
KINDS_WITH_SIDES = frozenset({Kind.SETTING, Kind.HOOK})


@dataclass(frozen=True)
class Component:
    """One agent or command, as it was read.

    `name` is `category/leaf`, or the bare leaf of a file that lies in no category; `category` may itself have
    slashes. `title` is the frontmatter's own name. `title` and `description` are safe to print; `frontmatter`
    and `body` are exactly what the file says.
    """

    kind: Kind
    name: str
    category: str
    leaf: str
    title: str
    description: str
    source: str
    """Which source it came from: `project`, `bundled` or the name of a registry."""
    path: Path
    """The file; of a component from a registry, only a name for it."""
    frontmatter: Mapping[str, Any]
    """Text, lists and mappings only: YAML's other types stay as they are written."""
    body: str
    """The text after the frontmatter, byte for byte."""
    digest: str | None = None
    """Of the package that it came in from a registry."""
    model: str | None = None
    tools: tuple[str, ...] = ()
    argument_hint: str = ""
    argument_names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
