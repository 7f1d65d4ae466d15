"""Reading text that somebody else wrote: regular files only, no more than a bound, never through a swapped link."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class UnreadableFileError(Exception):
    """The message continues a sentence: "it is larger than 64 KiB"."""


def read_text(path: Path, limit: int) -> str:
    """The file's exact text (no newline is translated, a BOM stays). `path` must be resolved already.

    Raises UnreadableFileError for what is no regular file, larger than `limit` bytes, not UTF-8, or has a NUL.
    """
    # A FIFO would block the open, and a link put here since the path was resolved could lead anywhere.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableFileError("it is not a regular file")
            data = file.read(limit + 1)
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error.strerror or type(error).__name__})") from error
    if len(data) > limit:
        raise UnreadableFileError(f"it is larger than {limit // 1024} KiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFileError("it is not UTF-8 text") from error
    if "\0" in text:
        raise UnreadableFileError("it is not text")
    return text
