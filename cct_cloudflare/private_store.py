"""Small JSON files that only their owner may read: keys, tokens, decisions.

A file is written beside itself and renamed into place, so that a reader (and a run that was killed) finds the
old one or the new one; whoever reads in order to write holds a lock meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cct_cloudflare.errors import ConfigError

LOCK_SECONDS = 10.0
_MAX_BYTES = 1024 * 1024
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)


class PrivateStore:
    """One JSON object in one 0600 file. A file that is not there reads as an empty object.

    Raises ConfigError when the file cannot be read or written, holds something else, belongs to somebody else,
    or is a link.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        text = _read_private(self.path)
        if text is None:
            return {}
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise ConfigError(f"{self.path} is not a JSON object.", hint="Mend or delete this file.")
        return value

    def update(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Applies `change` to the object and writes it; two processes at once lose nothing of each other's."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _locked(self.path.with_name(self.path.name + ".lock")):
                self._drop_leftovers()
                value = self.read()
                change(value)
                _write_private(self.path, json.dumps(value, indent=2, sort_keys=True) + "\n")
        except OSError as error:
            raise ConfigError(
                f"{self.path} could not be written: {error.strerror or error}.",
                hint="Check the folder's permissions and the free space.",
            ) from error

    def _drop_leftovers(self) -> None:
        """Takes away what a run that was killed has left: under the lock nobody else's can be there."""
        for path in self.path.parent.glob(f".{self.path.name}.*.tmp"):
            path.unlink(missing_ok=True)


def read_small_text(path: Path, *, follow: bool = True, max_bytes: int = _MAX_BYTES) -> str | None:
    """The text of a regular file, or None where there is none. Never waits on a pipe or a device.

    Raises OSError, and ValueError for what is no regular file or is too large.
    """
    # Without O_NONBLOCK, opening a FIFO waits for a writer, perhaps for ever.
    flags = os.O_RDONLY | _NONBLOCK | (0 if follow else _NOFOLLOW)
    try:
        fd = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP and not follow:
            raise ValueError("it is a link") from error
        raise
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise ValueError("it is not a regular file")
        if info.st_size > max_bytes:
            raise ValueError("it is too large")
        with open(fd, "rb", closefd=False) as file:
            return file.read(max_bytes).decode("utf-8-sig", "replace")
    finally:
        os.close(fd)


def _read_private(path: Path) -> str | None:
    try:
        text = read_small_text(path, follow=False)
        fault = None if text is None else _make_private(path)
    except OSError as error:
        raise ConfigError(
            f"{path} could not be read: {error.strerror or error}.", hint="Check its permissions."
        ) from error
    except ValueError as error:
        fault = str(error)
    if fault:
        raise ConfigError(f"{path} was not read: {fault}.", hint="Replace it by a file of your own.")
    return text


def _make_private(path: Path) -> str | None:
    """Takes other users' rights to the file away; a reason where it is not ours to change."""
    if sys.platform == "win32":
        return None  # the profile's folder is the user's own
    info = path.lstat()
    if info.st_uid != os.geteuid():
        return "it belongs to another user"
    if info.st_mode & 0o077:
        path.chmod(0o600)
    return None


def _write_private(path: Path, text: str) -> None:
    import secrets  # with all that it imports, only where something is written

    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW, 0o600)
        with open(fd, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(text)
            file.flush()
            os.fsync(fd)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | _NOFOLLOW, 0o600)
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while not _try_lock(fd):
            if time.monotonic() > deadline:
                raise ConfigError(
                    f"Another cct has held {path} for {LOCK_SECONDS:.0f} seconds.",
                    hint="Wait for it to end, or end it.",
                )
            time.sleep(0.02)
        yield
    finally:
        os.close(fd)  # which also gives the lock back


if sys.platform == "win32":
    import msvcrt

    def _try_lock(fd: int) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
