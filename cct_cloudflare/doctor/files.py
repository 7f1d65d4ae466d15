"""The user's own files: who may read them, whether they can be read, what a killed cct left beside them."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cct_cloudflare import config
from cct_cloudflare.doctor.check import Finding, fail, ok, skip, warn
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.history import database
from cct_cloudflare.private_store import PrivateStore
from cct_cloudflare.wording import counted

if TYPE_CHECKING:
    from cct_cloudflare.doctor.context import Context

_STORES = ("credentials.json", "workers.json", "deployments.json", "trusted-projects.json")

#: A history of this size, in bytes, is read through in well under a second.
_QUICK_BYTES = 64 * 1024**2

#: A temporary file is renamed within milliseconds; one of this age, in seconds, is nobody's any more.
_ABANDONED_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class PrivateFile:
    """A file that only its owner may read. `is_open` says that others may, `is_foreign` that it is somebody else's."""

    path: Path
    mode: int
    is_open: bool
    is_foreign: bool


def private_files() -> tuple[PrivateFile, ...]:
    """Those that are there, as they are now."""
    found = []
    for path in (*(config.config_dir() / name for name in _STORES), *_left_behind(), database.path()):
        try:
            info = path.lstat()
        except OSError:
            continue
        if stat.S_ISREG(info.st_mode) and sys.platform != "win32":
            mode = stat.S_IMODE(info.st_mode)
            found.append(PrivateFile(path, mode, bool(mode & 0o077), info.st_uid != os.geteuid()))
    return tuple(found)


def look_at_private_files(context: Context) -> Finding:
    """Keys and tokens: readable for their owner alone, and valid."""
    foreign = [file.path for file in context.private_files if file.is_foreign]
    if foreign:
        return fail(f"{_names(foreign)} belongs to another user.", "Replace it by a file of your own.")
    for name in _STORES:
        try:
            PrivateStore(config.config_dir() / name).read()
        except ConfigError as error:
            return fail(error.message, error.hint)
    opened = [file for file in context.private_files if file.is_open]
    if opened:
        modes = ", ".join(f"{file.path.name} has mode {file.mode:o}" for file in opened)
        return warn(
            f"Other users could read what is secret: {modes}.",
            f"chmod 600 {_names(file.path for file in opened)}; replace the key or token if others use this machine.",
            lambda _: _make_private(opened),
        )
    left = _left_behind()
    if left:
        return warn(
            f"A cct that was killed left {counted(len(left), 'temporary file')} with secrets.",
            f"rm {_names(left)}",
            lambda _: _remove(left),
        )
    if not any((config.config_dir() / name).exists() for name in _STORES):
        return skip(f"There are none yet in {config.config_dir()}.")
    return ok(f"Only you can read {config.config_dir()}.")


def look_at_history(_: Context) -> Finding:
    """Opens the history as a run does, and reads through it where that is quick; raises ConfigError."""
    if database.is_off():
        return skip(f"{database.OFF_VARIABLE} is set: no history is kept.")
    with database.opened() as connection:
        if connection is None:
            return skip("There is no history yet.")
        (runs,) = connection.execute("SELECT count(*) FROM runs").fetchone()
        if database.path().stat().st_size <= _QUICK_BYTES:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                return fail(f"The history in {database.path()} is damaged.", "Move the file away; a new one begins.")
    return ok(f"The history can be read: {counted(runs, 'run')}.")


def _left_behind() -> tuple[Path, ...]:
    """Temporary files that a cct wrote beside a store, and was killed before it could rename them."""
    limit = time.time() - _ABANDONED_AFTER
    found = []
    for path in (path for name in _STORES for path in config.config_dir().glob(f".{name}.*.tmp")):
        with contextlib.suppress(OSError):  # another cct has just renamed its own
            if path.lstat().st_mtime < limit:
                found.append(path)
    return tuple(sorted(found))


def _make_private(files: Sequence[PrivateFile]) -> str:
    try:
        for file in files:
            file.path.chmod(0o600)
    except OSError as error:
        raise ConfigError(
            f"The mode of {error.filename} could not be changed: {error.strerror}.", hint="Change it yourself."
        ) from error
    return f"Only you can read {', '.join(file.path.name for file in files)} now."


def _remove(paths: Sequence[Path]) -> str:
    try:
        for path in paths:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{error.filename} could not be removed: {error.strerror}.", hint="Remove it yourself."
        ) from error
    return f"Removed {', '.join(path.name for path in paths)}."


def _names(paths: Iterable[Path]) -> str:
    return " ".join(map(str, paths))
