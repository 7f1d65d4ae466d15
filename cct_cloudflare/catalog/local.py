"""A folder as a `Catalog`: the bundled one, a project's `.claude/`, a checkout, any directory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from cct_cloudflare.catalog.cache import summaries
from cct_cloudflare.catalog.index import FILE, read_index
from cct_cloudflare.catalog.packing import pack
from cct_cloudflare.catalog.reading import Summary, summarize, unusable
from cct_cloudflare.components.files import MAX_COMPONENT_BYTES, UnreadableFileError, read_text
from cct_cloudflare.components.model import JSON_KINDS, Kind
from cct_cloudflare.components.names import printable
from cct_cloudflare.components.package import Item, Package
from cct_cloudflare.components.walking import Entry, Folder
from cct_cloudflare.errors import UsageError
from cct_cloudflare.resources import components_dir

PROJECT_KINDS = tuple(kind for kind in Kind if kind not in JSON_KINDS)


class DirectoryCatalog:
    """The components below `root`. Nothing outside `boundary` is listed or loaded, whatever links say.

    `kinds` are those that lie in this folder as files of their own: in `.claude/` hooks, settings and servers do not.
    `is_indexed` says that its `index.json` is true of it, so that it can be listed from that.
    """

    def __init__(
        self,
        label: str,
        root: Path,
        boundary: Path,
        kinds: Sequence[Kind] = tuple(Kind),
        *,
        is_indexed: bool = False,
    ) -> None:
        self._label = printable(label)
        self._folder = Folder(root, boundary)
        self._kinds = tuple(kinds)
        self._is_indexed = is_indexed
        self._listed: dict[Kind, tuple[Item, ...]] = {}

    @property
    def label(self) -> str:
        return self._label

    @property
    def root(self) -> Path:
        return self._folder.root

    def items(self, kind: Kind | None = None) -> Sequence[Item]:
        """As they were when first asked for; what is written meanwhile is seen by the next catalog."""
        if kind is not None:
            return self._list(kind)
        return [item for kind in Kind for item in self._list(kind)]

    def load(self, item: Item) -> Package:
        entry = self._folder.entry(item.kind, item.name) if item.kind in self._kinds else None
        if entry is None:
            raise UsageError(
                f"There is no {item.kind} {printable(item.name)} in {self._label}.",
                hint="See what there is: cct list",
                code="component_not_found",
            )
        return pack(self._folder, entry, item)

    def _list(self, kind: Kind) -> tuple[Item, ...]:
        if kind not in self._kinds:
            return ()
        if kind not in self._listed:
            told = self._index.get(kind) if self._index else None
            self._listed[kind] = tuple(
                summary.to_item(kind, name, self._label)
                for name, summary in (self._read(kind) if told is None else told.items())
            )
        return self._listed[kind]

    def _read(self, kind: Kind) -> Iterator[tuple[str, Summary]]:
        entries = self._folder.entries(kind)
        names = (entry.name for entry in entries)
        return zip(names, summaries(self._folder.root, kind, entries, _summary), strict=True)

    @cached_property
    def _index(self) -> Mapping[Kind, Mapping[str, Summary]] | None:
        return read_index(self._folder.root / FILE) if self._is_indexed else None


def bundled_catalog() -> DirectoryCatalog:
    """The catalog that comes with cct. Raises ConfigError when the installation lacks it."""
    root = components_dir()
    return DirectoryCatalog("bundled", root, root, is_indexed=True)


def project_catalog(project: Path) -> DirectoryCatalog:
    """What lies in `<project>/.claude/` as files: agents, commands and skills, whoever put them there."""
    return DirectoryCatalog("project", project / ".claude", project, PROJECT_KINDS)


def _summary(entry: Entry) -> Summary:
    # Few are links, and asking each folder above each file takes as long as reading it.
    file = os.path.realpath(entry.file) if os.path.islink(entry.file) else entry.file  # noqa: PTH114
    try:
        return summarize(entry.kind, read_text(file, MAX_COMPONENT_BYTES))
    except UnreadableFileError as error:
        return unusable(str(error))
