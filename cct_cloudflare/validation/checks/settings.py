"""Settings: keys, types of values, permission rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cct_cloudflare.validation import schema
from cct_cloudflare.validation.checks.hooks import check_hooks
from cct_cloudflare.validation.checks.problem import At, Lines, Problem, error, kind_of, listed, nearest, warning
from cct_cloudflare.validation.showing import is_secret

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOOL = re.compile(r"[A-Za-z_*][\w*-]*")
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "true or false": lambda value: isinstance(value, bool),
    "a text": lambda value: isinstance(value, str),
    "a number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "a list of texts": lambda value: isinstance(value, list) and all(isinstance(entry, str) for entry in value),
    "a list": lambda value: isinstance(value, list),
    "an object": lambda value: isinstance(value, dict),
}


def check_settings(data: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    for key, value in data.items():
        if key == "description":
            continue
        if key not in schema.SETTINGS:
            near = nearest(key, schema.SETTINGS)
            yield warning(lines[(key,)], "setting-key", f"{key} is not a setting of Claude Code that is known{near}")
        yield from _check_type(key, value, lines[(key,)])
    if isinstance(data.get("permissions"), dict):
        yield from _check_permissions(data["permissions"], lines)
    if isinstance(data.get("env"), dict):
        yield from _check_env(data["env"], lines)
    if isinstance(data.get("hooks"), dict):
        yield from check_hooks(data["hooks"], lines, ("hooks",))
    for key in ("statusLine", "subagentStatusLine", "fileSuggestion"):
        if isinstance(data.get(key), dict):
            yield from _check_command(key, data[key], lines)


def _check_type(key: str, value: Any, line: int) -> Iterator[Problem]:
    if key in schema.SETTING_VALUES and value not in [*schema.SETTING_VALUES[key]]:
        yield error(line, "setting-value", f"{key} must be one of {listed(schema.SETTING_VALUES[key])}")
    for wanted, keys in schema.SETTING_TYPES.items():
        if key in keys and not _TYPES[wanted](value):
            yield error(line, "setting-value", f"{key} must be {wanted}, not {kind_of(value)}")


def _check_permissions(permissions: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    at: At = ("permissions",)
    for key in permissions.keys() - schema.PERMISSION_KEYS:
        near = nearest(key, schema.PERMISSION_KEYS)
        yield warning(lines[(*at, key)], "setting-key", f"{key} is not a key of permissions that is known{near}")
    mode = permissions.get("defaultMode")
    if mode is not None and mode not in [*schema.PERMISSION_MODES]:
        modes = listed(schema.PERMISSION_MODES)
        yield error(lines[(*at, "defaultMode")], "setting-value", f"defaultMode must be one of {modes}")
    for key in ("disableBypassPermissionsMode", "disableAutoMode"):
        if key in permissions and permissions[key] != "disable":
            yield error(lines[(*at, key)], "setting-value", f'{key} has one value, "disable"; leave it out otherwise')
    for key in ("allow", "ask", "deny", "additionalDirectories"):
        entries = permissions.get(key, [])
        if not isinstance(entries, list):
            yield error(lines[(*at, key)], "setting-value", f"{key} must be a list of texts, not {kind_of(entries)}")
            continue
        for index, entry in enumerate(entries):
            line = lines[(*at, key, str(index))]
            if not isinstance(entry, str):
                yield error(line, "setting-value", f"{key} must be a list of texts; it has {kind_of(entry)}")
            elif key != "additionalDirectories":
                yield from check_rule(entry, line, allows=key == "allow")
        texts = [entry for entry in entries if isinstance(entry, str)]
        for entry in dict.fromkeys(entry for entry in texts if texts.count(entry) > 1) if len(texts) < 2_000 else ():
            yield warning(lines[(*at, key)], "duplicate-rule", f"{key} has {entry} twice")


def check_rule(rule: str, line: int, *, allows: bool) -> Iterator[Problem]:
    """A permission rule, `Tool` or `Tool(what it may do)`, by the conditions that Claude Code has."""
    name, opened, rest = rule.partition("(")
    if not rule.strip():
        yield error(line, "permission-rule", "a permission rule is empty")
    elif opened and not rest.endswith(")"):
        yield error(line, "permission-rule", f"{rule}: a rule ends with the ) that closes it")
    elif opened and not rest[:-1].strip():
        yield error(line, "permission-rule", f"{rule}: there is nothing between the brackets; write {name or 'a tool'}")
    elif not _TOOL.fullmatch(name):
        yield error(line, "permission-rule", f"{rule}: a rule is the name of a tool, or Tool(what it may do)")
    elif name.startswith("mcp__"):
        if opened:
            yield error(line, "permission-rule", f"{rule}: rules for MCP tools have no brackets")
        elif allows and "*" in name.partition("__")[2].partition("__")[0]:
            yield error(line, "permission-rule", f"{rule}: an allow rule has to name the server: mcp__<server>__*")
    elif "*" in name:
        if allows:
            yield error(line, "permission-rule", f"{rule}: an allow rule has to name the tool")
    elif name not in schema.TOOLS:
        near = nearest(name, schema.TOOLS)
        yield warning(line, "unknown-tool", f"{rule}: no tool that is known is called {name}{near}")


def _check_env(env: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    for name, value in env.items():
        line = lines[("env", name)]
        if not _VARIABLE.fullmatch(name):
            yield error(line, "setting-value", f"{name!r} cannot be the name of a variable")
        if not isinstance(value, str):
            yield error(line, "setting-value", f"{name} in env must be a text, not {kind_of(value)}; put it in quotes")
        elif is_secret(name, value):
            yield warning(line, "secret", f"{name} has its value written down, for everybody who reads the file")


def _check_command(key: str, value: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    if value.get("type") != "command":
        yield error(lines[(key, "type")], "setting-value", f'{key} has the type "command"')
    if not isinstance(value.get("command"), str) or not value["command"].strip():
        yield error(lines[(key, "command")], "setting-value", f"{key} needs a text as its command")
