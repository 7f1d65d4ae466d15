from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.errors import Exit, WorkerError
from cct_cloudflare.sandbox.events import (
    AnnouncedFile,
    Attempt,
    Booted,
    Event,
    FileWritten,
    Generation,
    Output,
    ProgramReady,
    RunResult,
    Started,
    Usage,
    parse_event,
)
from cct_cloudflare.sandbox.program import ProgramFile, RefusedFile
from tests import results

ANSWER: dict[str, Any] = {
    "success": True,
    "question": "What is 6 × 7?",
    "code": "print(42)",
    "output": "42\n",
    "error": "",
    "errorCode": None,
    "exitCode": 0,
    "language": "python",
    "files": [
        {"path": "main.py", "content": "print(42)"},
        {"path": "x.bin", "content": "/w==", "encoding": "base64"},
    ],
    "refusedFiles": [{"path": ".env", "reason": "is hidden"}],
    "sandboxId": "abc",
    "sandbox": "process",
    "isolation": "a workerd process of its own",
    "model": "claude-sonnet-5-5",
    "attempts": 1,
    "executionTime": 12.5,
    "usage": {"inputTokens": 10, "outputTokens": 20, "costUsd": 0.01},
    "metrics": {
        "queueMs": 7,
        "firstTokenMs": 0.25,
        "generationMs": 2000,
        "tokensPerSecond": 81.5,
        "bootMs": 2.5,
        "spare": True,
        "executionMs": 40,
        "totalMs": 2100,
        "peakMemoryBytes": 52_000_000,
        "stdoutBytes": 3,
        "stderrBytes": 0,
        "fileBytes": 10,
    },
    "truncated": False,
    "outputLossy": True,
    "outputMayBeIncomplete": False,
}

RESULT = results.result(
    output="42\n",
    sandbox_id="abc",
    question="What is 6 × 7?",
    code="print(42)",
    error="",
    program_exit_code=0,
    files=(ProgramFile("main.py", "print(42)"), ProgramFile("x.bin", "/w==", "base64")),
    refused_files=(RefusedFile(".env", "is hidden"),),
    sandbox="process",
    isolation="a workerd process of its own",
    attempts=1,
    execution_time=12.5,
    usage=Usage(10, 20, 0.01),
    metrics=replace(results.METRICS, boot_ms=2.5, first_token_ms=0.25, tokens_per_second=81.5, spare=True),
    output_lossy=True,
)


def parse(name: str, body: Any) -> Event | None:
    return parse_event(name, json.dumps(body))


def run_result(**fields: Any) -> RunResult:
    event = parse("result", {"success": True, "output": "", "sandboxId": "a", **fields})
    assert isinstance(event, RunResult)
    return event


@pytest.mark.parametrize(
    ("name", "body", "event"),
    [
        (
            "started",
            {
                "sandboxId": "a",
                "sandbox": "process",
                "isolation": "own process",
                "model": "m",
                "language": None,
                "timeoutMs": 30000,
            },
            Started("a", "process", "own process", "m", None, 30000),
        ),
        ("generation", {"path": "main.py", "delta": "pri"}, Generation("main.py", "pri")),
        ("boot", {"ms": 12.5, "spare": True}, Booted(12.5, True)),
        ("boot", {"ms": 12.5, "spare": True, "queueMs": 800}, Booted(12.5, True, 800)),
        (
            "program",
            {
                "language": "python",
                "entrypoint": "main.py",
                "files": [{"path": "main.py", "bytes": 9}],
                "refusedFiles": [{"path": "../x", "reason": "leaves its folder"}],
            },
            ProgramReady(
                "python", "main.py", (AnnouncedFile("main.py", 9),), (RefusedFile("../x", "leaves its folder"),)
            ),
        ),
        ("attempt", {"number": 1, "of": 1}, Attempt(1, 1)),
        ("stdout", {"text": "\x1b[2J"}, Output("stdout", "\x1b[2J")),
        ("stderr", {"text": "oh"}, Output("stderr", "oh")),
        ("file", {"path": "out.csv", "bytes": 12}, FileWritten("out.csv", 12)),
        ("result", ANSWER, RESULT),
    ],
)
def test_each_event(name: str, body: dict[str, Any], event: Event) -> None:
    assert parse(name, body) == event
    assert parse(name, {**body, "invented": {"later": [1]}}) == event


@pytest.mark.parametrize("name", ["message", "invented", "RESULT"])
def test_unknown_events_are_skipped_whatever_they_hold(name: str) -> None:
    assert parse_event(name, "not even JSON") is None


def test_the_answer_survives_a_round_trip() -> None:
    assert RESULT.to_json() == ANSWER


