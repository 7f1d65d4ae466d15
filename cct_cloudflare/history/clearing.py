"""Removing runs from the history, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cct_cloudflare.history import texts
from cct_cloudflare.history.database import transaction

if TYPE_CHECKING:
    import sqlite3


def count_older(connection: sqlite3.Connection, before_ms: int | None) -> int:
    """How many runs began before then; all of them with None."""
    query, values = _clause("SELECT count(*) FROM runs", before_ms)
    return int(connection.execute(query, values).fetchone()[0])


def remove_older(connection: sqlite3.Connection, before_ms: int | None) -> int:
    """Removes those runs and what only they had, gives the space back, and returns how many there were."""
    query, values = _clause("DELETE FROM runs", before_ms)
    with transaction(connection):
        removed = connection.execute(query, values).rowcount
        texts.drop_unused(connection)
    # Until the file is written anew, what was deleted can still be read in it.
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return removed


def _clause(query: str, before_ms: int | None) -> tuple[str, tuple[int, ...]]:
    return (query, ()) if before_ms is None else (f"{query} WHERE started_ms < ?", (before_ms,))
