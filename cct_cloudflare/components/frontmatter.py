"""Markdown with frontmatter → metadata and body, however broken the metadata is.

Of 770 public agents and commands 222 are not valid YAML (`argument-hint: [a] | --b`, a description with colons
and `<example>` tags) and 60 have no frontmatter at all. Claude Code runs them, so nothing here ever raises:
what could not be understood is a warning in the result, and the body is kept byte for byte.

Scalars stay text (YAML's base schema): a name written `on`, `1e3` or `2026-01-01` is that name, and no value
can make the parser construct anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cct_cloudflare.components.plain_lines import read_lines

BOM = "\ufeff"
MAX_YAML = 64 * 1024
MAX_DEPTH = 16
MAX_DESCRIPTION = 300

_OPEN = re.compile(r"(?:[ \t]*\r?\n)*---[ \t]*\r?\n")
_CLOSE = re.compile(r"^---[ \t]*\r?$\n?", re.MULTILINE)
# Only these start a new entry when the YAML is broken: a description quotes dialogues (`user: …`, `Context: …`).
_ONE_LINE = frozenset(
    (
        "name",
        "model",
        "color",
        "argument-hint",
        "disable-model-invocation",
        "permissionMode",
        "category",
        "version",
        "author",
    )
)
_MANY_LINES = (
    "description",
    "tools",
    "allowed-tools",
    "disallowed-tools",
    "disallowedTools",
    "arguments",
    "skills",
    "mcpServers",
    "tags",
)
_KEYS = (*sorted(_ONE_LINE), *_MANY_LINES)
_ENTRY = re.compile(rf"({'|'.join(_KEYS)})[ \t]*:(?=[ \t\r]|$)")


@dataclass(frozen=True)
class Document:
    """A parsed file; `render` gives its exact text back.

    `fence` is the frontmatter with both of its `---` lines, empty when there is none.
    """

    bom: str
    fence: str
    body: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def render(document: Document) -> str:
    return document.bom + document.fence + document.body


def parse(text: str) -> Document:
    """Never raises; `render(parse(text)) == text` for every text."""
    bom = BOM if text.startswith(BOM) else ""
    rest = text[len(bom) :]
    opened = _OPEN.match(rest)
    if opened is None:
        return Document(bom, "", rest)
    closed = _CLOSE.search(rest, opened.end())
    if closed is None:
        return Document(bom, "", rest, warnings=("its frontmatter is never closed with ---",))
    inside = rest[opened.end() : closed.start()]
    metadata = load_yaml(inside)
    warnings: tuple[str, ...] = ()
    if metadata is None:
        metadata = _recover(inside)
        warnings = ("its frontmatter is not valid YAML; what could be read of it is used",)
        if not metadata:
            # Two horizontal rules around prose are no frontmatter.
            return Document(bom, "", rest)
    return Document(bom, rest[: closed.end()], rest[closed.end() :], metadata, warnings)


def load_yaml(text: str) -> dict[str, Any] | None:
    """A YAML mapping of text, lists and mappings (empty text: an empty one), or None when it is not one.

    Anchors, tags, deep nesting and more than `MAX_YAML` characters count as invalid: an alias bomb is small, and
    a deep one overflows the C parser's stack.
    """
    if len(text) > MAX_YAML:
        return None
    lines = read_lines(text)
    if lines.end == len(text):
        return dict(lines.entries)
    if lines.is_broken:
        return None
    import yaml

    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        data = _build(yaml.parse(text, Loader=loader))
    except (yaml.YAMLError, ValueError):
        return None
    if data is None or data == "":
        return {}
    return data if isinstance(data, dict) else None


def _build(events: Any) -> Any:
    """What PyYAML's base loader would construct, in one pass over the events. Raises ValueError for what is refused."""
    import yaml

    root: list[Any] = []
    open_: list[Any] = [root]  # lists; a mapping is collected as the list of its keys and values
    for event in events:
        if isinstance(event, yaml.ScalarEvent):
            _refuse_tag(event)
            open_[-1].append(event.value)
        elif isinstance(event, yaml.CollectionStartEvent):
            _refuse_tag(event)
            open_.append([])
            if len(open_) > MAX_DEPTH + 1:
                raise ValueError("nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            items = open_.pop()
            open_[-1].append(_mapping(items) if isinstance(event, yaml.MappingEndEvent) else items)
        elif isinstance(event, yaml.AliasEvent) or (isinstance(event, yaml.DocumentStartEvent) and root):
            raise ValueError("an alias, or a second document")
    return root[0] if root else None


def _mapping(items: list[Any]) -> dict[str, Any]:
    keys = items[::2]
    if not all(isinstance(key, str) for key in keys):
        raise ValueError("a key that is no text")
    return dict(zip(keys, items[1::2], strict=True))


def _refuse_tag(event: Any) -> None:
    if event.tag not in (None, "!"):
        raise ValueError("a tag")


def _recover(text: str) -> dict[str, Any]:
    """Entry by entry: each known key with the lines up to the next one, read as YAML where that works."""
    entries: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.split("\n"):
        start = _ENTRY.match(line)
        # A key that comes twice is part of a text: the second time it continues what it stands in.
        if start is not None and start.group(1) not in entries:
            current = entries[start.group(1)] = []
        if current is not None:
            current.append(line)
    return {key: _entry_value(key, "\n".join(lines)) for key, lines in entries.items()}


def _entry_value(key: str, text: str) -> Any:
    alone = load_yaml(text)
    if alone is not None and list(alone) == [key]:
        return alone[key]
    value = text[len(key) :].lstrip(" \t").removeprefix(":").strip()
    if key in _ONE_LINE:
        value = value.partition("\n")[0].strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return value


def text_value(metadata: Mapping[str, Any], key: str) -> str:
    """A scalar as text; a list as it is written in brackets; "" when absent or of another shape."""
    value = metadata.get(key)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return f"[{', '.join(str(item) for item in value)}]"
    return ""


def list_value(metadata: Mapping[str, Any], key: str, separators: str = ",") -> tuple[str, ...]:
    """A list, or text that lists its items: `Read, Write` as well as `[Read, Write]`. Empty items are dropped."""
    value = metadata.get(key)
    if isinstance(value, list):
        items = [item for item in value if isinstance(item, str)]
    elif isinstance(value, str):
        items = _split_outside_parentheses(value.strip().removeprefix("[").removesuffix("]"), separators)
    else:
        items = []
    return tuple(stripped for item in items if (stripped := item.strip().strip("\"'").removeprefix("- ").strip()))


def _split_outside_parentheses(text: str, separators: str) -> list[str]:
    """`Bash(git add:*, git commit:*), Read` has two items."""
    items: list[str] = []
    start = depth = 0
    for index, char in enumerate(text):
        depth = max(0, depth + (char == "(") - (char == ")"))
        if depth == 0 and (char in separators or char == "\n"):
            items.append(text[start:index])
            start = index + 1
    return [*items, text[start:]]


def describe(body: str) -> str:
    """A description for a file that gives none: its first heading, else its first paragraph, on one line."""
    paragraph: list[str] = []
    for raw in body.splitlines():
        line = raw.strip()
        if line.startswith("#") and line.strip("# "):
            return line.strip("# ")[:MAX_DESCRIPTION]
        if line and not line.startswith(("```", "---", "<!--")):
            paragraph.append(line)
        elif paragraph:
            break
    return " ".join(paragraph)[:MAX_DESCRIPTION]
