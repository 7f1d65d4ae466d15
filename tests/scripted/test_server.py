from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any

import anthropic
import httpx
import pytest

from cct_cloudflare import scripted
from cct_cloudflare.scripted import Fault, RecordedRequest, Reply, ReplyFile, ScriptedModel, checks

FIBONACCI = "What is the 10th Fibonacci number?"
HEADERS = {"x-api-key": "sk-ant-any", "anthropic-version": "2026-10-21"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"language": {"type": "string"}, "files": {"type": "array", "items": {"type": "string"}}},
    "required": ["language", "files"],
    "additionalProperties": False,
}
TOOL: dict[str, Any] = {"name": "write_program", "description": "Hands over a program.", "input_schema": SCHEMA}


def body(**changes: Any) -> dict[str, Any]:
    """A request that is right, but for `changes`; a change to ... leaves the field out."""
    request: dict[str, Any] = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": FIBONACCI}],
        "tools": [TOOL],
        **changes,
    }
    return {name: value for name, value in request.items() if value is not ...}


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel(pace=0) as model:
        yield model


def post(model: ScriptedModel, request: Any, headers: dict[str, str] = HEADERS) -> httpx.Response:
    content = request if isinstance(request, bytes) else json.dumps(request).encode()
    return httpx.post(f"{model.url}/v1/messages", content=content, headers=headers, timeout=30)


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def tool_input(stream: list[tuple[str, dict[str, Any]]]) -> str:
    deltas = [data["delta"] for kind, data in stream if kind == "content_block_delta"]
    return "".join(delta["partial_json"] for delta in deltas if delta["type"] == "input_json_delta")


@pytest.mark.parametrize("reply", scripted.replies(), ids=lambda reply: reply.prompt)
def test_a_stream_hands_over_the_program(model: ScriptedModel, reply: Reply) -> None:
    question = [{"type": "text", "text": f"<question>\n{reply.prompt}\n</question>"}]
    response = post(model, body(stream=True, messages=[{"role": "user", "content": question}]))
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    stream = events(response.text)
    kinds = [kind for kind, _ in itertools.groupby(kind for kind, _ in stream)]
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    assert kinds == ["message_start", "ping", *block, *block, "message_delta", "message_stop"]
    assert all(data["type"] == kind for kind, data in stream)
    assert json.loads(tool_input(stream)) == json.loads(reply.tool_input())
    start, delta = stream[0][1]["message"], stream[-2][1]
    assert start["usage"]["input_tokens"] > 0
    assert delta["delta"]["stop_reason"] == "tool_use"
    assert delta["usage"]["output_tokens"] > 1


def test_a_message_in_one_piece_says_the_same(model: ScriptedModel) -> None:
    message = post(model, body()).json()
    remark, call = message["content"]
    assert remark["type"] == "text"
    assert call["name"] == "write_program"
    reply = scripted.find(FIBONACCI)
    assert reply is not None
    assert call["input"] == json.loads(reply.tool_input())
    assert message["stop_reason"] == "tool_use"


def test_without_a_tool_the_program_comes_as_prose(model: ScriptedModel) -> None:
    message = post(model, body(tools=...)).json()
    assert [block["type"] for block in message["content"]] == ["text"]
    assert "def fibonacci" in message["content"][0]["text"]
    assert message["stop_reason"] == "end_turn"


def test_the_real_sdk_understands_it(model: ScriptedModel) -> None:
    client = anthropic.Anthropic(api_key="sk-ant-any", base_url=model.url, max_retries=0)
    with client, client.messages.stream(**body(model="claude-haiku-5-5")) as stream:
        message = stream.get_final_message()
    call = message.content[-1]
    assert call.type == "tool_use"
    assert isinstance(call.input, dict)
    assert call.input["language"] == "python"
    assert message.usage.output_tokens > 1


