"""Two changed copies of one text, merged. The merge is git's own; without git there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

MAX_BYTES = 1024 * 1024
_SECONDS = 20.0


def merge_texts(base: bytes, ours: bytes, theirs: bytes) -> bytes | None:
    """`base` with what `ours` and `theirs` have each changed in it.

    None where they have changed the same lines, where one of them is no text or larger than `MAX_BYTES`, and on a
    machine without git.
    """
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    if not all(_is_text(content) for content in (base, ours, theirs)):
        return None
    git = shutil.which("git")
    if git is None:
        return None
    with tempfile.TemporaryDirectory(prefix="cct-merge-") as folder:
        names = ("ours", "base", "theirs")
        for name, content in zip(names, (ours, base, theirs), strict=True):
            (Path(folder) / name).write_bytes(content)
        try:
            done = subprocess.run(
                [git, "merge-file", "--stdout", "--quiet", *names],
                cwd=folder,
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    return done.stdout if done.returncode == 0 else None


def _is_text(content: bytes) -> bool:
    return len(content) <= MAX_BYTES and b"\0" not in content


def _environment(folder: str) -> dict[str, str]:
    """Nobody's settings: neither the user's nor those of a repository that the folder may lie in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {
        **kept,
        "GIT_CEILING_DIRECTORIES": folder,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C",
    }
