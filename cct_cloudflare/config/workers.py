"""Deployed Workers, by their exact origins, and the tokens that they take."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cct_cloudflare.config.keys import is_token
from cct_cloudflare.config.places import TOKEN_VARIABLE, URL_VARIABLE, config_dir
from cct_cloudflare.errors import ConfigError, UsageError
from cct_cloudflare.private_store import PrivateStore


@dataclass(frozen=True, slots=True)
class WorkerTarget:
    """A deployed Worker. `url` has no trailing slash; `token` is None when none is known; `repr` never shows it."""

    url: str
    origin: str
    token: str | None = field(repr=False)


def worker_target(flag: str | None = None, environ: Mapping[str, str] | None = None) -> WorkerTarget | None:
    """The Worker that `--worker-url` or `CLOUDFLARE_WORKER_URL` names, or None when neither does.

    Its token is `CCT_TOKEN`, else the one stored for exactly this origin.
    Raises UsageError (flag) or ConfigError (variable, token) for what cannot be used.
    """
    environ = os.environ if environ is None else environ
    if flag is not None:
        url, origin = _worker_url(flag, "--worker-url", UsageError)
    elif value := environ.get(URL_VARIABLE):
        url, origin = _worker_url(value, URL_VARIABLE, ConfigError)
    else:
        return None
    if token := environ.get(TOKEN_VARIABLE):
        return WorkerTarget(url, origin, checked_token(token, TOKEN_VARIABLE))
    store = _workers()
    entry = store.read().get(origin)
    token = entry.get("token") if isinstance(entry, dict) else None
    return WorkerTarget(url, origin, None if token is None else checked_token(token, str(store.path)))


def store_worker(url: str, token: str) -> Path:
    """Keeps a Worker's token under its exact origin and returns the file's path. Raises ConfigError."""
    address, origin = _worker_url(url, "The Worker's URL", ConfigError)
    checked = checked_token(token, "The Worker's token")
    store = _workers()
    store.update(lambda workers: workers.update({origin: {"url": address, "token": checked}}))
    return store.path


def forget_worker(url: str) -> None:
    """Forgets the token that is kept for exactly this origin. Raises ConfigError."""
    origin = _worker_url(url, "The Worker's URL", ConfigError)[1]
    _workers().update(lambda workers: workers.pop(origin, None))


@contextlib.contextmanager
def session_worker(url: str, token: str) -> Iterator[None]:
    """Keeps the token of a Worker that lives no longer than the block; what was kept for its origin before comes back.

    What killed sessions left there is of no use to anybody, and removed. Raises ConfigError.
    """
    address, origin = _worker_url(url, "The Worker's URL", ConfigError)
    own = {"url": address, "token": checked_token(token, "The Worker's token"), "session": os.getpid()}
    before: list[Any] = []

    def put(workers: dict[str, Any]) -> None:
        for other, entry in list(workers.items()):
            if isinstance(entry, dict) and "session" in entry and not _is_alive(entry["session"]):
                del workers[other]
        if origin in workers:
            before.append(workers[origin])
        workers[origin] = own

    def take_back(workers: dict[str, Any]) -> None:
        if workers.get(origin) != own:
            return  # somebody has stored another one meanwhile, which stays
        del workers[origin]
        if before:
            workers[origin] = before[0]

    store = _workers()
    store.update(put)
    try:
        yield
    finally:
        store.update(take_back)


def _is_alive(pid: Any) -> bool:
    import psutil

    return isinstance(pid, int) and psutil.pid_exists(pid)


def stored_workers() -> tuple[str, ...]:
    """The URLs of the deployed Workers whose tokens are kept for this user, in the order of their origins."""
    kept = [entry for _, entry in sorted(_workers().read().items()) if isinstance(entry, dict)]
    return tuple(entry["url"] for entry in kept if isinstance(entry.get("url"), str) and not entry.get("session"))


def checked_token(token: Any, where: str) -> str:
    """The token itself. Raises ConfigError, which never quotes it, for what cannot stand in a header."""
    if not isinstance(token, str) or not is_token(token):
        raise ConfigError(
            f"{where} is not a usable token: it must be printable ASCII without spaces.",
            hint="Copy the Worker's CCT_TOKEN again.",
        )
    return token


def checked_worker_url(url: str) -> str:
    """`url` without its trailing slash. Raises ConfigError unless it is https, or http on loopback, and plain."""
    return _worker_url(url, "The Worker's URL", ConfigError)[0]


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine; a name other than localhost may resolve to anything."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


def _worker_url(url: str, where: str, error: type[UsageError] | type[ConfigError]) -> tuple[str, str]:
    def refuse(why: str) -> UsageError | ConfigError:
        # The address is not quoted: it may hold a password.
        return error(f"{where} {why}.", hint="It should look like https://cct-sandbox.example.workers.dev")

    # urlsplit drops line breaks and tabs without a word.
    if not is_token(url) or "\\" in url:
        raise refuse("is not a URL")
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise refuse("is not a URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise refuse("is not an https:// URL")
    if parts.username is not None or parts.password is not None:
        raise refuse("must not contain a user name or password")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise refuse("must not contain a query or fragment")
    bracketed = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(bracketed):
        raise refuse("has a host name that is not plain ASCII")
    if parts.scheme == "http" and not is_loopback(host):
        raise refuse("must be https: over http the token would travel in the clear")
    default_port = 443 if parts.scheme == "https" else 80
    origin = f"{parts.scheme}://{bracketed}" + ("" if port in (None, default_port) else f":{port}")
    return origin + parts.path.rstrip("/"), origin


def _workers() -> PrivateStore:
    return PrivateStore(config_dir() / "workers.json")
