"""What a registry has at one revision: for each component what a catalog lists of it, and which files are its own.

Kept in the cache as JSON, so that a registry is listed without reading or asking anything else.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cct_cloudflare import __version__
from cct_cloudflare.cached_file import write_cached
from cct_cloudflare.catalog.reading import Summary
from cct_cloudflare.components.model import Kind
from cct_cloudflare.config import cache_dir
from cct_cloudflare.registries.tree import Stat

#: Another version of cct may arrange the same files otherwise.
_FORMAT = f"2 {__version__}"


@dataclass(frozen=True, slots=True)
class Located:
    """Where a file lies in the registry; `size` is None where that is not known."""

    path: str
    size: int | None = None
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """`files` has the paths that a Package has. With `text` the main file is this, and lies nowhere.

    `may_have_sides`: its command lines say what else belongs to it, since the registry's files cannot be listed.
    """

    kind: Kind
    name: str
    main: str
    files: Mapping[str, Located]
    summary: Summary | None = None
    text: str | None = None
    may_have_sides: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """`left_out` are sentences: what the registry has that cannot be installed from it, and why.

    `root` is the folder, as a prefix, in which a registry that cannot be listed may have more than its index says.
    """

    layout: str
    listed: tuple[Listed, ...]
    left_out: tuple[str, ...] = ()
    root: str | None = None
    by_ref: dict[tuple[Kind, str], Listed] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_ref", {(listed.kind, listed.name): listed for listed in self.listed})

    def counts(self) -> dict[str, int]:
        return counts_of(self.listed)


class _HasKind(Protocol):
    @property
    def kind(self) -> Kind: ...


def counts_of(components: Iterable[_HasKind]) -> dict[str, int]:
    """How many there are of each kind that there is, by its folder, in the order of kinds."""
    found = Counter(component.kind for component in components)
    return {kind.folder: found[kind] for kind in Kind if found[kind]}


def located(path: str, stats: Mapping[str, Stat] | None) -> Located:
    found = None if stats is None else stats.get(path)
    return Located(path) if found is None else Located(path, found.size, found.executable)


def read_listing(address: str, revision: str) -> Listing | None:
    """The listing in the cache; None where there is none, or a damaged one."""
    try:
        value = json.loads(_path(address, revision).read_bytes())
        if value["format"] != _FORMAT or (value["address"], value["revision"]) != (address, revision):
            return None
        return Listing(
            value["layout"], tuple(_from_json(item) for item in value["items"]), tuple(value["leftOut"]), value["root"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def keep_listing(address: str, revision: str, listing: Listing) -> None:
    value = {
        "format": _FORMAT,
        "address": address,
        "revision": revision,
        "layout": listing.layout,
        "leftOut": listing.left_out,
        "root": listing.root,
        "items": [_to_json(listed) for listed in listing.listed],
    }
    write_cached(_path(address, revision), json.dumps(value, separators=(",", ":")).encode())


def _path(address: str, revision: str) -> Path:
    name = hashlib.sha256(f"{address}\n{revision}".encode()).hexdigest()[:40]
    return cache_dir() / "registries" / "listings" / f"{name}.json"


def _to_json(listed: Listed) -> list[Any]:
    summary = listed.summary or Summary()
    files = [[path, file.path, file.size, int(file.executable)] for path, file in listed.files.items()]
    return [
        str(listed.kind),
        listed.name,
        listed.main,
        files,
        summary.description,
        list(summary.tools),
        summary.title,
        listed.text,
        int(listed.may_have_sides),
    ]


def _from_json(value: list[Any]) -> Listed:
    kind, name, main, files, description, tools, title, text, may_have_sides = value
    return Listed(
        Kind(kind),
        name,
        main,
        {path: Located(source, size, bool(executable)) for path, source, size, executable in files},
        Summary(description, tuple(tools), title),
        text,
        bool(may_have_sides),
    )
