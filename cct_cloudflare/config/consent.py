"""Projects whose Worker source is not cct's own, and which a user has agreed to run.

That source gets the user's key, so whoever runs it asks here first; what was agreed to counts for these bytes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from cct_cloudflare.config.places import config_dir
from cct_cloudflare.private_store import PrivateStore


def agreed(digests: Mapping[Path, str], *, given: bool, ask: Callable[[], bool] | None) -> bool:
    """Whether the user agrees to all that is there, by its place and digest: from before, by a flag (`given`), or when
    asked now; None where nobody can be. An agreement is remembered."""
    is_known = all(is_trusted(place, digest) for place, digest in digests.items())
    if not (is_known or given or (ask is not None and ask())):
        return False
    for place, digest in digests.items():
        trust(place, digest)
    return True


def is_trusted(project: Path, digest: str) -> bool:
    """Whether the user has agreed to run this project's Worker source as it is now, at this place."""
    return bool(digest) and _trusted().read().get(str(project.resolve())) == digest


def trust(project: Path, digest: str) -> None:
    """Remembers the consent, outside the project; one for another source at the same place is forgotten."""
    key = str(project.resolve())
    _trusted().update(lambda projects: projects.update({key: digest}))


def _trusted() -> PrivateStore:
    return PrivateStore(config_dir() / "trusted-projects.json")
