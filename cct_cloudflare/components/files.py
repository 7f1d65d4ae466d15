"""Reading text that somebody else wrote: regular files only, no more than a bound, never through a swapped link."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

#: An agent, a command, the text of a skill or what is merged into a JSON file: no more is read of it.
MAX_COMPONENT_BYTES = 256 * 1024


class UnreadableFileError(Exception):
    """The message continues a sentence: "it is larger than 64 KiB"."""


def open_regular(path: Path) -> BinaryIO:
    """Opens a file to be read. `path` must be resolved already.

    Raises OSError, and UnreadableFileError for what is no regular file.
    """
    # A FIFO would block the open, and a link put here since the path was resolved could lead anywhere.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise UnreadableFileError("it is not a regular file")


def read_bytes(path: Path, limit: int) -> tuple[bytes, int]:
    """At most `limit` + 1 bytes of a file and its mode, as `open_regular` finds it. Raises UnreadableFileError."""
    try:
        with open_regular(path) as file:
            return file.read(limit + 1), os.fstat(file.fileno()).st_mode
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error.strerror or type(error).__name__})") from error


def read_text(path: Path, limit: int) -> str:
    """The file's exact text (no newline is translated, a BOM stays). `path` must be resolved already.

    Raises UnreadableFileError for what is no regular file, larger than `limit` bytes, not UTF-8, or has a NUL.
    """
    return decode(read_bytes(path, limit)[0], limit)


def decode(data: bytes, limit: int) -> str:
    """The text of a file's bytes, on the same terms."""
    if len(data) > limit:
        raise UnreadableFileError(f"it is larger than {limit // 1024} KiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFileError("it is not UTF-8 text") from error
    if "\0" in text:
        raise UnreadableFileError("it is not text")
    return text
