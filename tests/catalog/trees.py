"""Small catalogs on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cct_cloudflare.catalog import DirectoryCatalog
from tests.components.trees import write_tree

AGENT = "---\nname: {0}\ndescription: about {0}\ntools: Read, Grep\n---\nI am {0}.\n"


def catalog(root: Path, files: Mapping[str, str | bytes], label: str = "test") -> DirectoryCatalog:
    return DirectoryCatalog(label, write_tree(root, files), root)


def agents(*names: str) -> dict[str, str | bytes]:
    return {f"agents/{name}.md": AGENT.format(name.rpartition("/")[2]) for name in names}
