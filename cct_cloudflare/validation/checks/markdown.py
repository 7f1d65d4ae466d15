"""Frontmatter of agents, commands and skills."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cct_cloudflare.components import frontmatter
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import name_key
from cct_cloudflare.validation import schema
from cct_cloudflare.validation.checks.hooks import check_hooks
from cct_cloudflare.validation.checks.problem import Lines, Problem, error, kind_of, listed, nearest, warning
from cct_cloudflare.validation.checks.servers import check_servers

#: By the specification of skills.
MAX_SKILL_NAME = 64
MAX_SKILL_DESCRIPTION = 1024

_SKILL_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SWITCH_VALUES = frozenset({"true", "false"})
_KEY = re.compile(r"[\"']?([\w-]+)[\"']?[ \t]*:")


def check_markdown(kind: Kind, leaf: str, text: str, doubts: tuple[str, ...]) -> Iterator[Problem]:
    """`leaf` is the name by the file (or a skill's folder); `doubts` are those of `reading.read`."""
    document = frontmatter.parse(text)
    lines = lines_of(document)
    yield from (warning(1, "frontmatter-yaml", message) for message in document.warnings)
    yield from (error(1, "frontmatter-doubt", f"it {doubt}") for doubt in doubts)
    metadata = document.metadata
    if not document.fence and kind is not Kind.COMMAND:
        needed = "name and description" if kind is Kind.AGENT else "a description"
        yield error(1, "frontmatter-missing", f"has no frontmatter, and {_article(kind)} needs {needed}")
        return
    if not document.body.strip():
        yield error(0, "empty", "has no text below its frontmatter, so it says nothing to Claude")
    yield from _check_keys(kind, metadata, lines)
    yield from _check_values(metadata, lines)
    yield from _check_identity(kind, leaf, metadata, lines)
    yield from _check_tools(metadata, lines)
    if metadata.get("hooks") not in (None, ""):
        yield from check_hooks(_typed(metadata["hooks"]), Lines(first=lines["hooks",]), ("hooks",))
    servers = metadata.get("mcpServers")
    for entry in servers if isinstance(servers, list) else ():
        if isinstance(entry, dict):
            yield from check_servers(entry, Lines(first=lines["mcpServers",]), ("mcpServers",))


def _article(kind: Kind) -> str:
    return f"an {kind}" if kind is Kind.AGENT else f"a {kind}"


def _check_keys(kind: Kind, metadata: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    known = schema.AGENT_KEYS if kind is Kind.AGENT else schema.SKILL_KEYS
    for key in metadata:
        if key not in known | schema.ABOUT_KEYS:
            yield warning(
                lines[key,], "frontmatter-key", f"{key} is not a key of {_article(kind)}{nearest(key, known)}"
            )


def _check_values(metadata: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    for key, value in metadata.items():
        possible = schema.FRONTMATTER_VALUES.get(key)
        if possible is not None and value != "" and value not in [*possible]:
            # A colour that does not exist is no colour; nothing else is lost.
            level = warning if key == "color" else error
            yield level(lines[key,], "frontmatter-value", f"{key} must be one of {listed(possible)}")
        if key in schema.FRONTMATTER_SWITCHES and str(value).lower() not in _SWITCH_VALUES:
            yield error(lines[key,], "frontmatter-value", f"{key} must be true or false")
        if key == "effort" and not (isinstance(value, str) and (value in schema.EFFORTS or value.isdigit())):
            yield error(
                lines[key,], "frontmatter-value", f"effort must be one of {listed(schema.EFFORTS)}, or a number"
            )
        if key == "maxTurns" and not (isinstance(value, str) and value.isdigit() and int(value[:9]) > 0):
            yield error(lines[key,], "frontmatter-value", "maxTurns must be a whole number above 0")


def _check_identity(kind: Kind, leaf: str, metadata: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    name, description = metadata.get("name"), metadata.get("description")
    for key in ("name", "description"):
        value = metadata.get(key)
        if value is not None and not isinstance(value, str):
            yield error(lines[key,], "frontmatter-value", f"{key} must be a text, not {kind_of(value)}")
    if kind is Kind.AGENT and not name:
        yield error(1, "frontmatter-missing", "has no name: Claude Code takes no notice of an agent without one")
    if not description and kind is not Kind.COMMAND:
        level = error if kind is Kind.AGENT else warning
        yield level(1, "frontmatter-missing", "has no description, by which Claude knows when it is wanted")
    if isinstance(name, str) and name:
        if kind is not Kind.COMMAND and name_key(name) != name_key(leaf):
            yield warning(lines["name",], "name-mismatch", f"is called {name}, and its file {leaf}")
        if kind is Kind.AGENT and name.startswith("-"):
            yield error(lines["name",], "frontmatter-value", "the name of an agent may not start with -")
        if kind is Kind.SKILL and (len(name) > MAX_SKILL_NAME or not _SKILL_NAME.fullmatch(name)):
            said = f"the name of a skill has lower-case letters, digits and single dashes, {MAX_SKILL_NAME} at most"
            yield warning(lines["name",], "frontmatter-value", said)
    if kind is Kind.SKILL and isinstance(description, str) and len(description) > MAX_SKILL_DESCRIPTION:
        said = f"the description has {len(description)} characters; a skill's has {MAX_SKILL_DESCRIPTION} at most"
        yield warning(lines["description",], "oversize", said)


def _check_tools(metadata: Mapping[str, Any], lines: Lines) -> Iterator[Problem]:
    for key in ("tools", "disallowedTools", "allowed-tools", "disallowed-tools"):
        names = dict.fromkeys(tool.partition("(")[0].strip() for tool in frontmatter.list_value(metadata, key))
        unknown = [name for name in names if name not in schema.TOOLS and not name.startswith("mcp__") and name != "*"]
        if unknown:
            near = nearest(unknown[0], schema.TOOLS) if len(unknown) == 1 else ""
            said = f"{key}: no tool that is known is called {' or '.join(unknown)}{near}"
            yield warning(lines[key,], "unknown-tool", said)


def lines_of(document: frontmatter.Document) -> Lines:
    """The lines of the keys of the frontmatter."""
    found: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(document.fence.split("\n"), 1):
        match = _KEY.match(line)
        if match is not None:
            found.setdefault((match.group(1),), number)
    return Lines(found, first=1)


def _typed(value: Any) -> Any:
    """YAML is read as text: numbers and switches become what they would be in JSON."""
    if isinstance(value, dict):
        return {key: _typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_typed(inner) for inner in value]
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}(?:\.\d{1,9})?", value):
        return float(value) if "." in value else int(value)
    return value
