"""A tree of files → the components that it has, whatever its layout, each with what a catalog lists of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from cct_cloudflare.catalog.reading import Summary, summarize, unusable
from cct_cloudflare.components.files import MAX_COMPONENT_BYTES, UnreadableFileError, decode
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import printable
from cct_cloudflare.errors import WorkerError
from cct_cloudflare.registries.failures import invalid
from cct_cloudflare.registries.indexes import INDEX_FILES, MARKETPLACE, MAX_INDEX, PLUGIN, ROOTS, Indexed, parse_index
from cct_cloudflare.registries.listing import Listed, Listing
from cct_cloudflare.registries.plugins import PLUGIN_ROOT, arrange_plugins
from cct_cloudflare.registries.repository import arrange_index, arrange_paths, find_root, indexed_summary, preferred
from cct_cloudflare.registries.telling import Progress
from cct_cloudflare.registries.tree import Tree

COMPONENTS = "components repository"
MARKETPLACES = "plugin marketplace"

#: So many files are read for their descriptions where each is a request; the others are listed without.
MAX_DESCRIBED = 3_000


def arrange(tree: Tree, *, own: str = "", progress: Progress | None = None) -> Listing:
    """What the tree has. `own` is its `owner/repository` on GitHub, or empty.

    Raises WorkerError: `registry_unreachable`, and `registry_invalid` for what is no registry in any layout.
    """
    stats = tree.paths()
    if stats is None:
        return _arrange_site(tree, own, progress)
    is_marketplace = MARKETPLACE in stats or PLUGIN in stats
    root = preferred(find_root(stats), is_marketplace=is_marketplace)
    if root is not None:
        index = _index(tree, [path for path in ROOTS if path in stats], root) if tree.is_remote else {}
        found = [
            replace(listed, summary=indexed_summary(index.get((listed.kind, listed.name))))
            for listed in arrange_paths(root, stats)
        ]
        return _described(tree, COMPONENTS, found, [], progress)
    if is_marketplace:
        found, left_out = arrange_plugins(tree, stats, own)
        return _described(tree, MARKETPLACES, found, left_out, progress)
    raise invalid(
        "It has no components: neither folders like agents/ or skills/, nor a plugin marketplace.",
        hint="A components repository has them below cli-tool/components, components or at its top.",
    )


def _arrange_site(tree: Tree, own: str, progress: Progress | None) -> Listing:
    files = tree.read(INDEX_FILES, limit=MAX_INDEX)
    faults = []
    for path, root in ROOTS.items():
        if path not in files:
            continue
        try:
            index = parse_index(files[path], path)
        except WorkerError as error:
            faults.append(error)
            continue
        if index:
            # What an index says is all there is to say, without asking for each file.
            found = arrange_index(root, index.values())
            told = [replace(listed, summary=listed.summary or Summary()) for listed in found]
            return replace(_sorted(COMPONENTS, told, []), root=root)
    if MARKETPLACE in files or PLUGIN in files:
        found, left_out = arrange_plugins(tree, None, own)
        return _described(tree, MARKETPLACES, found, left_out, progress)
    raise faults[0] if faults else invalid(f"Its index names no component: {', '.join(files)}.")


def _index(tree: Tree, paths: Sequence[str], root: str) -> dict[tuple[Kind, str], Indexed]:
    """What the index of a repository says; one that is broken is no reason to do without the repository."""
    wanted = [path for path in paths if ROOTS[path] == root]
    merged: dict[tuple[Kind, str], Indexed] = {}
    for path, data in tree.read(wanted, limit=MAX_INDEX).items():
        try:
            found = parse_index(data, path)
        except WorkerError:
            continue
        for key, entry in found.items():
            merged.setdefault(key, entry)
    return merged


def _described(
    tree: Tree, layout: str, found: Sequence[Listed], left_out: list[str], progress: Progress | None
) -> Listing:
    """Reads the main files of those of which nothing is known yet."""
    missing = [listed for listed in found if listed.summary is None and listed.text is None]
    wanted = [
        source.path
        for listed in missing
        if (source := listed.files[listed.main]).size is None or source.size <= MAX_COMPONENT_BYTES
    ]
    if tree.is_remote:
        wanted = wanted[:MAX_DESCRIBED]
    texts = tree.read(list(dict.fromkeys(wanted)), limit=MAX_COMPONENT_BYTES, progress=progress)
    described = []
    for listed in found:
        told = listed if listed.summary else _summarized(listed, texts)
        if layout == MARKETPLACES and told is not None and _needs_plugin(listed, texts):
            left_out.append(f"The {listed.kind} {listed.name} uses files of its plugin, and needs it.")
        elif told is not None:
            described.append(told)
    return _sorted(layout, described, left_out)


def _summarized(listed: Listed, texts: dict[str, bytes]) -> Listed | None:
    """With what its main file says; None for one that a site turned out not to have."""
    if listed.text is not None:
        return replace(listed, summary=summarize(listed.kind, listed.text))
    source = listed.files[listed.main]
    data = texts.get(source.path)
    if data is None:
        if source.size is None:
            return None
        reason = f"it is larger than {MAX_COMPONENT_BYTES // 1024} KiB"
        return replace(listed, summary=unusable(reason) if source.size > MAX_COMPONENT_BYTES else Summary())
    try:
        return replace(listed, summary=summarize(listed.kind, decode(data, MAX_COMPONENT_BYTES)))
    except UnreadableFileError as error:
        return replace(listed, summary=unusable(str(error)))


def _needs_plugin(listed: Listed, texts: dict[str, bytes]) -> bool:
    """A skill may as well explain plugins; agents and commands name that folder to use it."""
    if listed.kind not in (Kind.AGENT, Kind.COMMAND):
        return False
    source = listed.files.get(listed.main)
    return source is not None and PLUGIN_ROOT.encode() in texts.get(source.path, b"")


def _sorted(layout: str, found: Iterable[Listed], left_out: Sequence[str]) -> Listing:
    order = {kind: place for place, kind in enumerate(Kind)}
    unique = {(listed.kind, listed.name): listed for listed in reversed(list(found))}
    listed = sorted(unique.values(), key=lambda listed: (order[listed.kind], listed.name))
    return Listing(layout, tuple(listed), tuple(printable(line) for line in left_out))
