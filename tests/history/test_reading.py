from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.errors import UsageError, WorkerError
from cct_cloudflare.history import database, texts
from cct_cloudflare.history.clearing import count_older, remove_older
from cct_cloudflare.history.identity import is_prefix, new_id, normalized
from cct_cloudflare.history.reading import Query, count_runs, find_run, list_runs, start_of_days
from cct_cloudflare.history.recorder import recording
from cct_cloudflare.history.writing import FILES_BYTES, OUTPUT_BYTES
from cct_cloudflare.sandbox.program import Program, ProgramFile
from tests.history.runs import asked, broken_off, events, keep, result


def titles(**query: object) -> list[str]:
    with database.opened() as connection:
        assert connection is not None
        found = list_runs(connection, Query(**query))  # type: ignore[arg-type]
        assert query.get("limit") or count_runs(connection, Query(**query)) == len(found)  # type: ignore[arg-type]
        return [run.title for run in found]


def fail(prompt: str) -> None:
    error = WorkerError("x", code="model_overloaded")
    with pytest.raises(WorkerError), recording(asked(prompt), warn=pytest.fail) as record:
        list(record.watch(broken_off(events(), error)))


def test_the_newest_run_is_first() -> None:
    for name in ("one", "two", "three"):
        keep(asked(name))
    assert titles() == ["three", "two", "one"]
    assert titles(limit=2) == ["three", "two"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("TABLE", ["Draw a Table"]),
        ("größe", ["Die GRÖSSE\nder Welt"]),
        ("grösse der", ["Die GRÖSSE\nder Welt"]),
        ("main.py", ["Die GRÖSSE\nder Welt", "Draw a Table"]),
        ("sonnet", ["Die GRÖSSE\nder Welt", "Draw a Table"]),
        ("%", []),
        ("_", []),
        ("'; DROP TABLE runs; --", []),
    ],
)
def test_a_search_looks_at_prompts_files_and_models_and_knows_no_patterns(text: str, found: list[str]) -> None:
    keep(asked("Draw a Table"))
    keep(asked("Die GRÖSSE\nder Welt"))
    assert titles(text=text) == [" ".join(title.split()) for title in found]


def test_only_runs_that_did_not_succeed() -> None:
    keep(asked("good"))
    keep(asked("bad"), events(result(success=False, error_code="program_failed")))
    fail("worse")
    assert titles(failed=True) == ["worse", "bad"]
    assert titles(failed=True, text="model_overloaded") == ["worse"]


def test_the_last_days_begin_at_midnight_where_the_user_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with_zone(monkeypatch, "America/New_York")
    # The day on which clocks go back has 25 hours.
    now = datetime(2026, 11, 2, 3, 0, tzinfo=UTC).astimezone()
    assert start_of_days(1, now) == milliseconds("2026-11-01T04:00:00+00:00")
    assert start_of_days(2, now) == milliseconds("2026-10-31T04:00:00+00:00")
    now = datetime(2026, 11, 2, 23, 0, tzinfo=UTC).astimezone()
    assert start_of_days(1, now) == milliseconds("2026-11-02T05:00:00+00:00")


def with_zone(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()


@pytest.fixture(autouse=True)
def own_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield
    monkeypatch.undo()
    time.tzset()


def milliseconds(iso: str) -> int:
    return int(datetime.fromisoformat(iso).timestamp() * 1000)


# One run


def found(reference: str) -> str:
    with database.opened() as connection:
        return find_run(connection, reference).summary.id


def rename(**names: str) -> None:
    with database.opened(write=True) as connection:
        assert connection is not None
        for title, identity in names.items():
            connection.execute("UPDATE runs SET id = ? WHERE title = ?", (identity, title))


@pytest.fixture
def named() -> None:
    keep(asked("a"))
    keep(asked("b"))
    rename(a="0tw4yrx01", b="0tw4yrxzz")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("0tw4yrx01", "0tw4yrx01"),
        ("0tw4yrx0", "0tw4yrx01"),
        (" 0TW4YRXZ ", "0tw4yrxzz"),
        ("Otw4yrxOl", "0tw4yrx01"),
        ("last", "0tw4yrxzz"),
    ],
)
def test_an_id_its_beginning_or_last_names_a_run(named: None, typed: str, meant: str) -> None:
    assert found(typed) == meant


