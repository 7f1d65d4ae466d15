"""What was fetched, kept by its address: nothing is fetched twice, and what is here can be read without a network.

A damaged file counts as absent. A cache that cannot be written is no failure.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from cct_cloudflare.cached_file import write_cached
from cct_cloudflare.config import cache_dir

_MAX_HEADER = 8_192


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer of a server. `pin` is the revision at which it was last known to be the right one."""

    body: bytes
    etag: str = ""
    pin: str = ""
    absent: bool = False
    """The server said that there is no such file."""


class Cache:
    def __init__(self, root: Path | None = None) -> None:
        self._root = root or cache_dir() / "registries" / "files"

    def get(self, url: str) -> Kept | None:
        try:
            with self._path(url).open("rb") as file:
                header = json.loads(file.readline(_MAX_HEADER))
                body = file.read()
            if header["url"] != url or header["sha256"] != hashlib.sha256(body).hexdigest():
                return None
            return Kept(body, str(header["etag"]), str(header["pin"]), bool(header["absent"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, url: str, kept: Kept) -> None:
        etag = kept.etag if len(kept.etag) <= 1_000 and kept.etag.isprintable() else ""
        digest = hashlib.sha256(kept.body).hexdigest()
        header = {"url": url, "etag": etag, "pin": kept.pin, "absent": kept.absent, "sha256": digest}
        write_cached(self._path(url), json.dumps(header).encode() + b"\n" + kept.body)

    def unpin(self, url: str) -> None:
        """Has it asked for again, with its ETag."""
        kept = self.get(url)
        if kept is not None:
            self.put(url, replace(kept, pin=""))

    def _path(self, url: str) -> Path:
        name = hashlib.sha256(url.encode()).hexdigest()
        return self._root / name[:2] / name
