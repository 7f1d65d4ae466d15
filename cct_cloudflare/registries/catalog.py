"""A registry as a `Catalog`: listed from what is known of its pinned revision, loaded file by file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from cct_cloudflare.catalog.packing import MAX_PACKAGE_BYTES, MAX_PACKAGE_FILES, SIDE_SUFFIXES
from cct_cloudflare.catalog.reading import Summary, summarize
from cct_cloudflare.components.files import MAX_COMPONENT_BYTES, UnreadableFileError, decode
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import file_problem, name_problem, printable
from cct_cloudflare.components.package import Catalog, Item, Package
from cct_cloudflare.errors import CctError, UsageError, WorkerError
from cct_cloudflare.registries.failures import invalid
from cct_cloudflare.registries.indexes import Indexed
from cct_cloudflare.registries.listing import Listed, Listing
from cct_cloudflare.registries.repository import arrange_index
from cct_cloudflare.registries.telling import Progress
from cct_cloudflare.registries.tree import Tree

_LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


class Opened(Protocol):
    """A registry at one revision; both are made when they are first asked for."""

    @property
    def tree(self) -> Tree: ...

    @property
    def listing(self) -> Listing: ...


class RegistryCatalog:
    """`load` and `load_many` raise UsageError `component_not_found` and `component_invalid`, and WorkerError."""

    def __init__(self, label: str, opened: Opened) -> None:
        self._label = printable(label)
        self._opened = opened
        self._sought: dict[tuple[Kind, str], Listed] = {}

    @property
    def label(self) -> str:
        return self._label

    @property
    def listing(self) -> Listing:
        return self._opened.listing

    @property
    def revision(self) -> str | None:
        return self._opened.tree.revision

    def items(self, kind: Kind | None = None) -> Sequence[Item]:
        return [
            (listed.summary or Summary()).to_item(listed.kind, listed.name, self._label)
            for listed in self._opened.listing.listed
            if kind is None or listed.kind is kind
        ]

    def seek(self, name: str, kind: Kind) -> Item | None:
        """A component that the registry has although its index does not name it: asked for by its whole name.

        None for a skill, whose files nothing tells, and where the registry cannot be asked.
        """
        root = self._opened.listing.root
        if root is None or kind is Kind.SKILL or "/" not in name or name_problem(name) is not None:
            return None
        listed = arrange_index(root, [Indexed(kind, name)])[0]
        try:
            read = self._opened.tree.read([listed.files[listed.main].path], limit=MAX_COMPONENT_BYTES)
            text = decode(next(iter(read.values())), MAX_COMPONENT_BYTES)
        except (StopIteration, UnreadableFileError, WorkerError):
            return None
        self._sought[kind, name] = listed
        return summarize(kind, text).to_item(kind, name, self._label)

    def load(self, item: Item) -> Package:
        return self.load_many([item])[0]

    def load_many(self, items: Sequence[Item], progress: Progress | None = None) -> list[Package]:
        """All of them, with as many requests at once as is polite: the way to load more than one."""
        listed = [self._listed(item) for item in items]
        for each in listed:
            _check_sizes(each)
        wanted = dict.fromkeys(source.path for each in listed for source in each.files.values())
        read = self._opened.tree.read(list(wanted), limit=MAX_PACKAGE_BYTES, progress=progress)
        sides = {path for each in listed if each.may_have_sides for path in _sides(each, read)}
        if sides:
            read |= self._opened.tree.read(sorted(sides), limit=MAX_PACKAGE_BYTES)
        return [self._package(item, each, read) for item, each in zip(items, listed, strict=True)]

    def _listed(self, item: Item) -> Listed:
        ref = (item.kind, item.name)
        listed = self._opened.listing.by_ref.get(ref) or self._sought.get(ref)
        if listed is None:
            raise UsageError(
                f"There is no {item.kind} named {printable(item.name)} in {self._label}.",
                hint="Take what the registry has now: cct registry update",
                code="component_not_found",
            )
        return listed

    def _package(self, item: Item, listed: Listed, read: Mapping[str, bytes]) -> Package:
        if listed.text is not None:
            return Package(item, {listed.main: listed.text.encode()}, listed.main, self.revision)
        files = {path: read[source.path] for path, source in listed.files.items() if source.path in read}
        absent = [path for path in listed.files if path not in files]
        if absent:
            raise invalid(
                f"{self._label} lists the {item.kind} {printable(item.name)}, but has no file"
                f" {printable(listed.files[absent[0]].path)}.",
                hint=f"Take what the registry has now: cct registry update {self._label}",
            )
        if listed.may_have_sides:
            files |= {path.rpartition("/")[2]: read[path] for path in _sides(listed, read) if path in read}
        pointer = next((path for path, data in files.items() if data.startswith(_LFS_POINTER)), None)
        if pointer is not None:
            raise _unusable(listed, f"its file {printable(pointer)} is kept in Git LFS, which cct does not ask")
        if sum(map(len, files.values())) > MAX_PACKAGE_BYTES:
            raise _unusable(listed, f"it is larger than {MAX_PACKAGE_BYTES >> 20} MiB")
        try:
            decode(files[listed.main], MAX_COMPONENT_BYTES)
        except UnreadableFileError as error:
            raise _unusable(listed, str(error)) from error
        executable = frozenset(path for path in files if path in listed.files and listed.files[path].executable)
        return Package(item, files, listed.main, self.revision, executable)


def possible_paths(listing: Listing) -> list[str]:
    """Every path that loading its components may ask for."""
    paths = [file.path for listed in listing.listed for file in listed.files.values()]
    mains = [listed.files[listed.main].path for listed in listing.listed if listed.may_have_sides]
    return [*paths, *(main.removesuffix(".json") + suffix for main in mains for suffix in SIDE_SUFFIXES)]


def load_all(
    found: Sequence[tuple[Catalog, Item]],
    *,
    expected: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> list[Package]:
    """The packages of what `catalog.find` found, in its order; those of one registry are fetched together.

    `expected` has digests by `item.ref`, of a lock for example. Raises what the catalogs raise, and WorkerError
    `registry_invalid` for content with another digest.
    """
    packages: dict[int, Package] = {}
    groups: dict[int, list[int]] = {}
    for place, (catalog, _) in enumerate(found):
        groups.setdefault(id(catalog), []).append(place)
    for places in groups.values():
        catalog = found[places[0]][0]
        items = [found[place][1] for place in places]
        if isinstance(catalog, RegistryCatalog):
            loaded = catalog.load_many(items, progress)
        else:
            loaded = [catalog.load(item) for item in items]
        packages |= zip(places, loaded, strict=True)
    for package in packages.values():
        check_digest(package, (expected or {}).get(package.item.ref))
    return [packages[place] for place in range(len(found))]


def check_digest(package: Package, expected: str | None) -> None:
    """Raises WorkerError `registry_invalid` for other content than was expected; None expects nothing."""
    if expected is not None and package.digest != expected:
        raise invalid(
            f"{package.item.source} gives the {package.item.kind} {printable(package.item.name)} with other content"
            " than the lock file has for it.",
            hint="It was changed at its source. Look at it, then: cct update",
        )


def _check_sizes(listed: Listed) -> None:
    """Before anything is asked for: sizes that the source tells itself."""
    if len(listed.files) > MAX_PACKAGE_FILES:
        raise _unusable(listed, f"it has more than {MAX_PACKAGE_FILES:,} files")
    if sum(source.size or 0 for source in listed.files.values()) > MAX_PACKAGE_BYTES:
        raise _unusable(listed, f"it is larger than {MAX_PACKAGE_BYTES >> 20} MiB")
    problems = ((path, file_problem(path)) for path in (*listed.files, listed.main))
    for path, problem in problems:
        if problem is not None:
            raise _unusable(listed, f"{printable(path)!r} is no name for a file of it: {problem}")


def _sides(listed: Listed, read: Mapping[str, bytes]) -> Iterable[str]:
    """Files beside a hook or setting that its command lines name, by the name that public catalogs give them."""
    main = listed.files[listed.main].path
    text = read.get(main, b"").decode("utf-8", "replace")
    stem = main.removesuffix(".json")
    leaf = stem.rpartition("/")[2]
    for suffix in SIDE_SUFFIXES:
        if re.search(rf"[/\\]{re.escape(leaf + suffix)}(?![\w.-])", text):
            yield stem + suffix


def _unusable(listed: Listed, reason: str) -> CctError:
    return UsageError(f"The {listed.kind} {printable(listed.name)} cannot be used: {reason}.", code="component_invalid")
