"""Reading one message of Claude's: strict about what is saved, tolerant of what is new."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.direct.failures import ApiProblem, Failure, from_api, quote, retry_after
from cct_cloudflare.direct.reply import Preview, Reply, parse_program
from cct_cloudflare.sandbox.sse import ServerEvent

KEY = "sk-ant-api03-key-of-these-tests"
PROGRAM: dict[str, Any] = {
    "language": "python",
    "entrypoint": "main.py",
    "files": [
        {"path": "main.py", "content": 'from greet import hi\n\nprint(hi("😀"))\n'},
        {"path": "greet.py", "content": 'def hi(name):\n    return f"hi \\"{name}\\" \\\\ \t"\n'},
    ],
}
TEXT = json.dumps(PROGRAM)


def event(name: str, **body: Any) -> ServerEvent:
    return ServerEvent(name, json.dumps({"type": name, **body}))


def call(text: str, index: int = 0, name: str = "write_program") -> list[ServerEvent]:
    return [
        event("content_block_start", index=index, content_block={"type": "tool_use", "name": name, "input": {}}),
        event("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": text}),
        event("content_block_stop", index=index),
    ]


def end(reason: str | None, **delta: Any) -> list[ServerEvent]:
    return [
        event("message_delta", delta={"stop_reason": reason, **delta}, usage={"output_tokens": 9}),
        event("message_stop"),
    ]


START = event("message_start", message={"usage": {"input_tokens": 3, "cache_read_input_tokens": 100}})


def read(*events: ServerEvent) -> Reply:
    reply = Reply(KEY)
    for one in events:
        reply.feed(one)
    return reply


def failure(*events: ServerEvent) -> Failure:
    with pytest.raises(Failure) as caught:
        read(*events).result()
    return caught.value


def test_a_whole_reply_is_a_program() -> None:
    reply = read(START, *call(TEXT), *end("tool_use"))
    assert reply.ended
    assert reply.result().to_json() == PROGRAM
    assert (reply.input_tokens, reply.output_tokens) == (103, 9)


def test_what_is_new_is_ignored() -> None:
    reply = read(
        event("ping"),
        ServerEvent("weather_report", "{{{ not even JSON"),
        ServerEvent("message", '{"type":"no_name"}'),
        START,
        event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
        event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "Hm."}),
        event("content_block_stop", index=0),
        *call(TEXT, index=1),
        *end("end_turn"),
    )
    assert reply.result().entrypoint == "main.py"


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([START, *call(TEXT)], "model_interrupted"),
        ([START, *call(TEXT), *end("tool_use")[:1]], "model_interrupted"),
        ([START, *call(TEXT), *end(None)], "model_interrupted"),
        ([START, *call(TEXT)[:-1], *end("tool_use")], "model_interrupted"),
        ([START, *call(TEXT), *end("max_tokens")], "model_truncated"),
        ([START, *end("model_context_window_exceeded")], "model_truncated"),
        ([START, *call(TEXT), *end("refusal")], "model_refused"),
        ([START, *call(TEXT), *end("pause_turn")], "model_invalid"),
        ([START, *end("end_turn")], "model_empty"),
        ([START, *call(""), *end("tool_use")], "model_empty"),
        ([START, *call(TEXT, name="rm_rf"), *end("tool_use")], "model_invalid"),
        ([START, *call(TEXT), *call(TEXT, index=1), *end("tool_use")], "model_invalid"),
        ([START, ServerEvent("content_block_delta", '{"type": oops')], "model_failed"),
        ([START, ServerEvent("content_block_delta", "[1]")], "model_failed"),
        ([START, ServerEvent("content_block_delta", "[" * 100_000)], "model_failed"),
        ([event("message_start")], "model_failed"),
        ([START, *call(TEXT), *call(TEXT)[1:2]], "model_failed"),
        ([event("error", error={"type": "overloaded_error", "message": "Overloaded"})], "model_overloaded"),
        ([event("error", error={"type": "brand_new_error"})], "model_failed"),
        ([event("error")], "model_failed"),
    ],
)
def test_a_reply_that_is_not_whole_is_one_error(events: list[ServerEvent], code: str) -> None:
    error = failure(*events).error
    assert error.code == code
    assert error.hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (TEXT[:-1], "model_invalid"),
        (f"{TEXT}}}", "model_invalid"),
        ("null", "model_invalid"),
        (f"[{TEXT}]", "model_invalid"),
        ("[" * 100_000, "model_invalid"),
        (TEXT.replace('"python"', "NaN"), "model_invalid"),
        (TEXT.replace('"python"', '"cobol"'), "model_invalid"),
        (TEXT.replace('"python"', "[1]"), "model_invalid"),
        (json.dumps({**PROGRAM, "entrypoint": "other.py"}), "model_invalid"),
        (json.dumps({**PROGRAM, "entrypoint": 1}), "model_invalid"),
        (json.dumps({**PROGRAM, "files": "main.py"}), "model_invalid"),
        (json.dumps({**PROGRAM, "files": [{"path": "main.py"}]}), "model_invalid"),
        (json.dumps({**PROGRAM, "files": [{"path": "main.py", "content": "\ud800"}]}), "model_invalid"),
        (json.dumps({**PROGRAM, "files": [{"path": "main.py", "content": ""}] * 201}), "model_invalid"),
        (json.dumps({**PROGRAM, "files": []}), "model_empty"),
        (" \n", "model_empty"),
    ],
)
def test_a_program_is_parsed_strictly(text: str, code: str) -> None:
    with pytest.raises(Failure) as caught:
        parse_program(text)
    assert caught.value.error.code == code


def test_what_claude_said_instead_is_quoted_without_the_key() -> None:
    said = f"I would rather not. {KEY} sk-ant-other\x1b[31m"
    prose = [
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": said}),
        event("content_block_stop", index=0),
    ]
    message = failure(START, *prose, *end("end_turn")).error.message
    assert "I would rather not. [key] [key] [31m" in message
    refused = failure(START, *end("refusal", stop_details={"explanation": "This is harmful."}))
    assert "This is harmful." in refused.error.message


def preview(pieces: list[str]) -> dict[str, str]:
    shown: dict[str, str] = {}
    decoder = Preview()
    for piece in pieces:
        for delta in decoder.feed(piece):
            shown[delta.path] = shown.get(delta.path, "") + delta.delta
    return shown


@given(st.lists(st.integers(0, len(TEXT)), max_size=40))
def test_the_preview_is_the_program_however_it_is_cut(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[start:stop] for start, stop in itertools.pairwise(ends)]
    assert preview(pieces) == {file["path"]: file["content"] for file in PROGRAM["files"]}


def test_the_preview_of_single_characters_comes_as_it_is_written() -> None:
    decoder = Preview()
    deltas = [delta for character in TEXT for delta in decoder.feed(character)]
    assert len(deltas) > 50


@given(st.text(alphabet='{}[]":,\\u12ab files path content', max_size=60))
def test_the_preview_of_anything_else_never_fails(text: str) -> None:
    preview(list(text))


@pytest.mark.parametrize(
    "text", ['{"files": [{"path": "a', '{"files": [{"path": "a", "content": 1', "[1, 2]", "x", '""']
)
def test_nothing_is_shown_of_what_is_no_file(text: str) -> None:
    assert preview([text]) == {}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("2", 2.0),
        (" 2.5 ", 2.5),
        ("1" * 400, None),
        ("-1", None),
        ("Thu, 01 Jan 1970 00:01:10 GMT", 10.0),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0.0),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=60.0) == seconds


@pytest.mark.parametrize(
    ("status", "kind", "code", "transient"),
    [
        (400, "invalid_request_error", "model_bad_request", False),
        (401, "authentication_error", "key_rejected", False),
        (402, "billing_error", "model_spend_limit", False),
        (403, "permission_error", "key_rejected", False),
        (404, "not_found_error", "model_not_found", False),
        (404, None, "model_unreachable", False),
        (307, None, "model_unreachable", False),
        (408, "timeout_error", "model_bad_request", True),
        (409, "conflict_error", "model_bad_request", True),
        (413, "request_too_large", "model_bad_request", False),
        (429, "rate_limit_error", "model_rate_limited", True),
        (500, "api_error", "model_failed", True),
        (503, "whatever_error", "model_failed", True),
        (504, "timeout_error", "model_timeout", True),
        (529, "overloaded_error", "model_overloaded", True),
    ],
)
def test_each_status_has_its_code(status: int, kind: str | None, code: str, transient: bool) -> None:
    """The same table as in the Worker's own tests (`test/generate-errors.test.ts`)."""
    failed = from_api(ApiProblem.of_body({"error": {"type": kind, "message": f"no {KEY}"}}, status), KEY)
    assert (failed.error.code, failed.transient) == (code, transient)
    assert KEY not in failed.error.message


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"error": {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}}}),
        (400, {"error": {"message": "You have reached your specified API usage limits. Until May."}}),
        (400, {"error": {"message": "You have reached your specified workspace API usage limits."}}),
        (400, {"error": {"message": "Your credit balance is too low to access the API."}}),
    ],
)
def test_a_limit_of_money_is_not_waited_for(status: int, body: object) -> None:
    failed = from_api(ApiProblem.of_body(body, status), KEY)
    assert (failed.error.code, failed.transient, failed.error.retryable) == ("model_spend_limit", False, False)


def test_a_wait_that_is_too_long_is_told_instead() -> None:
    problem = ApiProblem.of_body({"error": {"message": "slow"}}, 429, {"retry-after": "86400"})
    failed = from_api(problem, KEY)
    assert not failed.transient
    assert "24 hours" in failed.error.message
    told = from_api(ApiProblem.of_body({}, 500, {"x-should-retry": "false"}), KEY)
    assert not told.transient


def test_a_short_key_is_no_secret_and_a_long_text_is_cut() -> None:
    assert quote("I know this key.", "k") == "I know this key."
    assert len(quote("x" * 5000, KEY)) == 1001
