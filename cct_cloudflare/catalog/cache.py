"""What was read of a folder's files, kept in the user's cache until they change.

The folder is walked every time, so what is listed is what is there; only what a file says of itself is remembered,
under the identity, size and times of the file. A cache that is damaged, foreign or cannot be written is done without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cct_cloudflare import __version__
from cct_cloudflare.cached_file import write_cached
from cct_cloudflare.catalog.reading import Summary
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.walking import Entry

#: To be raised when `summarize` says something else of the same text.
_FORMAT = 1
#: Fewer are read as fast as a cache of them.
LEAST_ENTRIES = 50
_MAX_BYTES = 64 * 1024 * 1024
#: A file that was changed so short ago may change again and keep its times, which have only so fine a grain.
SETTLED_SECONDS = 2.0
_KEPT_SECONDS = 30 * 24 * 3600

_Stamp = list[int]


def summaries(root: Path, kind: Kind, entries: Sequence[Entry], read: Callable[[Entry], Summary]) -> list[Summary]:
    """What `read` says of each entry, in their order; it is asked only for what is not remembered."""
    if len(entries) < LEAST_ENTRIES:
        return [read(entry) for entry in entries]
    file = _file_of(root, kind)
    known = _load(file)
    found: list[Summary] = []
    keep: dict[str, list[Any]] = {}
    settled = time.time_ns() - int(SETTLED_SECONDS * 1e9)
    is_new = False
    for entry in entries:
        stamp = _stamp(entry.file)
        summary = None if stamp is None else _remembered(known.get(entry.name), stamp)
        if summary is None:
            summary = read(entry)
            is_new = is_new or (stamp is not None and stamp[1] < settled)
        found.append(summary)
        if stamp is not None and stamp[1] < settled:
            keep[entry.name] = [*stamp, summary.description, summary.title, *summary.tools]
    if is_new or keep.keys() != known.keys():
        _save(file, keep)
    return found


def _file_of(root: Path, kind: Kind) -> Path:
    from cct_cloudflare.config import cache_dir

    name = hashlib.sha256(os.fsencode(root.absolute()) + b"\0" + kind.encode()).hexdigest()[:32]
    return cache_dir() / "catalogs" / f"{name}.json"


def _stamp(file: str) -> _Stamp | None:
    try:
        info = os.stat(file)  # noqa: PTH116 - thousands of files are looked at
    except OSError:
        return None
    return [info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino]


def _remembered(row: Any, stamp: _Stamp) -> Summary | None:
    if not isinstance(row, list) or len(row) < 6 or row[:4] != stamp:
        return None
    description, title, *tools = texts = row[4:]
    if set(map(type, texts)) != {str}:
        return None
    return Summary(description, tuple(tools), title)


def _load(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            data = json.loads(opened.read(_MAX_BYTES))
        if data["format"] != _version():
            return {}
        rows = data["entries"]
    except (OSError, ValueError, RecursionError, TypeError, KeyError):
        return {}
    return rows if isinstance(rows, dict) else {}


def _save(file: Path, entries: dict[str, list[Any]]) -> None:
    data = json.dumps({"format": _version(), "entries": entries}, separators=(",", ":"))
    if write_cached(file, data.encode()):
        _drop_old(file.parent)


def _version() -> str:
    return f"{_FORMAT} {__version__}"


def _drop_old(folder: Path) -> None:
    """Catalogs come and go, above all checkouts of registries; also what a killed run has left."""
    oldest = time.time() - _KEPT_SECONDS
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
