"""Origins of browser pages that may call a Worker."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from cct_cloudflare.errors import UsageError

#: A list that is longer is a mistake, or somebody's hostile manifest.
MAX_ORIGINS = 50

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
_DEFAULT_PORTS = {"https": 443, "http": 80}


def normalise_origin(text: str) -> str:
    """The origin as a browser sends it: lower case, a host in ASCII, no default port.

    `https` anywhere, `http` on loopback only, where nobody is between the page and the Worker.
    Raises UsageError for everything else: a path, a user, a wildcard, `null`.
    """
    if re.search(r"[\x00-\x20\x7f\\,]", text):
        raise _refused(text, "it has characters that no origin has")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = parts.hostname or ""
        if not host.isascii():
            host = host.encode("idna").decode()
    except ValueError as error:  # UnicodeError is one
        raise _refused(text, "it is no URL") from error
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not host:
        raise _refused(text, "it must be https://host or https://host:port")
    if "@" in parts.netloc or parts.path not in ("", "/") or "?" in text or "#" in text:
        raise _refused(text, "an origin ends after its host and port")
    host = _checked_address(text, host) if "[" in parts.netloc else _checked_host(text, host.lower())
    if scheme == "http" and not _is_loopback(host):
        raise _refused(text, "http is only for this machine (localhost, 127.0.0.1)")
    return f"{scheme}://{host}" + (f":{port}" if port not in (None, _DEFAULT_PORTS[scheme]) else "")


def _checked_address(text: str, host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError as error:
        raise _refused(text, "its address is not valid") from error
    if address.scope_id is not None:
        raise _refused(text, "its address is not valid")
    return f"[{address}]"


def _checked_host(text: str, host: str) -> str:
    if not _HOST.fullmatch(host):
        raise _refused(text, "its host is not valid")
    return host


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _refused(text: str, why: str) -> UsageError:
    return UsageError(
        f"{text[:80]!r} cannot be an allowed origin: {why}.",
        hint="Name pages as https://example.com, or http://localhost:3000 for this machine.",
    )
