"""Reads `components/README.md`: the table under a heading."""

from __future__ import annotations

import re

from cct_cloudflare.resources import components_dir

_ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \|$", re.MULTILINE)


def section(title: str) -> str:
    """The text below the heading that starts with `title`, up to the next heading of its level."""
    text = (components_dir() / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(title)}\b.*?$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"components/README.md has no section {title}"
    return found[1]


def rows(title: str) -> list[tuple[str, str, str]]:
    """(name, where, reason) of each row; a table of two columns has an empty `where`."""
    cells = [(name, rest.split(" | ")) for name, rest in _ROW.findall(section(title))]
    return [(name, " | ".join(rest[:-1]), rest[-1]) for name, rest in cells]
