"""Files over HTTP: many at once over one pool of connections, each of them bounded, none from another host.

What a cache has at the revision that is wanted is not asked for; anything else is asked for with its ETag. What the
network does not give is taken from the cache, and said.
"""

from __future__ import annotations

import contextlib
import functools
import queue
import re
import threading
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cct_cloudflare import __version__
from cct_cloudflare.config import is_loopback
from cct_cloudflare.errors import CctError, WorkerError
from cct_cloudflare.plain import plain_line
from cct_cloudflare.registries.failures import invalid, unreachable
from cct_cloudflare.registries.kept import Cache, Kept
from cct_cloudflare.registries.telling import Note, Progress, ignore
from cct_cloudflare.registries.tree import MAX_BATCH, MAX_FILE

if TYPE_CHECKING:
    import ssl

    import httpx

MAX_PARALLEL = 16

_MAX_REDIRECTS = 3
_REDIRECTS = {301, 302, 303, 307, 308}
_ABSENT = {404, 410}
_CONNECT_SECONDS = 5.0
_SILENCE_SECONDS = 10.0
_FILE_SECONDS = 120.0
_PATIENCE_SECONDS = 2.0
#: What is asked for. Packed twice, two thousand bytes are a gibibyte, which comes at once.
_ENCODINGS = {"", "identity", "gzip"}
#: After these a server may well answer; how long is waited before the second and third time.
_PASSING = {502, 503, 504}
_WAITS = (0.2, 0.8)


class Fetcher:
    """`get` and `get_all` raise WorkerError: `registry_unreachable`, and `registry_invalid` for what is refused.

    `note` is told, once for each host, that something came from the cache because its host could not be asked.
    """

    def __init__(
        self,
        cache: Cache | None = None,
        *,
        offline: bool = False,
        note: Note = ignore,
        doubts_absence: bool = False,
    ) -> None:
        """`doubts_absence`: what is asked for is known to exist, so that its absence is not remembered."""
        self._cache = cache or Cache()
        self._offline = offline
        self._doubts_absence = doubts_absence
        self._note = note
        self._noted: set[str] = set()
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None
        self._users = 0

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Keeps connections open from the first request to the end of the outermost of these."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users and self._http is not None:
                self._http.close()
                self._http = None

    def get(
        self, url: str, *, pin: str = "", limit: int = MAX_FILE, accept: str = "*/*", stale: bool = True
    ) -> bytes | None:
        """The body, or None where there is no such file. `stale=False`: an old answer does not do."""
        with self.opened():
            return self._one(url, pin, limit, accept, stale, threading.Event())

    def get_all(
        self,
        urls: Sequence[str],
        *,
        pin: str = "",
        limit: int = MAX_FILE,
        stale: bool = True,
        progress: Progress | None = None,
    ) -> dict[str, bytes]:
        """The bodies of those that exist. What was fetched before a failure is not fetched again."""
        found: dict[str, bytes] = {}
        wanted = list(dict.fromkeys(urls))
        if not wanted:
            return found
        tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
        results: queue.SimpleQueue[tuple[str, bytes | BaseException | None]] = queue.SimpleQueue()
        stop, abort = threading.Event(), threading.Event()
        for url in wanted:
            tasks.put(url)

        def work() -> None:
            while not stop.is_set():
                try:
                    url = tasks.get_nowait()
                except queue.Empty:
                    return
                try:
                    results.put((url, self._one(url, pin, limit, "*/*", stale, abort)))
                except BaseException as error:  # noqa: BLE001 - raised again where somebody waits for it
                    results.put((url, error))

        with self.opened():
            # A daemon does not keep a cct alive that somebody has ended.
            workers = [threading.Thread(target=work, daemon=True) for _ in range(min(MAX_PARALLEL, len(wanted)))]
            for worker in workers:
                worker.start()
            total = 0
            try:
                for done in range(1, len(wanted) + 1):
                    url, result = results.get()
                    if (body := _value(result)) is not None:
                        found[url] = body
                        total += len(body)
                    _check_total(url, total)
                    if progress is not None:
                        progress(done, len(wanted))
            except Exception:
                # What is under way is kept when it arrives, so that the next time has less to do.
                stop.set()
                deadline = time.monotonic() + _PATIENCE_SECONDS
                for worker in workers:
                    worker.join(max(0.0, deadline - time.monotonic()))
                raise
            finally:
                stop.set()
                abort.set()
        return found

    def refresh(self, urls: Sequence[str], *, pin: str, limit: int = MAX_FILE) -> int:
        """Asks again for those that the cache has, whatever they were good for; how many of them have changed."""
        before = {url: kept.body for url in urls if (kept := self._cache.get(url)) is not None}
        for url in before:
            self._cache.unpin(url)
        after = self.get_all(list(before), pin=pin, limit=limit, stale=False)
        return sum(after.get(url, b"") != body for url, body in before.items())

    def _one(self, url: str, pin: str, limit: int, accept: str, stale: bool, abort: threading.Event) -> bytes | None:
        kept = self._cache.get(url)
        if kept is not None and pin and kept.pin == pin:
            return _body_of(kept)
        if self._offline:
            if kept is None:
                raise unreachable(f"{_shown(url)} is not in the cache.", hint="Run it once with a network.")
            return _body_of(kept)
        try:
            answer = self._ask(url, kept, limit, accept, abort)
        except WorkerError as error:
            if kept is None or not stale or error.code != "registry_unreachable":
                raise
            self._note_stale(url, error)
            return _body_of(kept)
        if (answer is not kept or pin != kept.pin) and not (answer.absent and self._doubts_absence):
            self._cache.put(url, replace(answer, pin=pin))
        return _body_of(answer)

    def _note_stale(self, url: str, error: CctError) -> None:
        with self._lock:
            is_new = _host(url) not in self._noted
            self._noted.add(_host(url))
        if is_new:
            self._note(f"{error.message} What was fetched before is used.")

    def _ask(self, url: str, kept: Kept | None, limit: int, accept: str, abort: threading.Event) -> Kept:
        import httpx

        target = url
        redirects = 0
        waits = iter(_WAITS)
        while True:
            try:
                answer = self._exchange(target, kept, limit, accept, abort)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise unreachable(f"{_host(url)} cannot be reached: {_reason(error)}.") from error
            except httpx.HTTPError as error:
                if (wait := next(waits, None)) is None or abort.is_set():
                    raise unreachable(f"{_host(url)} does not answer: {_reason(error)}.") from error
                abort.wait(wait)
                continue
            if isinstance(answer, str):
                redirects += 1
                if redirects > _MAX_REDIRECTS:
                    raise invalid(f"{_shown(url)} is redirected again and again.")
                target = _same_host(target, answer)
            elif isinstance(answer, int):
                if answer in _ABSENT:
                    return Kept(b"", absent=True)
                if answer in _PASSING and (wait := next(waits, None)) is not None and not abort.is_set():
                    abort.wait(wait)
                    continue
                raise unreachable(f"{_host(url)} answered {answer} for {_shown(url)}.")
            else:
                return answer

    def _exchange(
        self, url: str, kept: Kept | None, limit: int, accept: str, abort: threading.Event
    ) -> Kept | int | str:
        """A body, a status without one that is of use, or where a redirect leads."""
        headers = {"Accept": accept}
        if kept is not None and kept.etag:
            headers["If-None-Match"] = kept.etag
        with self._client(url).stream("GET", url, headers=headers) as response:
            if response.status_code in _REDIRECTS:
                return str(response.headers.get("Location", ""))
            if response.status_code == 304 and kept is not None:
                return kept
            if response.status_code in (403, 429) and response.headers.get("X-RateLimit-Remaining") == "0":
                raise unreachable(
                    f"{_host(url)} takes no more requests from this address for now.",
                    hint="Wait an hour, or add the repository by its git address (https://….git).",
                )
            if response.status_code != 200:
                return response.status_code
            return Kept(self._body(url, response, limit, abort), response.headers.get("ETag", ""))

    def _body(self, url: str, response: httpx.Response, limit: int, abort: threading.Event) -> bytes:
        deadline = time.monotonic() + _FILE_SECONDS
        if response.headers.get("Content-Encoding", "identity").strip().lower() not in _ENCODINGS:
            raise invalid(f"{_shown(url)} is packed in a way that was not asked for.")
        declared = response.headers.get("Content-Length", "")
        body = bytearray()
        too_large = declared.isdecimal() and int(declared) > limit
        if not too_large:
            for chunk in response.iter_bytes():
                body += chunk
                if abort.is_set():
                    raise unreachable(f"{_shown(url)} was not fetched to its end.")
                if time.monotonic() > deadline:
                    raise unreachable(f"{_shown(url)} takes longer than {_FILE_SECONDS:.0f} seconds.")
                if too_large := len(body) > limit:
                    break
        if too_large:
            raise invalid(f"{_shown(url)} is larger than {limit / 1024 / 1024:.3g} MiB, which no component is.")
        return bytes(body)

    def _client(self, url: str) -> httpx.Client:
        with self._lock:
            if self._http is None:
                import httpx

                self._http = httpx.Client(
                    timeout=httpx.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS),
                    limits=httpx.Limits(max_connections=MAX_PARALLEL, max_keepalive_connections=MAX_PARALLEL),
                    headers={"User-Agent": f"cct/{__version__}", "Accept-Encoding": "gzip"},
                    follow_redirects=False,
                    # The environment may name a proxy, which could not see this machine.
                    trust_env=not is_loopback(urllib.parse.urlsplit(url).hostname or ""),
                    verify=_tls(),
                )
            return self._http


