"""Describes a SQLite database, read-only: tables, columns, how full and how varied they are, keys and indexes.

    python3 describe.py FILE [--table NAME] [--values] [--rows N] [--check]

Texts and blobs are described by their length; `--values` shows the smallest and the largest instead. Columns are
counted over the first `--rows` rows of a table (default: 100000). Exit status: 0, 1 when `--check` found something,
2 when the file cannot be read.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

WIDTH = 40
PROBLEMS = 20


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Describes a SQLite database, read-only.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--table", metavar="NAME", help="this table only")
    parser.add_argument("--values", action="store_true", help="show examples of texts; they may be personal data")
    parser.add_argument("--rows", type=int, default=100_000, metavar="N", help="look at the first N rows of a table")
    parser.add_argument("--check", action="store_true", help="run integrity_check and foreign_key_check, too")
    options = parser.parse_args(argv)
    if options.rows < 1:
        parser.error("--rows must be positive")
    try:
        return describe(options)
    except (sqlite3.Error, OSError) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 2


def describe(options: argparse.Namespace) -> int:
    connection = connect(options.file)
    try:
        # Rows of old or careless programs are not always UTF-8.
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        objects = connection.execute(
            "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view')"
            " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name"
        ).fetchall()
        if options.table is not None:
            objects = [(kind, name) for kind, name in objects if name.lower() == options.table.lower()]
            if not objects:
                raise sqlite3.OperationalError(f"there is no table {options.table}")
        print("\n".join(overview(connection, options.file, objects)))
        for kind, name in objects:
            print("\n" + "\n".join(table(connection, kind, name, options)))
        return print_problems(connection) if options.check else 0
    finally:
        connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """Read-only, and leaving no file behind. Raises OSError or sqlite3.Error."""
    with path.open("rb") as file:
        header = file.read(20)
    if header and not header.startswith(b"SQLite format 3\0"):
        raise sqlite3.DatabaseError("it is not a SQLite database (or an encrypted one)")
    uri = path.resolve().as_uri() + "?mode=ro"
    # A reader of a database in WAL mode makes the two files beside it, and one that may not write leaves them there.
    if header[18:19] == b"\2" and not Path(f"{path.resolve()}-wal").exists():
        uri += "&immutable=1"
    return sqlite3.connect(uri, uri=True, timeout=5)


def overview(connection: sqlite3.Connection, path: Path, objects: list[tuple[str, str]]) -> Iterator[str]:
    kinds = [kind for kind, _ in objects]
    size = path.stat().st_size
    yield f"{plain(path.name)}: {size} bytes; tables: {kinds.count('table')}, views: {kinds.count('view')}"
    facts = {name: pragma(connection, name) for name in ("user_version", "journal_mode", "encoding", "page_size")}
    yield ", ".join(f"{name} {value}" for name, value in facts.items())


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def table(connection: sqlite3.Connection, kind: str, name: str, options: argparse.Namespace) -> Iterator[str]:
    try:
        columns = connection.execute(f"PRAGMA table_info({quoted(name)})").fetchall()
        # A view may compute its rows for ever; a table's are there.
        limit = f" LIMIT {options.rows + 1}" if kind == "view" else ""
        rows = connection.execute(f"SELECT count(*) FROM (SELECT 1 FROM {quoted(name)}{limit})").fetchone()[0]
        seen = min(rows, options.rows)
        count = f"more than {seen}" if limit and seen < rows else str(rows)
        yield f"{kind} {plain(name)}: {count} rows" + (f", the first {seen} of them below" if seen < rows else "")
        lines = [column(connection, name, info, seen, options) for info in columns]
    except sqlite3.Error as error:  # a virtual table whose module is not there, a view of a table that is gone
        yield f"{kind} {plain(name)}: cannot be read ({plain(str(error))})"
        return
    widths = [max(map(len, cells)) for cells in zip(*lines)] if lines else []
    for line in lines:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
    for _, _, target, here, there, *_ in connection.execute(f"PRAGMA foreign_key_list({quoted(name)})"):
        yield f"  foreign key {plain(here)} -> {plain(target)}({plain(there or 'its primary key')})"
    for _, index, unique, origin, *_ in connection.execute(f"PRAGMA index_list({quoted(name)})").fetchall():
        parts = [part[2] for part in connection.execute(f"PRAGMA index_info({quoted(index)})")]
        label = "primary key" if origin == "pk" else "unique index" if unique else "index"
        yield f"  {label} ({', '.join(plain(part or 'an expression') for part in parts)})"


def column(
    connection: sqlite3.Connection,
    table: str,
    info: tuple[int, str, str, int, object, int],
    seen: int,
    options: argparse.Namespace,
) -> list[str]:
    _, name, declared, not_null, _, key = info
    x = quoted(name)
    rows = f"(SELECT {x} FROM {quoted(table)} LIMIT {int(options.rows)})"
    nulls, distinct, types = connection.execute(
        f"SELECT count(*) - count({x}), count(DISTINCT {x}), group_concat(DISTINCT typeof({x})) FROM {rows}"
    ).fetchone()
    kinds = sorted(set((types or "").split(",")) - {"null", ""})
    textual = {"text", "blob"} & set(kinds)
    measure = f"length({x})" if textual and not options.values else x
    low, high = connection.execute(f"SELECT min({measure}), max({measure}) FROM {rows}").fetchone()
    span = "" if low is None else f"{plain(str(low))} .. {plain(str(high))}"
    rules = [rule for rule, holds in (("primary key", key), ("not null", not_null)) if holds]
    return [
        plain(name),
        plain(declared) or "no type",
        "+".join(kinds) or "empty",
        f"{nulls / seen:.0%} null" if seen else "",
        f"{distinct} distinct" if seen else "",
        f"length {span}" if textual and not options.values and span else span,
        ", ".join(rules),
    ]


def print_problems(connection: sqlite3.Connection) -> int:
    integrity = [row[0] for row in connection.execute(f"PRAGMA integrity_check({PROBLEMS})")]
    problems = [] if integrity == ["ok"] else [plain(line) for line in integrity]
    for number, row in enumerate(connection.execute("PRAGMA foreign_key_check")):
        if number == PROBLEMS:
            problems.append("more rows without what they refer to were left out")
            break
        problems.append(f"table {plain(row[0])}, rowid {row[1]}: refers to a row of {plain(row[2])} that is not there")
    print("\n" + ("\n".join(problems) or "No problem found."))
    return 1 if problems else 0


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def plain(text: str) -> str:
    """On one line, short, and with nothing in it that could steer a terminal."""
    line = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


if __name__ == "__main__":
    sys.exit(main())
