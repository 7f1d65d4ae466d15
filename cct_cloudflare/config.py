"""What a user has set: folders, the Anthropic key, Workers and their tokens, trusted projects.

Secrets come from a flag, the environment, or a 0600 file in the user's configuration folder, never from a
project, with one exception: `ANTHROPIC_API_KEY` in the project's `.env`. Their values show in no `repr`.
The environment is read when a function is called, never at import.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cct_cloudflare.errors import ConfigError, UsageError
from cct_cloudflare.private_store import PrivateStore, read_small_text

APP = "cct-cloudflare"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
TOKEN_VARIABLE = "CCT_TOKEN"  # noqa: S105 - the variable's name
URL_VARIABLE = "CLOUDFLARE_WORKER_URL"


def config_dir() -> Path:
    """Settings and secrets of this user (Linux: `$XDG_CONFIG_HOME/cct-cloudflare`)."""
    import platformdirs

    return platformdirs.user_config_path(APP, appauthor=False)


def cache_dir() -> Path:
    """What can be made again: the toolchain, bundles, snapshots (Linux: `$XDG_CACHE_HOME/cct-cloudflare`)."""
    import platformdirs

    return platformdirs.user_cache_path(APP, appauthor=False)


def data_dir() -> Path:
    """What a user would miss: the history of runs (Linux: `$XDG_DATA_HOME/cct-cloudflare`)."""
    import platformdirs

    return platformdirs.user_data_path(APP, appauthor=False)


# The Anthropic key

KeySource = Literal["flag", "environment", "stored", "dotenv"]


@dataclass(frozen=True, slots=True)
class Key:
    """An Anthropic key and where it came from; `repr` never shows the key."""

    value: str = field(repr=False)
    source: KeySource


def find_anthropic_key(project: Path, flag: str | None = None, environ: Mapping[str, str] | None = None) -> Key:
    """The first key of: the flag, the environment, the user's stored one, the project's `.env`.

    An empty variable counts as absent. Raises ConfigError: `key_missing` where there is none, and for one that
    cannot be a key (white space, a placeholder): the next place is then not tried, since it is not what was meant.
    """
    environ = os.environ if environ is None else environ
    if flag is not None:
        return Key(_checked_key(flag, "--anthropic-api-key"), "flag")
    if value := environ.get(KEY_VARIABLE):
        return Key(_checked_key(value, KEY_VARIABLE), "environment")
    store = _credentials()
    if value := store.read().get("anthropicApiKey"):
        return Key(_checked_key(value, str(store.path)), "stored")
    dotenv = project / ".env"
    if value := _read_dotenv(dotenv):
        return Key(_checked_key(value, str(dotenv)), "dotenv")
    raise ConfigError(
        "No Anthropic API key was found.",
        hint=(
            f"Set {KEY_VARIABLE}, or put {KEY_VARIABLE}=… into {dotenv}, or into {store.path} as "
            '{"anthropicApiKey": "…"}, or pass --anthropic-api-key. With --demo no key is needed.'
        ),
        code="key_missing",
    )


def checked_key(value: str) -> str:
    """The key itself. Raises ConfigError, which never quotes it, for what cannot be one."""
    return _checked_key(value, "What was given")


def store_anthropic_key(value: str) -> Path:
    """Keeps the key for this user and returns the file's path. Raises ConfigError for what cannot be a key."""
    checked = checked_key(value)
    store = _credentials()
    store.update(lambda values: values.update(anthropicApiKey=checked))
    return store.path


_PLACEHOLDER = re.compile(
    r"""[<>{}$*…]|\.\.\.                                               # <key>, ${KEY}, sk-ant-..., sk-ant-***
    |^(sk-)?(ant-)?(api\d\d-)?(
        (your|my|insert|paste|enter|replace|put|add)([-_].*)?
        |x{3,}
        |change-?_?me|placeholder|todo|none|null|undefined|secret|(anthropic[-_])?(api[-_]?)?key([-_]here)?
    )?$""",
    re.IGNORECASE | re.VERBOSE,
)


def _checked_key(value: Any, where: str) -> str:
    fault = None
    if not isinstance(value, str):
        fault = "is not text"
    elif _has_space(value):
        fault = "contains white space or a line break"
    elif '"' in value or "'" in value:
        fault = "contains quotation marks"
    elif _PLACEHOLDER.search(value):
        fault = "is a placeholder, not a key"
    elif not _is_token(value):
        fault = "contains characters that no key has"
    if fault:
        raise ConfigError(
            f"The Anthropic API key is not usable: {where} {fault}.",
            hint="Copy the key again from console.anthropic.com: one line that starts with sk-ant-.",
        )
    return str(value)


def _has_space(value: str) -> bool:
    return any(character.isspace() or character < " " for character in value)


def _is_token(value: str) -> bool:
    """Printable ASCII without spaces: all that can stand in a header without changing it."""
    return 0 < len(value) <= 4096 and all("!" <= character <= "~" for character in value)


_DOTENV_LINE = re.compile(rf"[ \t]*(?:export[ \t]+)?{KEY_VARIABLE}[ \t]*=[ \t]*(.*)")


def _read_dotenv(path: Path) -> str | None:
    """`ANTHROPIC_API_KEY` of a `.env` file; no other line is looked at and nothing is expanded."""
    try:
        text = read_small_text(path)
    except OSError as error:
        raise ConfigError(f"{path} could not be read: {error.strerror or error}.") from error
    except ValueError:
        return None  # a folder, a pipe: not the file that a project keeps its key in
    value = None
    for line in re.split(r"\r\n?|\n", text or ""):
        if found := _DOTENV_LINE.fullmatch(line):
            value = _dotenv_value(found[1])
    return value or None


def _dotenv_value(raw: str) -> str:
    """The value without quotes and comment; one that does not parse stays as it is, and the key's check names it."""
    if raw[:1] in ('"', "'"):
        value, closed, rest = raw[1:].partition(raw[0])
        return value if closed and re.fullmatch(r"[ \t]*(#.*)?", rest) else raw
    return re.sub(r"(^|[ \t]+)#.*", "", raw).rstrip(" \t")


def _credentials() -> PrivateStore:
    return PrivateStore(config_dir() / "credentials.json")


# Workers and their tokens


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
    if not isinstance(token, str) or not _is_token(token):
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
    if not _is_token(url) or "\\" in url:
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


# Projects whose Worker source is not cct's own


def is_trusted(project: Path, digest: str) -> bool:
    """Whether the user has agreed to run this project's Worker source as it is now, at this place."""
    return bool(digest) and _trusted().read().get(str(project.resolve())) == digest


def trust(project: Path, digest: str) -> None:
    """Remembers the consent, outside the project; one for another source at the same place is forgotten."""
    key = str(project.resolve())
    _trusted().update(lambda projects: projects.update({key: digest}))


def _trusted() -> PrivateStore:
    return PrivateStore(config_dir() / "trusted-projects.json")
