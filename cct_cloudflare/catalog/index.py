"""`index.json` of a catalog: what can be listed of it without reading its components.

    {"format": 1, "components": {"agents": [{"name", "description", "tools"?, "title"?, "files"?}, …], …}}

`files` are those beside the main file: on a web site, whose folders cannot be listed, they are found by this alone.
It is generated (`python -m cct_cloudflare.catalog components`), in the order of kinds and names, so that the same
components always give the same bytes. The bundled catalog is listed from it; a test fails when it is stale.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cct_cloudflare.catalog.reading import Summary
from cct_cloudflare.components.files import UnreadableFileError, read_text
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import name_problem
from cct_cloudflare.components.package import Catalog, Item
from cct_cloudflare.errors import UsageError

FILE = "index.json"
_FORMAT = 1
_MAX_BYTES = 20 * 1024 * 1024


def index_of(catalog: Catalog) -> str:
    """The text of the file."""
    components = {kind.folder: [_row(catalog, item) for item in catalog.items(kind)] for kind in Kind}
    return json.dumps({"format": _FORMAT, "components": components}, indent=2, ensure_ascii=False) + "\n"


def read_index(file: Path) -> Mapping[Kind, Mapping[str, Summary]] | None:
    """What an index says of each kind and name; None where there is none that can be understood."""
    try:
        data = json.loads(read_text(file.resolve(), _MAX_BYTES))
        if data["format"] != _FORMAT:
            return None
        return {kind: dict(map(_summary, data["components"][kind.folder])) for kind in Kind}
    except (UnreadableFileError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return None


def _row(catalog: Catalog, item: Item) -> dict[str, Any]:
    row: dict[str, Any] = {"name": item.name, "description": item.description}
    if item.tools:
        row["tools"] = list(item.tools)
    if item.title:
        row["title"] = item.title
    if files := _files_beside(catalog, item):
        row["files"] = files
    return row


def _files_beside(catalog: Catalog, item: Item) -> list[str]:
    try:
        package = catalog.load(item)
    except UsageError:
        return []  # it is listed as what cannot be used
    return sorted(path for path in package.files if path != package.main)


def _summary(row: Mapping[str, Any]) -> tuple[str, Summary]:
    name, tools = row["name"], row.get("tools", [])
    texts = [name, row["description"], row.get("title", ""), *tools]
    if not all(isinstance(text, str) for text in texts) or not isinstance(tools, list) or name_problem(name):
        raise ValueError("not an index")
    return name, Summary(row["description"], tuple(tools), row.get("title", ""))
