from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from cct_cloudflare.history import database
from cct_cloudflare.history.recorder import recording
from cct_cloudflare.history.statistics import NOTHING, Statistics, collect
from cct_cloudflare.history.summing import statistics_lines
from cct_cloudflare.sandbox.events import Metrics, Usage
from cct_cloudflare.sandbox.program import Program, ProgramFile
from cct_cloudflare.tables import cell_width
from tests.history.runs import STARTED, asked, broken_off, events, keep, result


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def collected(since: str | None = None) -> Statistics:
    with database.opened() as connection:
        assert connection is not None
        return collect(connection, None if since is None else at(since))


def at(iso: str) -> int:
    return int(datetime.fromisoformat(iso).timestamp() * 1000)


def moved(identity: str | None, iso: str) -> None:
    with database.opened(write=True) as connection:
        assert connection is not None
        connection.execute("UPDATE runs SET started_ms = ? WHERE id = ?", (at(iso), identity))


def some_runs() -> None:
    """Five real runs over two days of Berlin, and two of the scripted model."""
    opus = {"model": "claude-opus-5-5", "usage": Usage(3000, 400, 0.02)}
    moved(keep(told=events(result(metrics=Metrics(900.0, 100.0, 50.0, 1000.0)))), "2026-11-20T22:30:00+00:00")
    slow = result(metrics=Metrics(2900.0, 300.0, 70.0, 3000.0), **opus)
    moved(keep(told=events(slow)), "2026-11-20T23:30:00+00:00")
    bad = result(success=False, error_code="program_failed", metrics=Metrics(1900.0, 200.0, 60.0, 2000.0))
    moved(keep(told=events(bad)), "2026-11-21T10:00:00+00:00")
    program = Program("python", "main.py", (ProgramFile("main.py", "1"),))
    own = result(question=None, model=None, usage=None, metrics=Metrics(0.0, 40.0, 10.0, 60.0))
    what = asked(kind="run", prompt=None, request=None, program=program)
    moved(keep(what, [STARTED, own]), "2026-11-21T11:00:00+00:00")
    with pytest.raises(KeyboardInterrupt), recording(asked(), warn=pytest.fail) as record:
        list(record.watch(broken_off(events(), KeyboardInterrupt())))
    moved(record.id, "2026-11-21T12:00:00+00:00")
    for _ in range(2):
        moved(keep(asked(demo=True)), "2026-11-21T13:00:00+00:00")


def test_sums_are_those_of_the_real_runs() -> None:
    some_runs()
    totals = collected().totals
    assert (totals.runs, totals.succeeded, totals.failed, totals.errors, totals.interrupted) == (5, 3, 1, 0, 1)
    assert totals.success_rate == 0.75, "an interrupted run says nothing about success"
    assert (totals.input_tokens, totals.output_tokens) == (5000, 800)
    assert totals.cost_usd == pytest.approx(0.028)
    assert totals.unpriced == 1, "the interrupted one may have cost something"
    assert collected().demo_runs == 2


def test_times_are_of_each_phase_where_there_was_one() -> None:
    some_runs()
    latency = collected().latency
    prompt, own, generation = latency["prompt"], latency["program"], latency["generation"]
    assert (prompt.count, prompt.min, prompt.median, prompt.p95, prompt.max) == (3, 1000, 2000, 3000, 3000)
    assert (own.count, own.median) == (1, 60)
    assert (generation.count, generation.min) == (3, 900), "a run of one's own program has no generation"
    assert (latency["boot"].count, latency["execution"].max) == (4, 70)


def test_days_are_the_users_own() -> None:
    some_runs()
    days = collected().days
    assert [(day, totals.runs) for day, totals in days] == [("2026-11-20", 1), ("2026-11-21", 4)]
    assert [(day, totals.runs) for day, totals in collected("2026-11-21T00:00:00+01:00").days] == [("2026-11-21", 4)]


def test_models_are_counted_where_one_was_asked() -> None:
    some_runs()
    models = {model: (totals.runs, totals.success_rate) for model, totals in collected().models}
    assert models == {"claude-sonnet-5-5": (3, 0.5), "claude-opus-5-5": (1, 1.0)}


def test_it_is_json() -> None:
    some_runs()
    body = collected().to_json()
    assert body["successRate"] == 0.75
    assert body["latencyMs"]["prompt"]["median"] == 2000
    assert body["days"][0]["day"] == "2026-11-20"
    assert body["models"][0]["cost"] == {"claudeUsd": 0.008, "cloudflareUsdAtMost": 0.0}


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_person_reads_it_in_any_terminal(width: int) -> None:
    some_runs()
    lines = list(statistics_lines(collected(), None, width))
    text = "\n".join(lines)
    assert lines[0] == "5 runs in all: 3 succeeded, 1 failed, 1 interrupted."
    assert "2 scripted runs" in lines[1]
    for said in ("75.0 %", "5,000 in, 800 out", "$0.0280 for Claude", "without 1 run", "claude-opus-5-5", "█"):
        assert said in text
    assert all(cell_width(line) <= max(width, 72) for line in lines)


def test_its_tables_fit_a_narrow_terminal() -> None:
    some_runs()
    lines = list(statistics_lines(collected(), None, 40))
    tables = lines[next(at for at, line in enumerate(lines) if line.startswith("  TIME")) :]
    assert all(cell_width(line) <= 40 for line in tables)
    assert {"MEDIAN", "RUNS", "COST"} <= set(" ".join(tables).split())


def test_nothing_is_said_of_nothing() -> None:
    assert list(statistics_lines(NOTHING, None, 80)) == ["No runs in all."]
    assert list(statistics_lines(NOTHING, 1, 80)) == ["No runs today."]
    assert NOTHING.to_json()["successRate"] is None
