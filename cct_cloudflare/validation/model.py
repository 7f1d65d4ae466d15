"""What is said of a component: what it would do, what of that needs consent, and what is wrong with it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Command:
    """A command line that would run on the user's machine, safe to print, with no part left out.

    `where` says when: `hook PreToolUse (Bash)`, `status line`, `MCP server github`, `apiKeyHelper`.
    """

    line: str
    where: str


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable. `value` is safe to print; what looks like a secret is masked."""

    name: str
    value: str
    where: str
    """`settings`, or the server or hook that alone gets it."""


#: The keys of permissions whose values are rules; the others are settings about permissions.
RULES = ("allow", "ask", "deny")


@dataclass(frozen=True, slots=True)
class Permission:
    """`key` is `allow`, `ask`, `deny`, `defaultMode`, `additionalDirectories`… , `value` a rule, mode or folder."""

    key: str
    value: str
    where: str


@dataclass(frozen=True, slots=True)
class Setting:
    """Any other setting: `model`, `worktree.symlinkDirectories`. `value` is JSON, or a text as it is; safe to print."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Url:
    """An address that would be contacted."""

    url: str
    where: str


@dataclass(frozen=True, slots=True)
class Effects:
    """All that would take effect beside text that Claude reads. Every text is safe to print."""

    commands: tuple[Command, ...] = ()
    environment: tuple[Variable, ...] = ()
    permissions: tuple[Permission, ...] = ()
    urls: tuple[Url, ...] = ()
    settings: tuple[Setting, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.commands or self.environment or self.permissions or self.urls or self.settings)

    def to_json(self) -> dict[str, Any]:
        return {
            "commands": [{"line": command.line, "where": command.where} for command in self.commands],
            "environment": [
                {"name": variable.name, "value": variable.value, "where": variable.where}
                for variable in self.environment
            ],
            "permissions": [
                {"key": permission.key, "value": permission.value, "where": permission.where}
                for permission in self.permissions
            ],
            "urls": [{"url": url.url, "where": url.where} for url in self.urls],
            "settings": [{"key": setting.key, "value": setting.value} for setting in self.settings],
        }


@dataclass(frozen=True, slots=True)
class Risk:
    """Something that needs an explicit yes before it is installed. Every text is safe to print."""

    rule: str
    """Stable, for machines: `hook-command`, `permission-bypass`; the table in `risks.py` has all."""
    what: str
    """One sentence for people, without a full stop."""
    where: str
    """`settings.json: permissions.defaultMode`: the package's file and the place in it."""

    def to_json(self) -> dict[str, Any]:
        return {"rule": self.rule, "what": self.what, "where": self.where}


class Level(enum.StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a file. `line` counts from 1; 0 stands for the file as a whole."""

    path: str
    line: int
    level: Level
    message: str
    rule: str

    def to_json(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "line": self.line,
            "level": str(self.level),
            "message": self.message,
            "rule": self.rule,
        }
