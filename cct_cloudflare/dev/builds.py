"""A folder for builds that are of no use once the next one is there."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cct_cloudflare.config import cache_dir
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.folder_lock import folder_lock


@contextlib.contextmanager
def builds_folder() -> Iterator[Path]:
    """A new, empty folder in the user's cache, removed at the end; one that a killed cct left is removed now.

    Raises ConfigError when it cannot be made.
    """
    parent = cache_dir() / "dev"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        # One at a time: a folder that is not locked yet must not be taken for one that was left.
        with folder_lock(parent):
            _remove_left(parent)
            folder = Path(tempfile.mkdtemp(prefix="session-", dir=parent))
            held = contextlib.ExitStack()
            held.enter_context(folder_lock(folder))
    except OSError as error:
        raise ConfigError(
            f"A folder for builds could not be made in {parent}: {error.strerror}.",
            code="toolchain",
            hint="Free some space there, or set XDG_CACHE_HOME to another folder.",
        ) from error
    with held:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_left(parent: Path) -> None:
    for folder in parent.glob("session-*"):
        # Whoever uses it holds its lock.
        with contextlib.suppress(ConfigError, OSError), folder_lock(folder, patience=0):
            shutil.rmtree(folder, ignore_errors=True)
