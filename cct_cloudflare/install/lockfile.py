"""`cct.lock`: which components are installed, and exactly what of the files belongs to each.

It lies in the `.claude` folder that it describes and is meant to be committed with it, so it may come from anybody:
whatever it names can only be a place that cct itself installs to.
"""

from __future__ import annotations

import enum
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.names import file_problem, name_key, name_problem
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.merging.model import Owned

LOCK_NAME = "cct.lock"
VERSION = 1
MAX_BYTES = 16 * 1024 * 1024
MAX_COMPONENTS = 10_000
_MAX_TEXT = 1000

#: The files that components are merged into.
MCP_FILE = ".mcp.json"
SETTINGS_FILE = ".claude/settings.json"
LOCAL_SETTINGS_FILE = ".claude/settings.local.json"
MERGED_FILES = frozenset({MCP_FILE, SETTINGS_FILE, LOCAL_SETTINGS_FILE})
#: The folders of `.claude` that whole files are installed into.
FILE_FOLDERS = ("agents", "commands", "skills", "hooks", "scripts")

#: How a folder below the project begins.
_HERE = "./"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Scope(enum.StrEnum):
    """Where a component takes effect: for everybody in a project, for this user there, or for this user everywhere."""

    PROJECT = "project"
    LOCAL = "local"
    USER = "user"


