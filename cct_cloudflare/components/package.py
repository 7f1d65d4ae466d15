"""A component as a whole: what a catalog lists of it, and all of its files.

Every source of components (the bundled ones, a project's `.claude/`, a folder, a git repository, a registry) is a
`Catalog`. Listing one is cheap and reads no more than it must; `load` gives the files, exactly as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from cct_cloudflare.components.model import Kind


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a catalog. `description` and `tools` are safe to print; `source` is the label of its catalog."""

    kind: Kind
    name: str
    """`category/leaf`, where the category may itself have slashes; the bare leaf without one."""
    description: str
    source: str
    tools: tuple[str, ...] = ()
    title: str = ""
    """The `name:` that an agent or skill gives itself, where that is not its leaf."""

    @property
    def category(self) -> str:
        return self.name.rpartition("/")[0]

    @property
    def leaf(self) -> str:
        return self.name.rpartition("/")[2]

    @property
    def ref(self) -> str:
        """What `cct remove` and its like take: `agent/category/leaf`."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Package:
    """A component with its bytes.

    `files` has safe relative paths with slashes: the main file by its own name (`x.md`, `x.json`, `SKILL.md`), beside
    it what belongs to it (`x.py`, `scripts/a.sh`).
    """

    item: Item
    files: Mapping[str, bytes]
    main: str
    revision: str | None = None
    """The commit that a registry was pinned to; None where nothing is pinned."""
    executable: frozenset[str] = frozenset()
    """The paths of `files` that their owner may execute where they come from; no part of the digest."""

    @cached_property
    def digest(self) -> str:
        """That of its files: two packages with one digest have the same content."""
        return digest_of(self.files)


def digest_of(files: Mapping[str, bytes]) -> str:
    """SHA-256 in hex over all paths and bytes."""
    hashed = hashlib.sha256()
    for path in sorted(files):
        for part in (path.encode("utf-8", "surrogatepass"), files[path]):
            hashed.update(len(part).to_bytes(8, "big"))
            hashed.update(part)
    return hashed.hexdigest()


class Catalog(Protocol):
    """A source of components."""

    @property
    def label(self) -> str:
        """`project`, `bundled`, the name of a registry, or a path; safe to print."""

    def items(self, kind: Kind | None = None) -> Sequence[Item]:
        """All that it has, in the order of kinds and names. What cannot be named is left out."""

    def load(self, item: Item) -> Package:
        """The files of one of its items.

        Raises UsageError (`component_invalid`, `component_not_found`), and for a source elsewhere WorkerError
        (`registry_unreachable`, `registry_invalid`).
        """


def item_to_json(item: Item, *, installed: bool) -> dict[str, Any]:
    """What `--json` shows of an item in every command."""
    return {
        "kind": str(item.kind),
        "name": item.name,
        "description": item.description,
        "source": item.source,
        "installed": installed,
    }
