"""One writer at a time for a folder, without leaving a lock file in it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cct_cloudflare.errors import ConfigError

# Rendering takes a fraction of a second; a holder that takes longer has been stopped or hangs on a network disk.
_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.02

_NO_LOCKS_HERE = {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@contextlib.contextmanager
def folder_lock(
    folder: Path, *, patience: float = _PATIENCE_SECONDS, waiting: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Holds the folder for this process; the system releases it when the process ends, however that happens.

    `waiting` is called once when another process has it. On a file system without locks it holds nothing: each file is
    still replaced as a whole.
    Raises ConfigError when another process keeps it for longer than `patience` seconds.
    """
    handle = _open(folder)
    try:
        deadline = time.monotonic() + patience
        is_first = True
        while not _try_lock(handle):
            if is_first:
                waiting()
                is_first = False
            if time.monotonic() >= deadline:
                raise ConfigError(
                    f"Another cct is writing into {folder}, and has been for {patience:.0f} seconds.",
                    hint="Wait for it to end, or end it, and run the command again.",
                )
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(handle)


if sys.platform == "win32":
    import hashlib
    import msvcrt
    import tempfile

    def _open(folder: Path) -> int:
        # Windows opens no folders; its temporary folder belongs to the user.
        name = hashlib.sha256(os.path.normcase(folder).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return os.open(Path(tempfile.gettempdir()) / f"cct-{name}.lock", os.O_RDWR | os.O_CREAT)

    def _try_lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _open(folder: Path) -> int:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in _NO_LOCKS_HERE
        return True