@dataclass(frozen=True)
class Locked:
    """One installed component.

    Paths begin with `.claude/`, whatever the user's own folder is called, or are `.mcp.json`. `files` are those that
    cct wrote, with the SHA-256 of what it wrote; a file that was there already, with the same bytes, is not among
    them. `merged` is what the component owns in the files that it was merged into. `replaced` are files of the user's
    whose place the component took, with the SHA-256 under which `store` keeps them. `address` is where the registry
    that is called `source` lay for whoever installed it.
    """

    kind: Kind
    name: str
    source: str
    revision: str | None
    digest: str
    scope: Scope
    files: Mapping[str, str] = field(default_factory=dict)
    merged: Mapping[str, Owned] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)
    address: str | None = None

    @property
    def ref(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def leaf(self) -> str:
        return self.name.rpartition("/")[2]

    def to_json(self, place: Path | None = None) -> dict[str, Any]:
        """A folder below `place` is written as `./…`: the others of the project have theirs elsewhere."""
        data: dict[str, Any] = {
            "kind": str(self.kind),
            "name": self.name,
            "source": _relative(self.source, place),
            **({} if self.address is None else {"address": self.address}),
            "revision": self.revision,
            "digest": self.digest,
            "scope": str(self.scope),
            "files": dict(sorted(self.files.items())),
            "merged": {path: owned.to_json() for path, owned in sorted(self.merged.items())},
        }
        if self.replaced:
            data["replaced"] = dict(sorted(self.replaced.items()))
        return data

    @classmethod
    def from_json(cls, data: Any, place: Path | None = None) -> Locked:
        """`place` is what `./…` lies below.

        Raises ValueError, whose message continues a sentence, for whatever cct cannot have written.
        """
        if not isinstance(data, dict):
            raise ValueError("it lists something that is no component")  # noqa: TRY004  # a bad record, not a bad call
        kind, name = Kind(_text(data, "kind")), _text(data, "name")
        if problem := name_problem(name):
            raise ValueError(f"it names a component that cannot be one: {problem}")
        revision = None if data.get("revision") is None else _text(data, "revision")
        return cls(
            kind,
            name,
            _absolute(_text(data, "source"), place),
            revision,
            _sha256(data.get("digest")),
            Scope(_text(data, "scope")),
            _hashes(data.get("files", {})),
            {_merged_path(path): Owned.from_json(owned) for path, owned in _object(data.get("merged", {})).items()},
            _hashes(data.get("replaced", {})),
            None if data.get("address") is None else _text(data, "address"),
        )


@dataclass(frozen=True)
class Lock:
    """All that is installed in one place. `folders` are those that cct made; empty, they are taken away again."""

    components: tuple[Locked, ...] = ()
    folders: tuple[str, ...] = ()

    def get(self, kind: Kind, name: str) -> Locked | None:
        """The component of exactly this `category/leaf`."""
        return next((locked for locked in self.components if (locked.kind, locked.name) == (kind, name)), None)

    def find(self, kind: Kind, name: str) -> tuple[Locked, ...]:
        """What `category/leaf` or a bare leaf can mean; case and Unicode form do not count."""
        key = name_key(name)
        told = [(locked, locked.name if "/" in name else locked.leaf) for locked in self.components]
        return tuple(locked for locked, its in told if locked.kind is kind and name_key(its) == key)

    def having(self, locked: Locked) -> Lock:
        """With this component, in the place of the one of the same kind and name."""
        return replace(self, components=_ordered((*self.without(locked.kind, locked.name).components, locked)))

    def without(self, kind: Kind, name: str) -> Lock:
        kept = (locked for locked in self.components if (locked.kind, locked.name) != (kind, name))
        return replace(self, components=tuple(kept))

    def owners(self, path: str) -> tuple[Locked, ...]:
        """The components that a whole file belongs to."""
        key = name_key(path)
        return tuple(locked for locked in self.components if any(name_key(file) == key for file in locked.files))

    def others(self, path: str, than: Locked | None) -> tuple[Owned, ...]:
        """What all other components own in a file that they were merged into."""
        ref = than.ref if than else None
        return tuple(locked.merged[path] for locked in self.components if path in locked.merged and locked.ref != ref)

    def to_bytes(self, place: Path | None = None) -> bytes:
        """`place` is the folder of the project that it is written for."""
        data = {
            "version": VERSION,
            "components": [locked.to_json(place) for locked in _ordered(self.components)],
            "folders": sorted(self.folders),
        }
        return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")

    @classmethod
    def from_bytes(cls, data: bytes, place: Path | None = None) -> Lock:
        """`place` is the folder of the project that it lies in.

        Raises ValueError, whose message continues a sentence.
        """
        try:
            value = json.loads(data.decode("utf-8-sig"))
        except RecursionError as error:
            raise ValueError("it is nested too deep") from error
        except ValueError as error:
            raise ValueError("it is not JSON") from error
        if not isinstance(value, dict) or not isinstance(value.get("components"), list):
            raise ValueError("it has no list of components")  # noqa: TRY004  # a bad record, not a bad call
        if value.get("version") != VERSION:
            raise ValueError("another version of cct wrote it")
        if len(value["components"]) > MAX_COMPONENTS:
            raise ValueError("it has too many components")
        components = tuple(Locked.from_json(item, place) for item in value["components"])
        if len({(locked.kind, locked.name) for locked in components}) < len(components):
            raise ValueError("it has a component twice")
        folders = value.get("folders", [])
        if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
            raise ValueError("its folders are not a list of names")
        return cls(_ordered(components), tuple(sorted({_folder(folder) for folder in folders})))


def read_lock(root: Path) -> Lock:
    """The lock of a project, or of the folder that holds the user's `.claude`; an empty one where there is none.

    Raises ConfigError when it cannot be read or understood.
    """
    return read_lock_file(root / ".claude" / LOCK_NAME)


def read_lock_file(path: Path) -> Lock:
    """The same for the file itself."""
    from cct_cloudflare.private_store import read_small_text

    try:
        text = read_small_text(path, max_bytes=MAX_BYTES)
    except NotADirectoryError:
        text = None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.") from error
    except ValueError as error:
        raise unusable(path, str(error)) from error
    return Lock() if text is None else parse_lock(path, text.encode())


def parse_lock(path: Path, data: bytes) -> Lock:
    """Raises ConfigError, which names `path`."""
    try:
        return Lock.from_bytes(data, Path(os.path.realpath(path.parent.parent)))
    except (ValueError, RecursionError) as error:
        raise unusable(path, str(error)) from error


def unusable(path: Path, problem: str) -> ConfigError:
    return ConfigError(
        f"{path} cannot be used: {problem}.",
        hint="Bring it back from version control. Without it, cct takes what is installed for your own and keeps it.",
    )


def is_file_path(path: str) -> bool:
    """Whether a whole file of a component can be at `path`: nowhere but in the folders that Claude Code reads."""
    parts = path.split("/")
    return (
        len(parts) > 2
        and parts[0] == ".claude"
        and parts[1] in FILE_FOLDERS
        and file_problem("/".join(parts[2:])) is None
    )


def _relative(source: str, place: Path | None) -> str:
    if place is None or not Path(source).is_relative_to(place):
        return source
    below = Path(source).relative_to(place).as_posix()
    if below == ".":
        return _HERE
    return source if file_problem(below) else f"{_HERE}{below}"


def _absolute(source: str, place: Path | None) -> str:
    below = source.removeprefix(_HERE)
    if place is None or below == source or (below and file_problem(below)):
        return source
    return str(place / below)


def _ordered(components: Iterable[Locked]) -> tuple[Locked, ...]:
    order = list(Kind)
    return tuple(sorted(components, key=lambda locked: (order.index(locked.kind), locked.name)))


def _object(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict) or len(data) > MAX_COMPONENTS:
        raise ValueError("a component's files are not an object")
    return data


def _hashes(data: Any) -> dict[str, str]:
    hashes = {path: _sha256(digest) for path, digest in _object(data).items()}
    if not all(map(is_file_path, hashes)):
        raise ValueError("it names a file that cct installs nothing to")
    return hashes


def _merged_path(path: str) -> str:
    if path not in MERGED_FILES:
        raise ValueError("it names a file that cct merges nothing into")
    return path


def _folder(path: str) -> str:
    if path == ".claude" or is_file_path(f"{path}/x"):
        return path
    raise ValueError("it names a folder that cct does not make")


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise ValueError(f"a component's {key} is not a text")
    return value


def _sha256(value: Any) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError("a hash in it is none")
    return value