def test_the_sdk_counts_tokens_and_lists_models(model: ScriptedModel) -> None:
    with anthropic.Anthropic(api_key="sk-ant-any", base_url=model.url, max_retries=0) as client:
        counted = client.messages.count_tokens(
            model="claude-sonnet-5-5", messages=[{"role": "user", "content": FIBONACCI}]
        )
        names = [found.id for found in client.models.list()]
    assert counted.input_tokens > 0
    assert names == list(checks.models())


def test_the_sdk_sees_the_apis_own_errors(model: ScriptedModel) -> None:
    with anthropic.Anthropic(api_key="sk-ant-any", base_url=model.url, max_retries=0) as client:
        with pytest.raises(anthropic.NotFoundError) as missing:
            client.messages.create(**body(model="claude-one"))
        with pytest.raises(anthropic.BadRequestError) as unknown:
            client.messages.create(**body(messages=[{"role": "user", "content": "Sing a song."}]))
    assert "model: claude-one" in str(missing.value)
    for prompt in scripted.prompts():
        assert prompt in str(unknown.value)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-api-key": "k", "anthropic-version": "2023-06-01"}, 200),
        ({"authorization": "Bearer k", "anthropic-version": "2026-10-21"}, 200),
        ({"anthropic-version": "2026-10-21"}, 401),
        ({"x-api-key": "", "anthropic-version": "2026-10-21"}, 401),
        ({"authorization": "Basic k", "anthropic-version": "2026-10-21"}, 401),
        ({"authorization": "Bearer", "anthropic-version": "2026-10-21"}, 401),
        ({"x-api-key": "k"}, 400),
        ({"x-api-key": "k", "anthropic-version": "2020-01-01"}, 400),
    ],
)
def test_headers(model: ScriptedModel, headers: dict[str, str], status: int) -> None:
    response = post(model, body(), headers)
    assert response.status_code == status
    if status == 401:
        assert response.json()["error"]["type"] == "authentication_error"


SONNET, OPUS, HAIKU = "claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5"
FORCED = {"type": "tool", "name": "write_program"}
OPEN = {**SCHEMA, "additionalProperties": True}


@pytest.mark.parametrize(
    "changes",
    [
        {"model": ...},
        {"model": 5},
        {"model": ""},
        {"max_tokens": ...},
        {"max_tokens": "many"},
        {"max_tokens": True},
        {"max_tokens": 0},
        {"max_tokens": 1_000_000},
        {"stream": "yes"},
        {"messages": ...},
        {"messages": []},
        {"messages": "hello"},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "user", "content": []}]},
        {"messages": [{"role": "user", "content": [{"text": "no type"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]},
        {"messages": [{"role": "god", "content": "x"}]},
        {"messages": [{"role": "assistant", "content": "x"}]},
        {"messages": [{"role": "user", "content": FIBONACCI}, {"role": "assistant", "content": "{"}]},
        {"system": ""},
        {"system": 5},
        {"tools": "all"},
        {"tools": ["write_program"]},
        {"tools": [TOOL, TOOL]},
        {"tools": [{**TOOL, "name": "write program"}]},
        {"tools": [{**TOOL, "name": "x" * 129}]},
        {"tools": [{"name": "write_program"}]},
        {"tools": [{**TOOL, "input_schema": {"type": "string"}}]},
        {"tools": [{**TOOL, "input_schema": {"properties": {}}}]},
        {"tools": [{**TOOL, "description": 5}]},
        {"tools": [{**TOOL, "strict": "yes"}]},
        {"tools": [{**TOOL, "strict": True, "input_schema": OPEN}]},
        {"tools": [{**TOOL, "strict": True, "input_schema": {**SCHEMA, "required": ["nothing"]}}]},
        {
            "tools": [
                {
                    **TOOL,
                    "strict": True,
                    "input_schema": {**SCHEMA, "properties": {"a": {"type": "string", "maxLength": 5}}, "required": []},
                }
            ]
        },
        {"tools": [{**TOOL, "strict": True, "input_schema": {**SCHEMA, "properties": {"a": OPEN}, "required": []}}]},
        {"tool_choice": "auto"},
        {"tool_choice": {"type": "maybe"}},
        {"tool_choice": {"type": "auto"}, "tools": ...},
        {"tool_choice": FORCED},
        {"tool_choice": {"type": "any"}},
        {"tool_choice": FORCED, "model": OPUS},
        {"tool_choice": {"type": "tool", "name": "other"}, "model": HAIKU},
        {"temperature": 1},
        {"top_p": 0.5},
        {"top_k": 5},
        {"thinking": {"type": "disabled"}},
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        {"thinking": {"type": "between_tools"}, "model": OPUS},
        {"thinking": True},
        {"output_config": {"effort": "huge"}},
        {"output_config": {"effort": "low"}, "model": "claude-haiku-4-5"},
    ],
    ids=lambda changes: repr(changes)[:60],
)
def test_what_the_api_refuses_is_refused(model: ScriptedModel, changes: dict[str, Any]) -> None:
    response = post(model, body(**changes))
    assert response.status_code == 400, response.text
    error = response.json()
    assert error["type"] == "error"
    assert error["error"]["type"] == "invalid_request_error"
    assert error["error"]["message"]
    assert error["request_id"] == response.headers["request-id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "claude-haiku-5-5-20261007"},
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        {"tool_choice": FORCED, "model": HAIKU},
        {"tools": [{**TOOL, "strict": True, "eager_input_streaming": True}]},
        {"thinking": {"type": "between_tools"}},
        {"thinking": {"type": "disabled"}, "model": HAIKU},
        {"output_config": {"effort": "low"}},
        {"system": [{"type": "text", "text": "Be brief."}]},
    ],
    ids=lambda changes: repr(changes)[:60],
)
def test_what_the_api_takes_is_taken(model: ScriptedModel, changes: dict[str, Any]) -> None:
    assert post(model, body(**changes)).status_code == 200


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 200_000], ids=lambda raw: repr(raw)[:12])
def test_a_body_that_is_no_object(model: ScriptedModel, raw: bytes) -> None:
    assert post(model, raw).status_code == 400
    assert model.requests[-1].body is None


