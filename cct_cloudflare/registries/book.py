"""Which registries this user has added: `registries.json` in the folder of settings. It holds no secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cct_cloudflare.config import registries_file
from cct_cloudflare.errors import ConfigError, UsageError
from cct_cloudflare.plain import plain_line
from cct_cloudflare.private_store import PrivateStore
from cct_cloudflare.registries.address import Address, parse_address

MAX_REGISTRIES = 100
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
#: What other sources are called.
_TAKEN = frozenset({"project", "bundled", "local", "user", "all"})


@dataclass(frozen=True, slots=True)
class Registry:
    """`revision` is what it is pinned to: a commit, or `sha256:…` of a site's index; None for a folder."""

    name: str
    address: str
    ref: str | None = None
    revision: str | None = None

    @property
    def place(self) -> Address:
        """Raises UsageError for what is no address, or a folder that has gone."""
        return parse_address(self.address, ref=self.ref)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def registries() -> list[Registry]:
    """In the order in which they were added. Raises ConfigError for a file that cannot be read."""
    return _parse(_store().read())


def find_registry(name: str) -> Registry | None:
    return next((registry for registry in registries() if registry.name == name), None)


def checked_name(name: str) -> str:
    """Raises UsageError for what cannot name a registry."""
    if not _NAME.fullmatch(name) or name in _TAKEN:
        why = "that is what another source is called" if name in _TAKEN else "it has small letters, digits and dashes"
        raise UsageError(f"{plain_line(name[:80])!r} cannot name a registry: {why}.", hint="For example: team, acme-2.")
    return name


def check_free(registry: Registry) -> None:
    """Raises UsageError where its name or its address is taken."""
    _check_free(registry, registries())


def remember(registry: Registry) -> None:
    """Adds it as the last one. Raises UsageError where its name or its address is taken."""

    def add(known: list[Registry]) -> None:
        _check_free(registry, known)
        known.append(registry)

    _change(add)


def forget(name: str) -> Registry:
    """Raises UsageError where there is none of that name."""
    known_registry(name)  # where there is none, no file is made either
    removed: list[Registry] = []

    def remove(known: list[Registry]) -> None:
        registry = _named(known, name)
        known.remove(registry)
        removed.append(registry)

    _change(remove)
    return removed[0]


def repin(name: str, revision: str | None) -> None:
    """Pins a registry to another revision. Raises UsageError where it has gone meanwhile."""

    def pin(known: list[Registry]) -> None:
        registry = _named(known, name)
        known[known.index(registry)] = Registry(registry.name, registry.address, registry.ref, revision)

    _change(pin)


def known_registry(name: str) -> Registry:
    """Raises UsageError, which names those that there are."""
    return _named(registries(), name)


def _check_free(registry: Registry, known: Sequence[Registry]) -> None:
    for other in known:
        if other.name == registry.name:
            raise UsageError(
                f"There is a registry {registry.name} already: {plain_line(other.address)}.",
                hint=f"Give another name, or first: cct registry remove {registry.name}",
            )
        if (other.address, other.ref) == (registry.address, registry.ref):
            raise UsageError(
                f"{plain_line(registry.address)} is added already, as {other.name}.",
                hint=f"Bring it up to date: cct registry update {other.name}",
            )
    if len(known) >= MAX_REGISTRIES:
        raise UsageError(f"There are {MAX_REGISTRIES} registries already.", hint="Remove one of them.")


def _named(known: list[Registry], name: str) -> Registry:
    for registry in known:
        if registry.name == name:
            return registry
    names = ", ".join(registry.name for registry in known)
    raise UsageError(
        f"There is no registry named {plain_line(name[:80])!r}.",
        hint=f"Those that there are: {names}." if names else "Add one: cct registry add NAME ADDRESS",
    )


def _change(change: Callable[[list[Registry]], None]) -> None:
    def apply(data: dict[str, Any]) -> None:
        known = _parse(data)
        change(known)
        data["registries"] = [registry.to_json() for registry in known]

    _store().update(apply)


def _parse(data: dict[str, Any]) -> list[Registry]:
    entries = data.get("registries", [])
    try:
        known = [_registry(entry) for entry in entries]
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"{_store().path} does not list registries as cct does.", hint="Mend or delete this file."
        ) from error
    return [registry for registry in known if _NAME.fullmatch(registry.name)]


def _registry(entry: Any) -> Registry:
    return Registry(
        _text(entry["name"]), _text(entry["address"]), _optional(entry["ref"]), _optional(entry["revision"])
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)


def _store() -> PrivateStore:
    return PrivateStore(registries_file())
