from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare import __version__
from cct_cloudflare.displays import STYLES
from cct_cloudflare.errors import WorkerError
from cct_cloudflare.monitor.describe import check_line, describe, watch_lines, worker_fact
from cct_cloudflare.monitor.health import Check, check, greet, watch
from cct_cloudflare.monitor.lines import Line, text_of
from cct_cloudflare.monitor.observe import Observation, Observer, keep_files, observe
from cct_cloudflare.monitor.phases import axis_for, phases_of, phases_so_far
from cct_cloudflare.monitor.report import totals_of
from cct_cloudflare.monitor.system import this_system
from cct_cloudflare.sandbox.client import Health
from cct_cloudflare.sandbox.events import Metrics, Usage
from cct_cloudflare.sandbox.program import RefusedFile
from tests.monitor.runs import (
    EVENTS,
    HEALTH,
    RUN,
    TIMELINE,
    TIMES,
    URL,
    WORKER,
    Clock,
    report,
    run,
    timed,
)
from tests.results import METRICS, RESULT


def shown(lines: list[Line]) -> str:
    return "".join(f"{text_of(line)}\n" for line in lines)


# JSON


def test_a_report_is_one_object_without_the_runs_texts() -> None:
    body = json.loads(json.dumps(report().to_json()))
    assert body.keys() == {"worker", "system", "demo", "notApplied", "runs", "summary", "error"}
    assert body["worker"] == {"url": URL, "latencyMs": 23.0, **HEALTH.to_json()}
    (told,) = body["runs"]
    assert told["metrics"] == METRICS.to_json()
    assert told["timeline"]["firstText"] == 500
    assert told["usage"] == {"inputTokens": 1200, "outputTokens": 300, "costUsd": 0.0081}
    assert not {"output", "code", "question", "error", "savedFiles"} & told.keys()


def test_what_was_saved_is_in_it_when_it_was_asked_for(tmp_path: Path) -> None:
    (told,) = report(keep_files(RUN, tmp_path)).to_json()["runs"]
    assert told["savedFiles"] == [{"path": "main.py", "bytes": 10, "status": "new"}]
    assert told["outputDirectory"] == str(tmp_path)


def test_totals_sum_up_what_is_known() -> None:
    runs = [run(total).result for total in (300, 100, 200)]
    runs[1] = replace(runs[1], success=False, usage=Usage(1, 1, None), metrics=Metrics(total_ms=100))
    totals = totals_of(runs)
    assert (totals.runs, totals.succeeded, totals.input_tokens, totals.output_tokens) == (3, 2, 2401, 601)
    assert totals.cost_usd is None, "the price of one is not known"
    total, memory = totals.metrics["totalMs"], totals.metrics["peakMemoryBytes"]
    assert total is not None
    assert memory is not None
    assert (total.to_json(), memory.count) == ({"count": 3, "min": 100, "median": 200, "p95": 300, "max": 300}, 2)


def test_a_figure_that_nobody_measured_has_no_summary() -> None:
    totals = totals_of([replace(RESULT, metrics=Metrics())])
    assert set(totals.metrics.values()) == {None}
    assert totals.cost_usd == 0.0081


def test_the_system_is_named_as_node_names_it() -> None:
    local, other = this_system(is_local=True), this_system(is_local=False)
    assert (local.tool, other.workerd) == (f"cct {__version__}", None)
    assert re.fullmatch(r"1\.\d{8}\.\d+", local.workerd or "")
    assert local.cpus >= 1
    assert local.memory_bytes > 2**20


# Phases


def test_phases_lie_where_they_were_seen_and_last_as_they_were_measured() -> None:
    queue, generation, sandbox, program = phases_of(RUN)
    assert (queue.start, queue.end, queue.took) == (0, 7, 7)
    assert (generation.start, generation.end, generation.lead) == (20, 2020, 500)
    assert generation.note == "first token 500 ms, 200 tokens/s"
    assert (sandbox.start, sandbox.end, sandbox.took) == (220, 400, 180)
    assert (program.start, program.took) == (2010, 40)


def test_a_sandbox_that_was_waiting_took_no_time_of_this_run() -> None:
    spare = Observation(TIMELINE, replace(RESULT, metrics=replace(METRICS, spare=True)))
    sandbox = phases_of(spare)[2]
    assert (sandbox.start, sandbox.end, sandbox.took, sandbox.note) == (400, 400, 180, "was waiting")