def test_a_body_that_is_too_large_is_not_read(model: ScriptedModel) -> None:
    address = httpx.URL(model.url)
    with closing(HTTPConnection(address.host, address.port)) as connection:
        connection.putrequest("POST", "/v1/messages")
        connection.putheader("content-length", str(checks.MAX_BODY_BYTES + 1))
        connection.endheaders()
        response = connection.getresponse()
        error = json.load(response)
    assert response.status == 413
    assert error["error"]["type"] == "request_too_large"
    assert model.requests == []


def test_other_places_are_not_found(model: ScriptedModel) -> None:
    for method, path in (("GET", "/v1/messages"), ("POST", "/v1/v1/messages"), ("GET", "/")):
        response = httpx.request(method, model.url + path, headers=HEADERS)
        assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found_error")


def test_requests_are_recorded(model: ScriptedModel) -> None:
    post(model, body())
    [request] = model.requests
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.headers["x-api-key"] == "sk-ant-any"
    assert request.body == body()


def test_faults_come_one_per_call_and_then_there_are_none() -> None:
    faults = [Fault(status=429, headers={"retry-after": "2"}), None, Fault(status=529, error_code="x")]
    with ScriptedModel(faults=faults, pace=0) as model:
        refused = post(model, body(max_tokens=...))
        answers = [post(model, body()) for _ in range(4)]
    assert refused.status_code == 400, "a request that is refused uses up no fault"
    assert [answer.status_code for answer in answers] == [429, 200, 529, 200]
    assert answers[0].headers["retry-after"] == "2"
    assert answers[0].json()["error"] == {"type": "rate_limit_error", "message": "This error is scripted."}
    assert answers[2].json()["error"]["details"] == {"error_code": "x"}


def test_a_fault_can_last() -> None:
    with ScriptedModel(faults=itertools.repeat(Fault(status=500)), pace=0) as model:
        assert {post(model, body()).status_code for _ in range(5)} == {500}


