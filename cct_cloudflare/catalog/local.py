"""A folder as a `Catalog`: the bundled one, a project's `.claude/`, a checkout, any directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cct_cloudflare.catalog.packing import pack
from cct_cloudflare.catalog.reading import Summary, summarize, unusable
from cct_cloudflare.components.files import MAX_COMPONENT_BYTES, UnreadableFileError, read_text
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import printable
from cct_cloudflare.components.package import Item, Package
from cct_cloudflare.components.walking import Entry, Folder
from cct_cloudflare.errors import UsageError
from cct_cloudflare.resources import components_dir

PROJECT_KINDS = (Kind.AGENT, Kind.COMMAND, Kind.SKILL)


class DirectoryCatalog:
    """The components below `root`. Nothing outside `boundary` is listed or loaded, whatever links say.

    `kinds` are those that lie in this folder as files of their own: in `.claude/` hooks, settings and servers do not.
    """

    def __init__(self, label: str, root: Path, boundary: Path, kinds: Sequence[Kind] = tuple(Kind)) -> None:
        self._label = printable(label)
        self._folder = Folder(root, boundary)
        self._kinds = tuple(kinds)
        self._listed: dict[Kind, dict[str, tuple[Entry, Item]]] = {}

    @property
    def label(self) -> str:
        return self._label

    @property
    def root(self) -> Path:
        return self._folder.root

    def items(self, kind: Kind | None = None) -> Sequence[Item]:
        """As they were when first asked for; what is written meanwhile is seen by the next catalog."""
        kinds = Kind if kind is None else (kind,)
        return [item for wanted in kinds for _, item in self._list(wanted).values()]

    def load(self, item: Item) -> Package:
        listed = self._list(item.kind).get(item.name)
        if listed is None:
            raise UsageError(
                f"There is no {item.kind} named {printable(item.name)} in {self._label}.", code="component_not_found"
            )
        return pack(self._folder, *listed)

    def _list(self, kind: Kind) -> dict[str, tuple[Entry, Item]]:
        if kind not in self._kinds:
            return {}
        if kind not in self._listed:
            entries = self._folder.entries(kind)
            self._listed[kind] = {
                entry.name: (entry, _summary(entry).to_item(kind, entry.name, self._label)) for entry in entries
            }
        return self._listed[kind]


def bundled_catalog() -> DirectoryCatalog:
    """The catalog that comes with cct. Raises ConfigError when the installation lacks it."""
    root = components_dir()
    return DirectoryCatalog("bundled", root, root)


def project_catalog(project: Path) -> DirectoryCatalog:
    """What lies in `<project>/.claude/` as files: agents, commands and skills, whoever put them there."""
    return DirectoryCatalog("project", project / ".claude", project, PROJECT_KINDS)


def _summary(entry: Entry) -> Summary:
    try:
        return summarize(entry.kind, read_text(entry.path.resolve(), MAX_COMPONENT_BYTES))
    except UnreadableFileError as error:
        return unusable(str(error))
