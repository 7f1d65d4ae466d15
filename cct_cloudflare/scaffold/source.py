"""The files that a project's local Worker is built from.

The local Worker gets the user's key, so a project whose files differ from what cct renders is somebody's code
and runs only after consent. Read once, hash and build from the same bytes: then what was judged is what runs.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.errors import ConfigError, UnsafeError
from cct_cloudflare.scaffold.layout import target_of
from cct_cloudflare.scaffold.render import template_dir, template_paths

_FOLDERS = ("src", "scripts")
# Besides the code: what npm and esbuild read to bundle it.
_FILES = ("package.json", "package-lock.json", "tsconfig.json")

# What editors and file managers leave beside a file while it is open: vim, Emacs, JetBrains, macOS.
_LITTER = re.compile(r"(?:\.[^/]*\.sw[a-z]|4913|[^/]*~|\.?#[^/]*|[^/]*___jb_(?:tmp|old)___|\.DS_Store)")

_MAX_BYTES = 16 * 1024 * 1024
_MAX_FILES = 2000


@dataclass(frozen=True)
class WorkerSource:
    """`files` maps a relative path with slashes to its bytes, sorted by path."""

    files: Mapping[str, bytes]

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of all names and bytes."""
        digest = hashlib.sha256()
        for path, content in sorted(self.files.items()):
            name = path.encode("utf-8", "surrogateescape")
            digest.update(f"{len(name)} {len(content)}\n".encode() + name + content)
        return digest.hexdigest()


def is_worker_source(path: str) -> bool:
    """Whether the file at this path of the rendered project is part of what the local Worker is built from."""
    return (path in _FILES or path.split("/", 1)[0] in _FOLDERS) and not _is_litter(path)


def _is_litter(path: str) -> bool:
    """Whether an editor has left it there. No source of ours refers to such a file, and none is built from it."""
    return _LITTER.fullmatch(path.rsplit("/", 1)[-1]) is not None


def read_worker_source(directory: Path) -> WorkerSource:
    """Reads the Worker source of a rendered project (its `.claude/sandbox/cloudflare`), or of the template.

    Raises UnsafeError for a symbolic link among it, whose bytes could change after they were judged, and
    ConfigError where it cannot be read, or is larger than any Worker (16 MiB, 2,000 files).
    """
    files: dict[str, bytes] = {}
    left = _MAX_BYTES

    def add(path: Path, name: str) -> None:
        nonlocal left
        if _is_litter(name):
            return
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise UnsafeError(
                f"{path} is a symbolic link, so what the Worker would run could change at any time.",
                hint="Replace the link by the file itself.",
            )
        if stat.S_ISDIR(mode):
            for child in sorted(path.iterdir()):
                add(child, f"{name}/{child.name}")
        elif stat.S_ISREG(mode):
            with path.open("rb") as file:
                content = file.read(left + 1)
            left -= len(content)
            if left < 0 or len(files) == _MAX_FILES:
                raise ConfigError(
                    f"The Worker source in {directory} is larger than 16 MiB or 2,000 files.",
                    hint="Move what is not the Worker's code out of src/ and scripts/.",
                )
            files[name] = content

    try:
        for name in (*_FILES, *_FOLDERS):
            if os.path.lexists(directory / name):
                add(directory / name, name)
    except OSError as error:
        raise ConfigError(
            f"The Worker source in {directory} cannot be read: {error.strerror}.",
            hint="Check the permissions of that folder, or render it anew: cct init --force",
        ) from error
    return WorkerSource(dict(sorted(files.items())))


def packaged_worker_source() -> WorkerSource:
    """What this cct renders; none of it is templated, so every project gets the same bytes."""
    template = template_dir()
    rendered = set(template_paths(template))
    # A checkout's folder also has what tools leave there, which no project gets.
    return WorkerSource({path: data for path, data in read_worker_source(template).files.items() if path in rendered})


def worker_source_hash(directory: Path) -> str:
    """`read_worker_source(directory).hash`"""
    return read_worker_source(directory).hash


def is_pristine(project: Path) -> bool:
    """Whether the project's Worker source is exactly what this cct renders: nothing edited, added or missing."""
    return read_worker_source(target_of(project)).files == packaged_worker_source().files
