"""Where the journal and the backups of a place are kept. Imports next to nothing: commands that only read look here."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cct_cloudflare.config.places import state_dir

JOURNAL = "journal"


def state_of(claude_dir: Path) -> Path:
    """The folder in the user's state for a `.claude` folder, whose path is real."""
    name = os.path.normcase(claude_dir).encode("utf-8", "surrogatepass")
    return state_dir() / "installs" / hashlib.sha256(name).hexdigest()[:32]


def is_interrupted(project: Path) -> bool:
    """Whether a change of a project's components has been interrupted, or is being made at this moment."""
    return (state_of(Path(os.path.realpath(project)) / ".claude") / JOURNAL).exists()