def test_a_page_has_no_sandbox_and_no_run() -> None:
    assert [phase.label for phase in phases_of(run(language="web"))] == ["Queue", "Generation"]


def test_phases_of_a_run_that_goes_on() -> None:
    clock = Clock()
    observer = Observer(clock)

    def phases() -> dict[str, tuple[float, bool]]:
        return {phase.label: (phase.took, phase.is_running) for phase in phases_so_far(observer)}

    clock.ms = 10
    assert phases() == {"Queue": (10, True)}
    seen = []
    for event in timed(clock, EVENTS[:-1], TIMES[:-1]):
        observer.take(event)
        seen.append(phases())
    assert seen[0] == {"Queue": (20, False), "Generation": (0, True)}
    assert seen[1] == {"Queue": (20, False), "Generation": (480, True), "Sandbox": (0, True)}
    # In the fixture's time the sandbox was ready before the text.
    assert seen[3]["Sandbox"] == (180, False)
    clock.ms = 2060
    assert phases() == {
        "Queue": (20, False),
        "Generation": (1880, False),
        "Sandbox": (180, False),
        "Run": (50, True),
    }
    notes = {phase.label: phase.note for phase in phases_so_far(observer)}
    assert notes["Generation"] == "~3 tokens, ~2 tokens/s"
    assert notes["Run"] == "3 B printed"


@given(st.floats(0, 1e8))
def test_the_axis_is_long_enough(elapsed: float) -> None:
    assert axis_for(elapsed) >= elapsed


# Lines


def test_one_run_in_lines() -> None:
    text = shown(describe(report(), 100))
    for told in (
        f"Worker      {URL}  ok, version 0.1.0, answered in 23 ms",
        "System      cct 0.1.0, Python 3.12.1, linux 6.1 x64, 2 CPUs, 8.0 GB",
        "✓ The program succeeded.  2.10 s",
        "1,200 in, 300 out",
        "$0.0081, and at most $",
        "at Cloudflare beyond your plan",
        "3 B on stdout, 0 B on stderr, 1 file with 10 B",
        "52.0 MB at its peak",
        "python in isolate: a fresh isolate",
    ):
        assert told in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_scripted_model_costs_nothing_and_is_named_as_such() -> None:
    here = replace(WORKER, url=None)
    for runs in ((RUN,), (RUN, RUN)):
        text = shown(describe(replace(report(*runs, demo=True), worker=here), 100))
        assert "no cost" in text
        assert "$" not in text
    assert "SCRIPTED MODEL" in shown(describe(report(demo=True), 100))


def test_costs_of_several_runs_are_added_unless_one_is_not_known() -> None:
    here = replace(WORKER, url=None)
    unknown = run(usage=Usage(1, 1, None))
    assert "Cost        $0.0162\n" in shown(describe(replace(report(RUN, RUN), worker=here), 100))
    assert "Cost        price not known\n" in shown(describe(replace(report(RUN, unknown), worker=here), 100))


def test_a_failure_and_what_was_refused_are_said() -> None:
    bad = run(
        success=False, error_code="program_failed", program_exit_code=3, refused_files=(RefusedFile("../x", "leaves"),)
    )
    text = shown(describe(report(bad), 100))
    assert "✗ The program failed with status 3; 1 file was refused as unsafe." in text
    assert "Refused     ../x: it leaves" in text


def test_several_runs_are_a_table_with_bars() -> None:
    text = shown(describe(report(*(run(total) for total in (300, 100, 200, 900)), run(success=False)), 100))
    assert "4 of 5 runs succeeded" in text
    rows = {line.split()[0]: line for line in reversed(text.splitlines()) if line.strip()}
    assert rows["Total"].split()[1:9] == ["100", "ms", "300", "ms", "2.10", "s", "2.10", "s"]
    assert "█" in rows["Total"]
    assert rows["Tokens/s"].split()[1:] == ["200"] * 4
    bars = [line for line in text.splitlines() if re.match(r"\s+\d+  [█-▏]", line)]
    assert [" ".join(line.split()[-2:]) for line in bars] == ["300 ms", "100 ms", "200 ms", "900 ms", "2.10 s"]
    lengths = [line.count("█") for line in bars]
    assert lengths[4] > lengths[3] > lengths[0] > lengths[2] > lengths[1]
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize("totals", [[100.0 + n for n in range(100)], [5.0] * 30])
def test_many_runs_are_counted_in_ranges(totals: list[float]) -> None:
    text = shown(describe(report(*map(run, totals)), 100))
    counts = [int(line.split()[-1]) for line in text.splitlines() if line.startswith("  from ")]
    assert len(counts) == 10
    assert sum(counts) == len(totals)