@pytest.mark.parametrize("typed", ["1", "", "zzz", "%", "0tw4yrx011", "ü", "0tw4-"])
def test_what_names_no_run_is_a_usage_error(named: None, typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        found(typed)
    assert (caught.value.code, caught.value.exit_code) == ("run_not_found", 2)


def test_a_beginning_of_several_lists_them(named: None) -> None:
    with pytest.raises(UsageError) as caught:
        found("0tw4")
    assert caught.value.code == "run_ambiguous"
    assert "0tw4yrxzz, 0tw4yrx01" in caught.value.message


def test_without_a_history_there_is_no_run() -> None:
    with pytest.raises(UsageError, match="no run 'last'"):
        found("last")
    assert not database.path().exists(), "reading makes no file"


def test_a_run_is_json() -> None:
    keep()
    with database.opened() as connection:
        body = json.loads(json.dumps(find_run(connection, "last").to_json()))
    assert body["files"] == [{"path": "main.py", "bytes": 12, "content": "print('hi')\n"}]
    assert body["usage"] == {"inputTokens": 1000, "outputTokens": 200}
    assert body["cost"] == {"claudeUsd": 0.004, "cloudflareUsdAtMost": None}
    assert body["started"].endswith("Z")


# What is bounded


def test_long_output_is_cut_and_says_so() -> None:
    keep(told=events(result(output="é" * OUTPUT_BYTES)))
    with database.opened() as connection:
        kept = find_run(connection, "last").output
    assert kept.cut
    assert kept.text == "é" * (OUTPUT_BYTES // 2)


def test_large_files_are_kept_by_name_alone() -> None:
    files = (ProgramFile("main.py", "1"), ProgramFile("large", "x" * FILES_BYTES), ProgramFile("small", "2"))
    keep(asked(kind="run", prompt=None, request=None, program=Program("python", "main.py", files)))
    with database.opened() as connection:
        kept = find_run(connection, "last").program
    assert [(file.path, file.bytes, file.content) for file in kept] == [
        ("main.py", 1, "1"),
        ("large", FILES_BYTES, None),
        ("small", 1, "2"),
    ]


@given(st.text(st.characters(), max_size=200))
def test_any_text_is_kept_exactly_and_once(text: str) -> None:
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute(next(s for s in database.MIGRATIONS[0] if "CREATE TABLE texts" in s))
    number = texts.store(connection, text)
    assert texts.store(connection, text) == number
    [(body,)] = connection.execute("SELECT body FROM texts").fetchall()
    assert texts.load(body) == text
    connection.close()


def test_a_lone_surrogate_in_names_and_output_is_no_obstacle() -> None:
    ending = result(output="\ud800", model="m\ud800", files=(ProgramFile("\udfff", "\ud800"),))
    keep(asked("p\ud800"), [ending])
    with database.opened() as connection:
        kept = find_run(connection, "last")
    assert kept.output.text == "\ud800"
    json.dumps(kept.to_json()).encode()


@given(st.text(), st.integers(0, 50))
def test_the_beginning_of_a_text_is_its_beginning(text: str, limit: int) -> None:
    kept, cut = texts.beginning(text, limit)
    assert text.startswith(kept)
    assert len(kept.encode()) <= limit
    assert cut == (kept != text)


# Names


@given(st.integers(1_770_000_000_000, 2_700_000_000_000), st.integers(1_770_000_000_000, 2_700_000_000_000))
def test_ids_are_in_the_order_of_time(one: int, other: int) -> None:
    first, second = new_id(min(one, other)), new_id(max(one, other))
    assert first[:6] <= second[:6]
    assert len(first) == len(second) == 9
    assert is_prefix(first)
    assert normalized(first.upper()) == first


# Removing


def test_what_is_removed_is_gone_from_the_file() -> None:
    marker = "a-prompt-that-nobody-else-has"
    keep(asked("stays"))
    keep(asked(marker), events(result(output=marker)))
    with database.opened(write=True) as connection:
        assert connection is not None
        connection.execute("UPDATE runs SET started_ms = 1000 WHERE title = ?", (marker,))
        assert count_older(connection, 2000) == 1
        assert remove_older(connection, 2000) == 1
        assert connection.execute("SELECT count(*) FROM texts").fetchone()[0] == 3, "prompt, program and output"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert titles() == ["stays"]
    assert all(marker.encode() not in path.read_bytes() for path in database.path().parent.iterdir())


def test_everything_can_be_removed() -> None:
    keep()
    with database.opened(write=True) as connection:
        assert connection is not None
        assert remove_older(connection, None) == 1
        tables = ("runs", "details", "words", "parts", "texts")
        counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables]
    assert counts == [0] * len(tables)
    assert keep() is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_history_in_a_folder_that_cannot_be_written_is_still_read() -> None:
    keep(asked("readable"))
    folder = database.path().parent
    folder.chmod(0o500)
    try:
        assert titles() == ["readable"]
    finally:
        folder.chmod(0o700)


def test_a_history_that_never_changes_is_still_read(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(asked("readable"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert titles() == ["readable"]
    assert [path.name for path in database.path().parent.iterdir()] == [Path("history.db").name]
