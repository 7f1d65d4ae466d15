"""The file of the history: where it is, what its tables are, how it is opened, and what may be wrong with it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cct_cloudflare import config
from cct_cloudflare.errors import ConfigError

if TYPE_CHECKING:
    import sqlite3

OFF_VARIABLE = "CCT_NO_HISTORY"

#: Seconds to wait for another cct that writes.
BUSY_SECONDS = 5.0

#: What each version of the file adds to the one before; `PRAGMA user_version` counts them. Never change one that
#: was released: append.
#:
#: `runs` is all that lists and sums need, in small rows; large texts stand once each in `texts`, however many runs
#: have them, and `parts` says which run has which.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE runs (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            started_ms INTEGER NOT NULL,
            kind TEXT NOT NULL,
            place TEXT NOT NULL,
            demo INTEGER NOT NULL,
            status TEXT NOT NULL,
            title TEXT NOT NULL,
            error_code TEXT,
            exit_code INTEGER,
            model TEXT,
            language TEXT,
            elapsed_ms REAL,
            total_ms REAL,
            generation_ms REAL,
            boot_ms REAL,
            execution_ms REAL,
            input_tokens INTEGER,
            output_tokens INTEGER,
            cost_usd REAL,
            cloudflare_usd REAL
        )
        """,
        "CREATE INDEX runs_started ON runs (started_ms)",
        "CREATE TABLE details (run INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE, body TEXT NOT NULL)",
        "CREATE TABLE words (run INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE, body TEXT NOT NULL)",
        "CREATE TABLE texts (number INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, body BLOB NOT NULL)",
        """
        CREATE TABLE parts (
            run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
            role TEXT NOT NULL,
            position INTEGER NOT NULL,
            text INTEGER REFERENCES texts,
            path TEXT,
            bytes INTEGER,
            encoding TEXT,
            cut INTEGER NOT NULL,
            PRIMARY KEY (run, role, position)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX parts_text ON parts (text)",
    ),
)


class HistoryError(ConfigError):
    """The history cannot be used; the message says why, the hint what to do about it."""

    code = "history_unusable"


def path() -> Path:
    return config.data_dir() / "history.db"


def is_off() -> bool:
    """Whether the user wants no history."""
    return bool(os.environ.get(OFF_VARIABLE))


@contextlib.contextmanager
def opened(file: Path | None = None, *, write: bool = False) -> Iterator[sqlite3.Connection | None]:
    """A connection in autocommit mode, closed on the way out; None when there is no history and `write` is False.

    Raises HistoryError, also for whatever SQLite says while the connection is used.
    """
    file = file or path()
    with translated(file):
        if not write and not file.exists():
            yield None
            return
        connection = connect(file) if write else _connect_to_read(file)
        with contextlib.closing(connection):
            yield connection


def connect(file: Path) -> sqlite3.Connection:
    """Opens the file for writing, makes it and its tables where they are missing. Raises OSError, sqlite3.Error."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made here, because SQLite would make it readable for others; its other files take this one's mode.
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    if sys.platform != "win32" and file.stat().st_mode & 0o077:
        file.chmod(0o600)
    return _prepared(_connect(f"{file.resolve().as_uri()}?mode=rw"), file)


def _connect_to_read(file: Path) -> sqlite3.Connection:
    if os.access(file, os.W_OK) and os.access(file.parent, os.W_OK):
        return _prepared(_connect(f"{file.resolve().as_uri()}?mode=rw"), file)
    # In a folder where nothing can be made, SQLite reads this mode of journal only from a file that never changes.
    connection = _connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1")
    try:
        _check_version(_version(connection), file)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    import sqlite3

    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _prepared(connection: sqlite3.Connection, file: Path) -> sqlite3.Connection:
    try:
        # One file more while it is open, but readers and a writer do not wait for each other. A crash of the machine
        # may lose the last runs, never the file.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, file: Path) -> None:
    version = _version(connection)
    _check_version(version, file)
    if version == len(MIGRATIONS):
        return
    with transaction(connection):
        # Again, now that no other cct can be doing the same.
        for number in range(_version(connection), len(MIGRATIONS)):
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_version(version: int, file: Path) -> None:
    if version > len(MIGRATIONS):
        raise HistoryError(
            f"The history in {file} was written by a newer cct.",
            hint=f"Update this cct, or move the file away and begin a new history; {OFF_VARIABLE}=1 keeps none.",
        )


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk, for one, has rolled it back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def translated(file: Path) -> Iterator[None]:
    """Whatever SQLite or the system says becomes a HistoryError."""
    import sqlite3

    try:
        yield
    except sqlite3.OperationalError as error:
        raise _unusable(file, str(error)) from error
    except sqlite3.DatabaseError as error:
        raise HistoryError(
            f"The history in {file} is damaged: {error}.",
            hint=f"Move the file away, and a new history begins; {OFF_VARIABLE}=1 keeps none.",
        ) from error
    except OSError as error:
        raise _unusable(file, error.strerror or str(error)) from error


def _unusable(file: Path, why: str) -> HistoryError:
    return HistoryError(
        f"The history in {file} cannot be used: {why}.",
        hint=f"Check the permissions and the free space there; {OFF_VARIABLE}=1 keeps none.",
    )
