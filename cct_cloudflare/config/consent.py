"""Projects whose Worker source is not cct's own, and which a user has agreed to run."""

from __future__ import annotations

from pathlib import Path

from cct_cloudflare.config.places import config_dir
from cct_cloudflare.private_store import PrivateStore


def is_trusted(project: Path, digest: str) -> bool:
    """Whether the user has agreed to run this project's Worker source as it is now, at this place."""
    return bool(digest) and _trusted().read().get(str(project.resolve())) == digest


def trust(project: Path, digest: str) -> None:
    """Remembers the consent, outside the project; one for another source at the same place is forgotten."""
    key = str(project.resolve())
    _trusted().update(lambda projects: projects.update({key: digest}))


def _trusted() -> PrivateStore:
    return PrivateStore(config_dir() / "trusted-projects.json")