def test_an_answer_of_run_has_no_model_and_no_usage() -> None:
    result = run_result(question=None, model=None, usage=None, exitCode=None, metrics={"generationMs": None})
    assert result == RunResult(success=True, output="", sandbox_id="a")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("result", {"success": "yes"}),
        ("result", {"success": 1}),
        ("result", {"output": None}),
        ("result", {"output": 5}),
        ("result", {"sandboxId": ["a"]}),
        ("result", {"exitCode": True}),
        ("result", {"exitCode": "0"}),
        ("result", {"exitCode": 1.5}),
        ("result", {"files": {}}),
        ("result", {"files": [1]}),
        ("result", {"files": [{"path": "a"}]}),
        ("result", {"files": [{"path": "a", "content": "", "encoding": "gzip"}]}),
        ("result", {"refusedFiles": [{"path": "a"}]}),
        ("result", {"truncated": None}),
        ("result", {"usage": 3}),
        ("result", {"usage": {"inputTokens": -1, "outputTokens": 1}}),
        ("result", {"usage": {"inputTokens": 1}}),
        ("result", {"metrics": {"totalMs": -1}}),
        ("result", {"metrics": {"totalMs": 10**400}}),
        ("result", {"metrics": {"peakMemoryBytes": 0.5}}),
        ("stdout", {}),
        ("stdout", {"text": None}),
        ("boot", {"ms": "1"}),
        ("file", {"path": "a", "bytes": -1}),
        ("program", {"language": "python", "entrypoint": 1}),
    ],
)
def test_wrong_types_are_errors(name: str, change: dict[str, Any]) -> None:
    base = ANSWER if name == "result" else {}
    with pytest.raises(WorkerError) as caught:
        parse(name, {**base, **change})
    assert caught.value.code == "worker_invalid"


@pytest.mark.parametrize(
    "data", ["", "null", "[]", "3", "{", '{"text": NaN}', "[" * 200_000, '{"text": 1' + "0" * 5000 + "}", '"\\ud800']
)
def test_what_is_no_json_object_is_an_error(data: str) -> None:
    with pytest.raises(WorkerError) as caught:
        parse_event("stdout", data)
    assert caught.value.code == "worker_invalid"


def test_a_missing_success_is_never_taken_for_one() -> None:
    with pytest.raises(WorkerError):
        parse("result", {"output": "", "sandboxId": "a"})


def test_a_lone_surrogate_becomes_what_the_worker_would_write() -> None:
    event = parse_event("stdout", '{"text": "a\\ud800b\\ud83d\\ude00"}')
    assert event == Output("stdout", "a\ufffdb😀")


@given(
    st.dictionaries(
        st.sampled_from([*ANSWER, "text", "path"]), st.recursive(st.none() | st.integers() | st.text(), st.lists)
    )
)
def test_no_body_raises_anything_else(body: dict[str, Any]) -> None:
    for name in ("started", "generation", "boot", "program", "attempt", "stdout", "file", "result", "error"):
        with contextlib.suppress(WorkerError):
            parse(name, body)


def test_an_error_event_is_the_workers_error() -> None:
    body = {
        "success": False,
        "error": "Claude is overloaded.",
        "errorCode": "model_overloaded",
        "hint": "Send it again.",
        "retryable": True,
    }
    with pytest.raises(WorkerError) as caught:
        parse("error", body)
    assert caught.value.to_json() == body
    assert caught.value.exit_code is Exit.GENERATION


@pytest.mark.parametrize("code", ["", "Not A Code", "a" * 65, "\x1b[31m", "9", None, 4])
def test_an_error_needs_a_code(code: Any) -> None:
    with pytest.raises(WorkerError) as caught:
        parse("error", {"error": "x", "errorCode": code})
    assert caught.value.code == "worker_invalid"


def test_a_code_of_a_newer_worker_is_kept() -> None:
    with pytest.raises(WorkerError) as caught:
        parse("error", {"error": "x", "errorCode": "quota_of_the_moon"})
    assert (caught.value.code, caught.value.exit_code) == ("quota_of_the_moon", Exit.WORKER)


_REFUSED = [{"path": ".env", "reason": "is hidden"}]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, Exit.OK),
        ({"success": False, "errorCode": "program_failed", "exitCode": 3}, Exit.PROGRAM_FAILED),
        ({"success": False, "errorCode": None}, Exit.PROGRAM_FAILED),
        ({"success": False, "errorCode": "sandbox_crashed"}, Exit.PROGRAM_FAILED),
        ({"success": False, "errorCode": "invented_later"}, Exit.PROGRAM_FAILED),
        ({"success": False, "errorCode": "interrupted"}, Exit.PROGRAM_FAILED),
        ({"success": False, "errorCode": "sandbox_timeout"}, Exit.LIMIT),
        ({"success": False, "errorCode": "sandbox_oom"}, Exit.LIMIT),
        ({"refusedFiles": _REFUSED}, Exit.UNSAFE),
        ({"success": False, "errorCode": "program_failed", "refusedFiles": _REFUSED}, Exit.UNSAFE),
    ],
)
def test_exit_codes(fields: dict[str, Any], code: Exit) -> None:
    assert run_result(**fields).exit_code is code


def test_files_that_this_side_refuses_count_too() -> None:
    result = run_result(refusedFiles=_REFUSED).with_refused(
        [RefusedFile(".env", "again"), RefusedFile("../x", "leaves its folder")]
    )
    assert [file.path for file in result.refused_files] == [".env", "../x"]
    assert run_result().with_refused([]).exit_code is Exit.OK
    assert run_result().with_refused([RefusedFile("../x", "y")]).exit_code is Exit.UNSAFE


@given(st.binary())
def test_a_file_keeps_its_bytes(data: bytes) -> None:
    file = ProgramFile.from_bytes("a", data)
    assert file.data == data
    event = parse("result", {"success": True, "output": "", "sandboxId": "a", "files": [file.to_json()]})
    assert isinstance(event, RunResult)
    assert event.files[0].data == data


@pytest.mark.parametrize("content", ["a", "====", "a b=", "ä", "YQ==\n"])
def test_bad_base64_is_an_error(content: str) -> None:
    with pytest.raises(WorkerError) as caught:
        _ = ProgramFile("a", content, "base64").data
    assert caught.value.code == "worker_invalid"
