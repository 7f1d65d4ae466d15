"""A repository on GitHub: a ref becomes a commit, whose tree is listed once and whose files are read by it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cct_cloudflare.plain import plain_line
from cct_cloudflare.registries.address import Address
from cct_cloudflare.registries.failures import invalid
from cct_cloudflare.registries.fetching import Fetcher, quoted
from cct_cloudflare.registries.telling import Progress
from cct_cloudflare.registries.tree import MAX_FILE, MAX_PATHS, Stat, is_wanted

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MAX_TREE = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where GitHub's API and its raw files are, without a slash at the end."""

    api: str = "https://api.github.com"
    raw: str = "https://raw.githubusercontent.com"


HOSTS = Hosts()


class GithubTree:
    is_remote = True

    def __init__(self, repository: str, commit: str, fetcher: Fetcher, hosts: Hosts) -> None:
        self._repository = repository
        self._commit = commit
        self._fetcher = fetcher
        self._hosts = hosts

    @property
    def revision(self) -> str:
        return self._commit

    def paths(self) -> Mapping[str, Stat]:
        return self._paths

    @cached_property
    def _paths(self) -> dict[str, Stat]:
        url = f"{self._hosts.api}/repos/{self._repository}/git/trees/{self._commit}?recursive=1"
        body = self._fetcher.get(url, pin=self._commit, limit=_MAX_TREE, accept="application/vnd.github+json")
        found: dict[str, Stat] = {}
        tree = _object(body, self._repository)
        if tree.get("truncated"):
            raise invalid(
                f"GitHub lists only a part of {self._repository}, which has too many files.",
                hint=f"Add it as git+https://github.com/{self._repository}.git",
            )
        entries = tree.get("tree")
        for entry in entries if isinstance(entries, list) else ():
            if not isinstance(entry, dict) or entry.get("mode") not in ("100644", "100755"):
                continue
            path, size = entry.get("path"), entry.get("size")
            if isinstance(path, str) and isinstance(size, int) and is_wanted(path):
                found[path] = Stat(size, entry["mode"] == "100755")
        if len(found) > MAX_PATHS:
            raise invalid(f"The repository has more than {MAX_PATHS:,} files.")
        return found

    def read(
        self, paths: Collection[str], *, limit: int = MAX_FILE, progress: Progress | None = None
    ) -> dict[str, bytes]:
        base = f"{self._hosts.raw}/{self._repository}/{self._commit}/"
        urls = {base + quoted(path): path for path in paths if is_wanted(path)}
        bodies = self._fetcher.get_all(list(urls), pin=self._commit, limit=limit, progress=progress)
        return {urls[url]: body for url, body in bodies.items()}


def open_github(
    address: Address, revision: str | None, fetcher: Fetcher, *, stale: bool, hosts: Hosts | None = None
) -> GithubTree:
    """The repository at `revision`, or at the newest commit of the address's ref. Raises WorkerError."""
    hosts = hosts or HOSTS
    if revision is None:
        url = f"{hosts.api}/repos/{address.target}/commits/{quoted(address.ref or 'HEAD')}"
        body = fetcher.get(url, limit=4_096, accept="application/vnd.github.sha", stale=stale)
        if body is None:
            wanted = f"{address.target}@{address.ref}" if address.ref else address.target
            raise invalid(
                f"GitHub knows no repository or version {plain_line(wanted)}.",
                hint="Check its name; a private one is added by its git address (git@github.com:owner/repository).",
            )
        revision = body.decode("ascii", "replace").strip()
    if not _COMMIT.fullmatch(revision):
        raise invalid(f"GitHub named no commit for {address.target}.")
    return GithubTree(address.target, revision, fetcher, hosts)


def _object(body: bytes | None, repository: str) -> dict[str, Any]:
    try:
        value = json.loads(body or b"null")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise invalid(f"GitHub gives no list of the files of {repository}.")
    return value
