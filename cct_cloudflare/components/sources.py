"""Where components come from, and which one a name means.

A source is a folder with `agents/` and `commands/` in it, each `<category>/<leaf>.md` to any depth. An earlier
source shadows a later one; within one source a name means one component or is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

from cct_cloudflare.components import frontmatter
from cct_cloudflare.components.files import MAX_COMPONENT_BYTES, UnreadableFileError, read_text
from cct_cloudflare.components.model import Component, Kind
from cct_cloudflare.components.names import check_name, name_key, printable
from cct_cloudflare.components.walking import Entry, Folder
from cct_cloudflare.errors import UsageError
from cct_cloudflare.resources import components_dir


class Source:
    """The agents and commands below `root`. Nothing outside `boundary` is read, whatever links say."""

    def __init__(self, label: str, root: Path, boundary: Path) -> None:
        self.label = label
        self._folder = Folder(root, boundary)

    def entries(self, kind: Kind) -> list[Entry]:
        """Every component of a kind that shapes a prompt, in the order of their names."""
        return self._folder.entries(kind) if kind in (Kind.AGENT, Kind.COMMAND) else []

    def find(self, ref: str, kind: Kind) -> list[Entry]:
        """What `ref` (checked) can mean here: `category/name` by its whole name, a bare name by the last part.

        A bare name that no agent's file has may be the `name:` that an agent gives itself, as in Claude Code.
        """
        entries = self.entries(kind)
        key = name_key(ref)
        if "/" in ref:
            return [entry for entry in entries if name_key(entry.name) == key]
        by_file = [entry for entry in entries if name_key(entry.leaf) == key]
        if by_file or kind is not Kind.AGENT:
            return by_file
        return [entry for entry in entries if name_key(self._own_name(entry)) == key]

    def load(self, entry: Entry) -> Component:
        """Raises UsageError `component_invalid` when the file cannot be read as text."""
        try:
            text = read_text(entry.path.resolve(), MAX_COMPONENT_BYTES)
        except UnreadableFileError as error:
            raise UsageError(
                f"The {entry.kind} {entry.name} cannot be used: {error}.",
                hint=f"Look at {printable(str(entry.path))}.",
                code="component_invalid",
            ) from error
        return component_of(entry, self.label, frontmatter.parse(text))

    def _own_name(self, entry: Entry) -> str:
        try:
            text = read_text(entry.path.resolve(), MAX_COMPONENT_BYTES)
        except UnreadableFileError:
            return ""
        return frontmatter.text_value(frontmatter.parse(text).metadata, "name")


class ProjectSource(Source):
    """`<project>/.claude/`: that folder alone, never a parent's; a link that leaves the project is not followed."""

    def __init__(self, project: Path) -> None:
        super().__init__("project", project / ".claude", project)


class BundledSource(Source):
    """The catalog that comes with cct."""

    def __init__(self) -> None:
        root = components_dir()
        super().__init__("bundled", root, root)


def default_sources(project: Path) -> tuple[Source, ...]:
    """The project's own components shadow the bundled ones."""
    return (ProjectSource(project), BundledSource())


def resolve(refs: Sequence[str], kind: Kind, sources: Sequence[Source]) -> list[Component]:
    """The component that each reference means, in the order given; one that is named twice comes once.

    Raises UsageError: `component_invalid` for a reference that is no name (before any file is touched),
    `component_ambiguous`, `component_not_found`.
    """
    checked = [check_name(ref) for ref in refs]
    found = [_resolve_one(ref, kind, sources) for ref in checked]
    return list({component.path: component for component in found}.values())


def _resolve_one(ref: str, kind: Kind, sources: Sequence[Source]) -> Component:
    for source in sources:
        matches = source.find(ref, kind)
        if len(matches) > 1:
            raise UsageError(
                f"{ref} fits several {kind.folder} ({source.label}): {', '.join(entry.name for entry in matches)}.",
                hint="Give the one you mean with its category, or rename one of them.",
                code="component_ambiguous",
            )
        if matches:
            return source.load(matches[0])
    raise UsageError(
        f"There is no {kind} named {ref}.", hint=_not_found_hint(ref, kind, sources), code="component_not_found"
    )


def _not_found_hint(ref: str, kind: Kind, sources: Sequence[Source]) -> str:
    for other in (Kind.AGENT, Kind.COMMAND):
        if other is not kind and any(source.find(ref, other) for source in sources):
            article = "an" if other is Kind.AGENT else "a"
            return f"It is {article} {other}: use --{other} {ref}."
    names = list(dict.fromkeys(entry.name for source in sources for entry in source.entries(kind)))
    nearest = nearest_names(ref, names)
    if nearest:
        return f"Did you mean {' or '.join(nearest)}?"
    return f"The {kind.folder} there are: {', '.join(names)}." if 0 < len(names) <= 20 else ""


def nearest_names(ref: str, names: Sequence[str], count: int = 3) -> list[str]:
    """The names that look most like `ref`, best first: by their last part, and as a whole."""
    from jellyfish import damerau_levenshtein_distance

    wanted = name_key(ref)
    wanted_leaf = wanted.rpartition("/")[2]

    def alike(one: str, other: str) -> float:
        return 1 - damerau_levenshtein_distance(one, other) / max(len(one), len(other), 1)

    def likeness(name: str) -> float:
        key = name_key(name)
        leaf = key.rpartition("/")[2]
        if wanted_leaf in leaf or leaf in wanted_leaf:
            return 1.0
        return max(alike(wanted, key), alike(wanted_leaf, leaf))

    scored = sorted(((likeness(name), name) for name in names), key=lambda pair: (-pair[0], pair[1]))
    return [name for score, name in scored[:count] if score >= 0.6]


def component_of(entry: Entry, source: str, document: frontmatter.Document, digest: str | None = None) -> Component:
    """An agent or command from its parsed file; `digest` is that of the package that it came in."""
    metadata = document.metadata
    category, _, leaf = entry.name.rpartition("/")
    tools_key = "tools" if entry.kind is Kind.AGENT else "allowed-tools"
    description = frontmatter.text_value(metadata, "description") or frontmatter.describe(document.body) or leaf
    return Component(
        kind=entry.kind,
        name=entry.name,
        category=category,
        leaf=leaf,
        title=printable(frontmatter.text_value(metadata, "name")) or leaf,
        description=printable(description),
        source=source,
        path=entry.path,
        frontmatter=MappingProxyType(dict(metadata)),
        body=document.body,
        model=frontmatter.text_value(metadata, "model") or None,
        tools=frontmatter.list_value(metadata, tools_key),
        digest=digest,
        argument_hint=printable(frontmatter.text_value(metadata, "argument-hint")),
        argument_names=frontmatter.list_value(metadata, "arguments", separators=", \t"),
        warnings=tuple(f"{entry.kind} {entry.name}: {warning}" for warning in document.warnings),
    )
