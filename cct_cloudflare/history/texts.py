"""The texts of runs. Each large one is stored once, compressed, however many runs have it."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from cct_cloudflare.plain import plain_line

if TYPE_CHECKING:
    import sqlite3


def store(connection: sqlite3.Connection, text: str) -> int:
    """The number under which `text` is kept; the same for the same text."""
    import hashlib

    # A program may print, and JSON may carry, lone surrogates.
    data = text.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(data).digest()
    row = connection.execute("SELECT number FROM texts WHERE sha256 = ?", (digest,)).fetchone()
    if row is None:
        compressed = zlib.compress(data, 6)
        cursor = connection.execute("INSERT INTO texts (sha256, body) VALUES (?, ?)", (digest, compressed))
        return int(cursor.lastrowid or 0)
    return int(row[0])


def load(body: bytes) -> str:
    """The text of a stored body. Raises sqlite3.DatabaseError for one that is damaged."""
    import sqlite3

    try:
        return zlib.decompress(body).decode("utf-8", "surrogatepass")
    except (zlib.error, UnicodeDecodeError) as error:
        raise sqlite3.DatabaseError("a text in it cannot be read") from error


def drop_unused(connection: sqlite3.Connection) -> None:
    """Removes the texts that no run has any more."""
    connection.execute("DELETE FROM texts WHERE number NOT IN (SELECT text FROM parts WHERE text IS NOT NULL)")


def beginning(text: str, limit: int) -> tuple[str, bool]:
    """At most `limit` bytes of `text`, and whether that cut it; no character is cut."""
    if len(text) * 4 <= limit:
        return text, False
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= limit:
        return text, False
    end = limit
    while end and data[end] & 0xC0 == 0x80:
        end -= 1
    return data[:end].decode("utf-8", "surrogatepass"), True


def folded(text: str) -> str:
    """As it is compared in a search: case and line breaks make no difference."""
    return plain_line(text).casefold()
