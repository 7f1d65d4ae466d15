"""The index of a components repository: what it says of each component. Bytes in, values out.

It has a list for each kind, at its top (the public one) or below `components` (ours). An entry has a `name` with a
`category`, or a `path` below the folder of its kind, or a name that is whole; and perhaps `description`, `tools`,
`title`, and in `files` or `references` what lies beside its main file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cct_cloudflare.catalog.reading import MAX_DESCRIPTION
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import file_problem, name_problem, printable
from cct_cloudflare.components.walking import SKILL_FILE, name_of
from cct_cloudflare.plain import plain_line
from cct_cloudflare.registries.failures import invalid

MAX_INDEX = 20 * 1024 * 1024
MAX_ENTRIES = 50_000

#: Where an index lies in a source, and the folder that its components are in.
ROOTS: Mapping[str, str] = {
    "docs/components.json": "cli-tool/components/",
    "components.json": "cli-tool/components/",
    "components/index.json": "components/",
    "index.json": "",
}
MARKETPLACE = ".claude-plugin/marketplace.json"
PLUGIN = ".claude-plugin/plugin.json"
INDEX_FILES = (*ROOTS, MARKETPLACE, PLUGIN)


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an index says of a component; the texts are safe to print. `files` are beside its main file."""

    kind: Kind
    name: str
    description: str = ""
    tools: tuple[str, ...] = ()
    title: str = ""
    files: tuple[str, ...] = ()


def parse_index(data: bytes, where: str) -> dict[tuple[Kind, str], Indexed]:
    """What cannot be named is left out. Raises WorkerError `registry_invalid` for what is no index at all."""
    found: dict[tuple[Kind, str], Indexed] = {}
    for kind, entry in _entries(load_object(data, where)):
        indexed = _indexed(kind, entry)
        if indexed is not None:
            found.setdefault((indexed.kind, indexed.name), indexed)
        if len(found) > MAX_ENTRIES:
            raise invalid(f"{plain_line(where)} lists more than {MAX_ENTRIES:,} components.")
    return found


def load_object(data: bytes, where: str) -> dict[str, Any]:
    """A JSON object. Raises WorkerError `registry_invalid`."""
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise invalid(f"{plain_line(where)} is not a JSON object.", hint="Tell those who keep this registry.")
    return value


def _entries(value: Mapping[str, Any]) -> Iterator[tuple[Kind, Mapping[str, Any]]]:
    inner = value.get("components")
    lists = inner if isinstance(inner, dict) else value
    for kind in Kind:
        for entry in _list(lists.get(kind.folder)):
            if isinstance(entry, dict):
                yield kind, entry


def _indexed(kind: Kind, entry: Mapping[str, Any]) -> Indexed | None:
    name, path, category = entry.get("name"), entry.get("path"), entry.get("category")
    if isinstance(path, str):
        name = name_of(path.rstrip("/") + (f"/{SKILL_FILE}" if kind is Kind.SKILL else ""), kind)
        if kind is not Kind.SKILL and name == path:
            return None  # a file of another kind
    elif isinstance(name, str) and isinstance(category, str) and category and "/" not in name:
        name = f"{category}/{name}"
    if not isinstance(name, str) or name_problem(name) is not None:
        return None
    files = entry.get("files") or entry.get("references")
    return Indexed(
        kind,
        name,
        _text(entry.get("description")),
        tuple(_text(tool) for tool in _list(entry.get("tools")) if isinstance(tool, str)),
        _text(entry.get("title")),
        tuple(file for file in _list(files) if isinstance(file, str) and file_problem(file) is None),
    )


def _text(value: Any) -> str:
    return printable(value[:MAX_DESCRIPTION].strip().strip('"')) if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
