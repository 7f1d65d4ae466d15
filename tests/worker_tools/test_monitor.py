"""monitor.ts as a command: one execution, observed."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.sandbox.loopback import Request
from tests.worker_tools.worker import (
    ANSWER,
    HEALTH,
    Project,
    Ran,
    answered,
    events,
    refusal,
    sent,
    stream,
    tree,
    worker,
)


def monitor(project: Project, reply: bytes, *arguments: str) -> Ran:
    with worker(reply) as server:
        return project.run("monitor.ts", "PROMPT", "--url", server.url, *arguments)


def test_one_run_as_text(project: Project) -> None:
    with worker(stream(events(stderr="é\n"))) as server:
        ran = project.run("monitor.ts", "PROMPT", "--url", server.url)
    assert ran.code == 0
    assert sent(server) == {"question": "PROMPT"}
    for told in (
        f"{server.url} (ok, version 0.1.0)",
        "3 ms",
        "2.00 s (first token after 500 ms, 200 tokens/s)",
        "180 ms (was waiting)",
        "1,200 in, 300 out",
        "$0.0081",
        "3 B on stdout, 3 B on stderr, 1 file with 10 B",
        "52.0 MB at its peak",
        "python in isolate: a fresh isolate",
        "Node ",
    ):
        assert told in ran.stdout
    moments = [line.split(maxsplit=2)[2] for line in ran.stderr.splitlines()]
    assert moments == [
        "the Worker has the request",
        "Claude writes",
        "the sandbox is ready",
        "the program is complete and starts",
        "the program prints",
        "the result is here",
    ]
    assert tree(project.root) == {}


def test_one_run_as_json(project: Project) -> None:
    ran = monitor(project, stream(events(stderr="é\n")), "--json")
    assert (ran.code, ran.stderr, ran.stdout.count("\n")) == (0, "", 1)
    report = ran.json
    assert report.keys() == {"worker", "system", "demo", "runs", "summary", "error"}
    assert {name: report["worker"][name] for name in HEALTH} == HEALTH
    assert report["worker"]["latencyMs"] > 0
    assert report["system"]["cpus"] >= 1
    assert (report["demo"], report["error"]) == (False, None)
    [run] = report["runs"]
    timeline = [run["timeline"][name] for name in run["timeline"]]
    assert timeline == sorted(timeline)
    assert run["metrics"] == ANSWER["metrics"]
    assert run["usage"] == ANSWER["usage"]
    assert (run["success"], run["files"]) == (True, 1)
    assert not {"output", "code", "question", "error"} & run.keys(), "texts are measured, not told"
    summary = report["summary"]
    assert (summary["runs"], summary["succeeded"], summary["usage"]) == (1, 1, ANSWER["usage"])
    assert {name: of["median"] for name, of in summary["metrics"].items()} == {
        name: ANSWER["metrics"][name] for name in summary["metrics"]
    }


def test_the_sandbox_that_counts_is_the_last_one(project: Project) -> None:
    """One that was started before the language was known may be exchanged."""
    told = events()
    told.insert(1, ("boot", {"ms": 1, "spare": False}))
    ran = monitor(project, stream(told))
    assert ran.stderr.count("the sandbox is ready") == 2
    [run] = monitor(project, stream(told), "--json").json["runs"]
    assert run["timeline"]["sandboxReady"] >= run["timeline"]["firstText"]


def test_a_worker_that_was_deployed_before_a_figure_was_added_still_serves(project: Project) -> None:
    old = {name: ANSWER["metrics"][name] for name in ("generationMs", "bootMs", "executionMs", "totalMs")}
    reply = stream(events(answered(metrics={**old, "peakMemoryBytes": None})))
    report = monitor(project, reply, "--json").json
    assert report["runs"][0]["metrics"]["tokensPerSecond"] is None
    assert report["summary"]["metrics"]["firstTokenMs"] is None
    ran = monitor(project, reply)
    assert (ran.code, "tokens/s" in ran.stdout, "first token" in ran.stdout) == (0, False, False)


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (answered(success=False, errorCode="program_failed", exitCode=1, error="boom"), 1),
        (answered(success=False, errorCode="sandbox_timeout", exitCode=None, error="Stopped."), 6),
        (answered(refusedFiles=[{"path": "../x", "reason": "leaves its folder"}]), 7),
        (answered(usage={"inputTokens": 1, "outputTokens": 1, "costUsd": None}), 0),
        (answered(language="web", metrics={**ANSWER["metrics"], "peakMemoryBytes": None}), 0),
    ],
)
def test_how_the_run_ended_is_the_exit_code(project: Project, result: dict[str, Any], code: int) -> None:
    assert monitor(project, stream(events(result))).code == code


def test_an_error_is_the_workers(project: Project) -> None:
    ran = monitor(project, refusal(503, "model_overloaded", retryable=True), "--json")
    assert (ran.code, ran.json["errorCode"]) == (5, "model_overloaded")


def series(project: Project, totals: list[int | bytes], *arguments: str) -> tuple[Ran, int]:
    """Each request gets the next total time as its run, or the next bytes."""
    left = list(totals)

    def handler(connection: socket.socket, _: Request) -> None:
        following = left.pop(0)
        if isinstance(following, int):
            metrics = {**ANSWER["metrics"], "totalMs": following}
            following = stream(events(answered(metrics=metrics, success=following != 13, errorCode=None)))
        connection.sendall(following)

    with worker(handler) as server:
        ran = project.run("monitor.ts", "Q", "--url", server.url, "--runs", str(len(totals)), *arguments)
    return ran, len(left)


def test_several_runs_are_summarised(project: Project) -> None:
    ran, left = series(project, [300, 100, 200, 900], "--json")
    assert (ran.code, left) == (0, 0)
    summary = ran.json["summary"]
    assert summary["metrics"]["totalMs"] == {"count": 4, "min": 100, "median": 250, "p95": 900, "max": 900}
    assert summary["usage"] == {"inputTokens": 4800, "outputTokens": 1200, "costUsd": 0.0324}
    assert len(ran.json["runs"]) == 4
    ran, _ = series(project, [300, 100, 200, 900])
    [total] = [line.split() for line in ran.stdout.splitlines() if line.split()[:1] == ["Total"]]
    assert total == ["Total", "100", "ms", "250", "ms", "900", "ms", "900", "ms"]
    assert "4 of 4" in ran.stdout
    assert "$0.0324" in ran.stdout


def test_the_worst_run_is_the_exit_code(project: Project) -> None:
    assert series(project, [100, 13, 200])[0].code == 1


def test_an_error_ends_the_series_and_keeps_what_was_measured(project: Project) -> None:
    totals: list[int | bytes] = [100, 200, refusal(429, "model_rate_limited"), 300]
    ran, left = series(project, totals, "--json")
    assert (ran.code, left) == (5, 1)
    assert ran.json["error"]["errorCode"] == "model_rate_limited"
    assert len(ran.json["runs"]) == 2
    ran, left = series(project, totals)
    assert (ran.code, left) == (5, 1)
    assert "2 runs" in ran.stdout
    assert "Error: No." in ran.stderr


@pytest.mark.parametrize("runs", ["0", "101", "1.5", "x", "-1", "", "1e1"])
def test_a_number_of_runs_that_is_none_sends_nothing(project: Project, runs: str) -> None:
    with worker(stream(events())) as server:
        ran = project.run("monitor.ts", "Q", "--url", server.url, f"--runs={runs}", "--json")
    assert (ran.code, ran.json["errorCode"]) == (2, "usage")
    assert server.requests == []


def test_nothing_that_arrives_steers_the_terminal(project: Project) -> None:
    evil = "\x1b]0;title\x07\x9b2J\u202e"
    ran = monitor(project, stream(events(answered(isolation=evil, language=f"py{evil}"), stdout=evil)))
    assert ran.code == 0
    assert not set("\x1b\x07\x9b\u202e") & set(ran.stdout + ran.stderr)
