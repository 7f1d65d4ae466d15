"""Reading text that somebody else wrote: regular files only, no more than a bound, never through a swapped link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

#: An agent, a command, the text of a skill or what is merged into a JSON file: no more is read of it.
MAX_COMPONENT_BYTES = 256 * 1024


class UnreadableFileError(Exception):
    """The message continues a sentence: "it is larger than 64 KiB"."""


def read_bytes(path: str | Path, limit: int) -> tuple[bytes, int]:
    """At most `limit` + 1 bytes of a file, and its mode. The last part of `path` must not be a link.

    Raises UnreadableFileError, also for what is no regular file.
    """
    try:
        return _read_regular(path, limit + 1)
    except OSError as error:
        raise UnreadableFileError(f"it cannot be read ({error.strerror or type(error).__name__})") from error


def _read_regular(path: str | Path, most: int) -> tuple[bytes, int]:
    # A FIFO would block the open, and a link put here since the path was resolved could lead anywhere.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise UnreadableFileError("it is not a regular file")
        data = b""
        # One byte more than it has shows that it does not grow; room for all that is allowed costs more than reading.
        wanted = min(most, info.st_size + 1)
        while len(data) < wanted and (chunk := os.read(descriptor, wanted - len(data))):
            data += chunk
            if len(data) == wanted:
                wanted = most
        return data, info.st_mode
    finally:
        os.close(descriptor)


def read_text(path: str | Path, limit: int) -> str:
    """The file's exact text (no newline is translated, a BOM stays). The last part of `path` must not be a link.

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