@functools.cache
def _tls() -> ssl.SSLContext:
    """Read once: the certificates of all authorities take longer than a request."""
    import httpx

    return httpx.create_ssl_context()


def _value(result: bytes | BaseException | None) -> bytes | None:
    if isinstance(result, BaseException):
        raise result
    return result


def _check_total(url: str, total: int) -> None:
    if total > MAX_BATCH:
        raise invalid(f"{_host(url)} sent more than {MAX_BATCH >> 20} MiB.", hint="Ask for less at once.")


def _body_of(kept: Kept) -> bytes | None:
    return None if kept.absent else kept.body


def _same_host(url: str, location: str) -> str:
    try:
        target = urllib.parse.urljoin(url, location)
        old, new = urllib.parse.urlsplit(url), urllib.parse.urlsplit(target)
        is_same = (old.scheme, old.hostname, old.port) == (new.scheme, new.hostname, new.port) and "@" not in new.netloc
    except ValueError:
        is_same = False
    if not location or not is_same:
        raise invalid(
            f"{_shown(url)} is redirected to another host, {plain_line(location[:200]) or 'without a name'}: refused.",
            hint="If you trust that one, add it by its own address.",
        )
    return target


def _host(url: str) -> str:
    return plain_line(urllib.parse.urlsplit(url).netloc)


def _shown(url: str) -> str:
    return plain_line(urllib.parse.unquote(url)[:300])


def _reason(error: Exception) -> str:
    return re.sub(r"^\[Errno -?\d+\] ", "", plain_line(str(error))) or type(error).__name__


def quoted(path: str) -> str:
    """A path as it stands in an address."""
    return urllib.parse.quote(path, safe="/")
