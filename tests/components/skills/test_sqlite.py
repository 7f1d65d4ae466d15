"""A database is described without being changed, and without its texts being quoted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.components.skills.script import run

DESCRIBE = "data/sqlite/describe"
SCHEMA = """
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, note);
    INSERT INTO customers VALUES (1, 'Anna', NULL), (2, 'Bob', 7), (3, 'Bob', x'00ff');
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers (id), cents INTEGER);
    CREATE UNIQUE INDEX one_each ON orders (customer, cents);
    INSERT INTO orders VALUES (1, 1, 500), (2, 1, 700);
    CREATE VIEW totals AS SELECT customer, sum(cents) AS cents FROM orders GROUP BY 1;
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "sh op.db"
    make(path, SCHEMA)
    yield path


def make(path: Path, *scripts: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for script in scripts:
            connection.executescript(script)
        connection.commit()


def described(path: Path, *arguments: str) -> str:
    result = run(DESCRIBE, path, *arguments, cwd=path.parent)
    assert result.returncode == 0, result.stderr
    return result.stdout


def line(text: str, start: str) -> str:
    """The first line that begins so, with single spaces."""
    return " ".join(next(line for line in text.splitlines() if line.strip().startswith(start)).split())


def test_tables_columns_keys_and_indexes(shop: Path) -> None:
    text = described(shop)
    assert "tables: 2, views: 1" in text
    assert "table customers: 3 rows" in text and "view totals: 1 rows" in text
    assert line(text, "name") == "name TEXT text 0% null 2 distinct length 3 .. 4 not null"
    assert line(text, "note") == "note no type blob+integer 33% null 2 distinct length 1 .. 2"
    assert line(text, "cents").endswith("distinct 500 .. 700")
    assert "foreign key customer -> customers(id)" in text
    assert "unique index (customer, cents)" in text


def test_texts_are_quoted_only_when_asked_for(shop: Path) -> None:
    assert "Anna" not in described(shop)
    assert "Anna .. Bob" in described(shop, "--values", "--table", "CUSTOMERS")
    assert "orders" not in described(shop, "--table", "customers")


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_nothing_is_written_and_nothing_is_left(journal: str, shop: Path) -> None:
    make(shop, f"PRAGMA journal_mode = {journal}; INSERT INTO orders VALUES (3, 2, 1)")
    before = {path.name: path.read_bytes() for path in shop.parent.iterdir()}
    assert "table orders: 3 rows" in described(shop, "--check")
    assert {path.name: path.read_bytes() for path in shop.parent.iterdir()} == before


def test_what_a_writer_has_only_in_its_log_is_seen(shop: Path) -> None:
    with closing(sqlite3.connect(shop)) as writer:
        writer.executescript("PRAGMA journal_mode = WAL; INSERT INTO orders VALUES (3, 2, 1)")
        assert shop.with_name(shop.name + "-wal").stat().st_size
        assert "table orders: 3 rows" in described(shop)


def test_checks_find_rows_without_what_they_refer_to(shop: Path) -> None:
    assert described(shop, "--check").endswith("No problem found.\n")
    make(shop, "INSERT INTO orders VALUES (9, 77, 1)")
    result = run(DESCRIBE, shop, "--check", cwd=shop.parent)
    assert result.returncode == 1
    assert "table orders, rowid 9: refers to a row of customers that is not there" in result.stdout


def test_names_that_would_break_a_query_or_steer_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    make(path, 'CREATE TABLE "a""b]; DROP TABLE x --" ("c d", "e\x1b[31m""f" TEXT); CREATE TABLE x (y)')
    text = described(path)
    assert 'table a"b]; DROP TABLE x --: 0 rows' in text and "table x: 0 rows" in text
    assert "\x1b" not in text and r"e\x1b[31m" in text


def test_a_view_without_end_and_one_that_is_broken(shop: Path) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    make(shop, f"CREATE VIEW endless AS {endless}; CREATE VIEW broken AS SELECT * FROM nowhere")
    text = described(shop, "--rows", "10")
    assert "view endless: more than 10 rows, the first 10 of them below" in text
    assert "view broken: cannot be read" in text
    assert "view totals: 1 rows" in text


def test_text_that_is_no_utf8_is_shown_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "latin.db"
    make(path, "CREATE TABLE t (name TEXT); INSERT INTO t VALUES (CAST(x'4dfc6c6c6572' AS TEXT))")
    assert "M\N{REPLACEMENT CHARACTER}ller" in described(path, "--values")


def test_an_empty_database(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    assert "tables: 0, views: 0" in described(tmp_path / "empty.db")


@pytest.mark.parametrize("content", [None, b"no database", b"SQLite format 3\0" + b"\xff" * 4096])
def test_what_is_no_database_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    if content is not None:
        path.write_bytes(content)
    result = run(DESCRIBE, path, cwd=tmp_path)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith(str(path)) and "Traceback" not in result.stderr
    assert path.exists() is (content is not None)


def test_a_table_that_is_not_there_is_said(shop: Path) -> None:
    result = run(DESCRIBE, shop, "--table", "nobody", cwd=shop.parent)
    assert (result.returncode, result.stdout) == (2, "")
    assert "there is no table nobody" in result.stderr