def spoiled(fault: Fault) -> list[tuple[str, dict[str, Any]]]:
    with ScriptedModel(faults=[fault], pace=0) as model:
        return events(post(model, body(stream=True)).text)


def test_a_stream_without_its_end() -> None:
    kinds = [kind for kind, _ in spoiled(Fault(stream="no-stop"))]
    assert kinds[-1] == "content_block_stop"


def test_an_error_within_the_stream() -> None:
    kind, data = spoiled(Fault(stream="error"))[-1]
    assert (kind, data["error"]["type"]) == ("error", "overloaded_error")


@pytest.mark.parametrize(
    ("fault", "reason", "blocks"),
    [
        (Fault(stream="empty"), "end_turn", 0),
        (Fault(stream="refusal", message="No."), "refusal", 0),
        (Fault(stream="max_tokens"), "max_tokens", 2),
        (Fault(stream="invalid-json"), "tool_use", 2),
    ],
)
def test_a_message_that_ends_differently(fault: Fault, reason: str, blocks: int) -> None:
    stream = spoiled(fault)
    assert sum(kind == "content_block_start" for kind, _ in stream) == blocks
    assert stream[-2][1]["delta"]["stop_reason"] == reason
    assert stream[-1][0] == "message_stop"
    if blocks:
        with pytest.raises(json.JSONDecodeError):
            json.loads(tool_input(stream))


def test_unknown_events_do_no_harm() -> None:
    stream = spoiled(Fault(stream="unknown"))
    assert any(kind == "weather_report" for kind, _ in stream)
    assert json.loads(tool_input(stream))["language"] == "python"


def test_malformed_data() -> None:
    with ScriptedModel(faults=[Fault(stream="malformed")], pace=0) as model:
        text = post(model, body(stream=True)).text
    with pytest.raises(json.JSONDecodeError):
        events(text)
    assert text.endswith("\n\n")


def test_a_cut_connection() -> None:
    with ScriptedModel(faults=[Fault(stream="cut")], pace=0) as model, pytest.raises(httpx.RemoteProtocolError):
        post(model, body(stream=True))


def left(model: ScriptedModel, seen: bytes) -> RecordedRequest:
    """Reads a stream until `seen` has come, leaves, and gives the request as the server knows it."""
    with httpx.stream("POST", f"{model.url}/v1/messages", json=body(stream=True), headers=HEADERS) as response:
        text = b""
        for chunk in response.iter_raw():
            text += chunk
            if text.count(seen) >= 3:
                break
    return model.requests[-1]


def test_a_silent_stream_lasts_until_the_client_leaves() -> None:
    with ScriptedModel(faults=[Fault(stream="stall")], pace=0) as model:
        assert left(model, b"partial_json").disconnected.wait(30)


def test_endless_pings_last_until_the_client_leaves() -> None:
    with ScriptedModel(faults=[Fault(stream="pings")], pace=0) as model:
        assert left(model, b"event: ping").disconnected.wait(30)


def test_closing_ends_what_is_under_way() -> None:
    with ExitStack() as stack:
        with ScriptedModel(faults=[Fault(stream="stall")], pace=0) as model:
            asked = httpx.stream("POST", f"{model.url}/v1/messages", json=body(stream=True), headers=HEADERS)
            response = stack.enter_context(asked)
        with pytest.raises(httpx.RemoteProtocolError):
            response.read()
    assert not model.requests[0].disconnected.is_set()


def test_replies_of_a_test_replace_the_catalog() -> None:
    reply = Reply("say hi", "python", "main.py", (ReplyFile("main.py", "print('hi 😀')\n"),))
    with ScriptedModel([reply], pace=0) as model:
        known = post(model, body(stream=True, messages=[{"role": "user", "content": "Say hi!"}]))
        unknown = post(model, body())
    assert json.loads(tool_input(events(known.text))) == json.loads(reply.tool_input())
    assert unknown.status_code == 400
    assert "say hi" in unknown.json()["error"]["message"]


def test_without_its_context_it_has_no_address() -> None:
    with pytest.raises(RuntimeError):
        _ = ScriptedModel().url