def test_the_figures_of_several_runs_fit_a_narrow_terminal() -> None:
    lines = [text_of(line) for line in describe(report(RUN, RUN), 40)]
    table = lines[next(at for at, line in enumerate(lines) if "median" in line) : lines.index("  Total of each run")]
    assert table[0].split() == ["median", "max"]
    assert len(table) > 3
    assert all(len(line) <= 40 for line in table)


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_any_width_is_served(width: int) -> None:
    assert describe(report(), width)
    assert describe(report(RUN, RUN), width)


# Health


def asking(*answers: Health | WorkerError) -> list[Check]:
    left = list(answers)

    def ask() -> Health:
        following = left.pop(0)
        if isinstance(following, WorkerError):
            raise following
        return following

    return list(watch(ask, URL, interval=0, count=len(answers)))


DOWN = WorkerError("It could not be reached.", hint="Look.", retryable=True)


def test_a_check_has_the_latency_and_a_worker_that_is_down_is_an_answer() -> None:
    clock = Clock()

    def ask() -> Health:
        clock.ms += 12.34
        return HEALTH

    assert greet(ask, URL, clock).latency_ms == 12.3
    up = check(ask, URL, clock)
    assert (up.latency_ms, up.error) == (12.3, None)
    assert up.to_json()["worker"] == {"url": URL, "latencyMs": 12.3, **HEALTH.to_json()}
    (down,) = asking(DOWN)
    assert down.to_json() == {
        "at": down.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "url": URL,
        "up": False,
        "worker": None,
        "error": DOWN.to_json(),
    }


def test_a_watch_goes_on_when_the_worker_is_down() -> None:
    assert [check.worker is not None for check in asking(HEALTH, DOWN, HEALTH)] == [True, False, True]


def test_a_watch_in_lines() -> None:
    text = shown(watch_lines(asking(HEALTH, DOWN, HEALTH, DOWN, DOWN)))
    assert "2 of 5 checks" in text
    assert "It could not be reached." in text
    assert "Down since" in text
    assert re.search(r"Latency +[▁-█]×[▁-█]××\n", text)
    assert "Down since" not in shown(watch_lines(asking(DOWN, HEALTH)))
    assert watch_lines([]) == []
    named = replace(HEALTH, deployment="d-7")
    assert "deployment d-7" in text_of(worker_fact(replace(WORKER, health=named)))


# Nothing acts on a terminal

_EVIL = st.text(st.characters() | st.sampled_from("\x1b\r\n\x9b\x07]["), max_size=12)
_ACTIVE = re.compile("[\x00-\x1f\x7f-\x9f\u202e\u2028]")


@given(_EVIL)
def test_no_worker_can_steer_the_terminal(text: str) -> None:
    health = replace(HEALTH, status=text, version=text, deployment=text)
    result = replace(
        RESULT, success=False, language=text, sandbox=text, isolation=text, model=text, error=text, error_code=text
    )
    result = replace(result, refused_files=(RefusedFile(text, text),))
    told = replace(report(Observation(TIMELINE, result)), worker=replace(WORKER, health=health))
    checks = [Check(datetime.now(UTC), URL, told.worker), Check(datetime.now(UTC), URL, error=WorkerError(text))]
    lines = [*describe(told, 100), *map(check_line, checks), *watch_lines(checks)]
    assert not any(_ACTIVE.search(part) for line in lines for part, _ in line)
    assert {style for line in lines for _, style in line} <= STYLES.keys()


def test_a_whole_run_can_be_described() -> None:
    clock = Clock()
    seen = observe(timed(clock), Observer(clock), lambda *_: None)
    assert shown(describe(report(seen), 100)) == shown(describe(report(), 100))
