"""Where an installed component came from: what the lock file says of it, and what of that is opened again.

A lock file may come from anybody, so the source that it names is opened only when that contacts nobody whom the user
has not named: the bundled catalog, a registry that was added, a folder of this machine.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from cct_cloudflare.components.names import printable
from cct_cloudflare.components.package import Catalog
from cct_cloudflare.errors import UsageError

BUNDLED = "bundled"

#: Takes a sentence for people.
Note = Callable[[str], None]


def address_of(source: str) -> str | None:
    """Where the user's registry of this name lies, for others who call it otherwise; None for a folder's, and for what
    is no registry. Raises ConfigError for a list of registries that cannot be read."""
    from cct_cloudflare.registries.book import find_registry

    registry = None if source == BUNDLED else find_registry(source)
    is_shared = registry is not None and not (_is_local(registry.address) or "file:" in registry.address)
    return registry.address if registry is not None and is_shared else None


def open_recorded(source: str, address: str | None, note: Note) -> Catalog:
    """The source that a lock file names, with the address that it had. Raises UsageError where it is not to be had."""
    from cct_cloudflare.catalog import bundled_catalog
    from cct_cloudflare.registries import catalog_of
    from cct_cloudflare.registries.book import registries

    if source == BUNDLED:
        return bundled_catalog()
    # One of the same name may be another registry here; one of the same address is the same.
    added = [one for one in registries() if (one.address == address if address else source in (one.name, one.address))]
    if added:
        return catalog_of(next((one.name for one in added if one.name == source), added[0].name), note=note)
    if _is_local(source) and Path(source).is_dir():
        return catalog_of(source, note=note)
    shown = printable(source[:200])
    if _is_local(source):
        raise UsageError(
            f"The folder {shown} is gone.",
            hint="Say where it is now: cct update --from FOLDER",
            code="component_not_found",
        )
    lies, place = (f" at {printable(address[:200])}", shlex.quote(printable(address))) if address else ("", "ADDRESS")
    raise UsageError(
        f"{shown}{lies} is none of your registries, so it was not asked.",
        hint=f"If you trust it, add it (cct registry add NAME {place}), or name it once: cct update --from {place}",
        code="component_not_found",
    )


def _is_local(source: str) -> bool:
    """A whole path; on Windows one that begins with two slashes, of either kind, would ask another machine."""
    return Path(source).is_absolute() and source[:2].strip("/\\") != ""
