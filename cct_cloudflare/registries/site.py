"""Files below an address of the web. It cannot be listed, so that it has what its index says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping

from cct_cloudflare.registries.address import Address
from cct_cloudflare.registries.failures import invalid
from cct_cloudflare.registries.fetching import Fetcher, quoted
from cct_cloudflare.registries.indexes import INDEX_FILES, MAX_INDEX
from cct_cloudflare.registries.telling import Progress
from cct_cloudflare.registries.tree import MAX_FILE, is_wanted

_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)


class SiteTree:
    """`revision` is made of the index's own bytes: another index is another revision."""

    is_remote = True

    def __init__(self, base: str, revision: str, fetcher: Fetcher, indexes: Mapping[str, bytes] | None = None) -> None:
        self._base = base
        self._revision = revision
        self._fetcher = fetcher
        self._indexes = indexes

    @property
    def revision(self) -> str:
        return self._revision

    def paths(self) -> None:
        return None

    def read(
        self, paths: Collection[str], *, limit: int = MAX_FILE, progress: Progress | None = None
    ) -> dict[str, bytes]:
        found = {path: data for path in paths if path in INDEX_FILES and (data := self._index().get(path)) is not None}
        wanted = [path for path in paths if path not in INDEX_FILES and is_wanted(path)]
        urls = {f"{self._base}/{quoted(path)}": path for path in wanted}
        bodies = self._fetcher.get_all(list(urls), pin=self._revision, limit=limit, progress=progress)
        return found | {urls[url]: body for url, body in bodies.items() if not _is_page(urls[url], body)}

    def refresh(self, paths: Collection[str]) -> int:
        """Asks again for those files that were fetched before: an index need not change when a file does."""
        urls = [f"{self._base}/{quoted(path)}" for path in paths if path not in INDEX_FILES and is_wanted(path)]
        return self._fetcher.refresh(urls, pin=self._revision)

    def _index(self) -> Mapping[str, bytes]:
        """The site's index, which has to be the one that it is pinned to."""
        if self._indexes is None:
            indexes = _fetch_indexes(self._base, self._fetcher, stale=True)
            if _revision(indexes) != self._revision:
                raise invalid(
                    f"{self._base} has changed since it was pinned, and what it had is no longer in the cache.",
                    hint="Take what it has now: cct registry update",
                )
            self._indexes = indexes
        return self._indexes


def open_site(address: Address, revision: str | None, fetcher: Fetcher, *, stale: bool) -> SiteTree:
    """The site as it was at `revision`, of which the cache may have files, or as it is now.

    Raises WorkerError: `registry_unreachable`, and `registry_invalid` where no index lies.
    """
    base = _base(address.target)
    if revision is not None:
        return SiteTree(base, revision, fetcher)
    indexes = _fetch_indexes(base, fetcher, stale=stale)
    if not indexes:
        raise invalid(
            f"{address.text} has no index of components and is no plugin marketplace.",
            hint=f"Looked for {', '.join(INDEX_FILES)} below it.",
        )
    return SiteTree(base, _revision(indexes), fetcher, indexes)


def _fetch_indexes(base: str, fetcher: Fetcher, *, stale: bool) -> dict[str, bytes]:
    urls = {f"{base}/{path}": path for path in INDEX_FILES}
    found = fetcher.get_all(list(urls), limit=MAX_INDEX, stale=stale)
    return {path: found[url] for url, path in urls.items() if url in found and not _is_page(path, found[url])}


def _is_page(path: str, body: bytes) -> bool:
    """Many sites answer with their page, and 200, for a file that they do not have."""
    return not path.endswith((".html", ".htm")) and _PAGE.match(body) is not None


def _revision(indexes: Mapping[str, bytes]) -> str:
    hashed = hashlib.sha256()
    for path in sorted(indexes):
        for part in (path.encode(), indexes[path]):
            hashed.update(len(part).to_bytes(8, "big"))
            hashed.update(part)
    return f"sha256:{hashed.hexdigest()}"


def _base(target: str) -> str:
    """The address of a whole index means the folder that its paths start from."""
    for path in sorted(INDEX_FILES, key=len, reverse=True):
        if target.endswith(f"/{path}"):
            return target.removesuffix(f"/{path}")
    return target
