"""Where Claude's API is, and one cheap question to it from this machine: which models does a key reach?"""

from __future__ import annotations

import datetime
import email.utils
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from cct_cloudflare.config import is_loopback
from cct_cloudflare.errors import CctError, ConfigError

if TYPE_CHECKING:
    import httpx

OFFICIAL = "https://api.anthropic.com"
_VERSION = "2023-06-01"
_MAX_BYTES = 4 * 1024 * 1024

Lifecycle = Literal["active", "deprecated", "retired"]


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What the API says of a model. `retires` is the day that is scheduled for its end; None while none is."""

    lifecycle: Lifecycle
    retires: datetime.date | None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The models that a key reaches, by name, and the server's clock when it answered."""

    models: Mapping[str, KnownModel]
    server_time: datetime.datetime | None


def base_url(given: str | None) -> str:
    """The address below which the API's paths begin: what ANTHROPIC_BASE_URL says, or Anthropic's own.

    Every path brings its `/v1`, so one at the end of `given` is taken off. The Worker reads it in the same way. Raises
    ConfigError (`model_unreachable`), which does not quote it: it may hold a password.
    """
    text = (given or "").strip()
    if not text:
        return OFFICIAL
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise _no_base("is not a URL") from None
    if not text.isprintable() or " " in text:
        raise _no_base("is not a URL")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _no_base("must begin with https:// or http://")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise _no_base("may have a host and a path, and nothing else")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/v1').rstrip('/')}"


def _no_base(why: str) -> ConfigError:
    return ConfigError(
        f"ANTHROPIC_BASE_URL {why}.",
        hint=f"It should look like {OFFICIAL}, or be unset.",
        code="model_unreachable",
    )


def list_models(key: str, given_base: str | None = None, *, timeout: float = 5.0) -> Catalog:
    """Asks `GET /v1/models`, which needs a valid key and costs nothing. `timeout` is in seconds, for each step.

    `given_base` is read as `base_url` does. Raises ConfigError (`key_rejected`) for a key that is refused, and
    CctError: `model_unreachable` when no answer came, `model_failed` for an answer that says nothing about the key. No
    error quotes the key, and no redirect takes it elsewhere.
    """
    import httpx

    base = base_url(given_base)
    host = urlsplit(base).hostname or ""
    headers = {"x-api-key": key, "anthropic-version": _VERSION, "Accept": "application/json", "User-Agent": "cct"}
    try:
        # As for the Worker: a proxy is not asked for what is on this machine.
        with (
            httpx.Client(timeout=timeout, headers=headers, trust_env=not is_loopback(host)) as http,
            http.stream("GET", f"{base}/v1/models", params={"limit": 1000}) as response,
        ):
            text = _read(response)
    except httpx.InvalidURL as error:
        raise _no_base("is not a URL") from error
    except httpx.HTTPError as error:
        raise CctError(
            f"Claude's API at {host} could not be reached.",
            hint="Check the network, a proxy, and ANTHROPIC_BASE_URL if it is set.",
            code="model_unreachable",
        ) from error
    if response.status_code in (401, 403):
        raise ConfigError(
            f"Claude's API at {host} refuses the key.",
            hint="Make a new one at platform.claude.com, and set ANTHROPIC_API_KEY to it.",
            code="key_rejected",
        )
    if response.status_code != 200:
        raise CctError(
            f"{host} answered GET /v1/models with status {response.status_code}, which says nothing about the key.",
            hint="A gateway may not have this route; otherwise try again later.",
            code="model_failed",
            retryable=response.status_code == 429 or response.status_code >= 500,
        )
    return Catalog(_models(text), _date(response.headers.get("date")))


def _read(response: httpx.Response) -> str:
    data = b""
    for chunk in response.iter_bytes():
        data += chunk
        if len(data) > _MAX_BYTES:
            break
    return data.decode("utf-8", "replace")


def _models(text: str) -> dict[str, KnownModel]:
    """As many as can be read: a gateway's list may have other fields, and the answer alone has accepted the key."""
    try:
        entries = json.loads(text)["data"]
        return {entry["id"]: _known(entry) for entry in entries if isinstance(entry["id"], str)}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}


def _known(entry: Mapping[str, Any]) -> KnownModel:
    lifecycle: Any = entry.get("lifecycle")
    if lifecycle not in ("deprecated", "retired"):
        lifecycle = "active"
    retires = entry.get("retires_at")
    try:
        return KnownModel(lifecycle, datetime.date.fromisoformat(retires[:10]) if retires else None)
    except (ValueError, TypeError):
        return KnownModel(lifecycle, None)


def _date(header: str | None) -> datetime.datetime | None:
    try:
        return email.utils.parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
