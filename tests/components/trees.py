"""Small projects built from dicts, for the tests of components."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cct_cloudflare.components.model import Component, Kind


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return root


def component(kind: Kind, name: str, body: str, **fields: Any) -> Component:
    category, _, leaf = name.rpartition("/")
    defaults: dict[str, Any] = {
        "title": leaf,
        "description": leaf,
        "source": "test",
        "path": Path(f"{name}.md"),
        "frontmatter": MappingProxyType({}),
    }
    return Component(kind=kind, name=name, category=category, leaf=leaf, body=body, **{**defaults, **fields})


def agent(name: str, body: str, **fields: Any) -> Component:
    return component(Kind.AGENT, name, body, **fields)


def command(name: str, body: str, **fields: Any) -> Component:
    return component(Kind.COMMAND, name, body, **fields)
