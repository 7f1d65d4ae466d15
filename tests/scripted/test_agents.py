"""A client that has tools of its own: what it calls is scripted, and its conversation is checked as the API does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from cct_cloudflare.scripted import ScriptedModel, ToolReply

LOOK = ToolReply("Look around.", "Bash", {"command": "ls"}, "There is nothing.", remark="I will look.")
BASH: dict[str, Any] = {"name": "Bash", "input_schema": {"type": "object"}}
READ: dict[str, Any] = {"name": "Read", "input_schema": {"type": "object"}}
ASKED = {"role": "user", "content": "Look around."}


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel([LOOK], pace=0) as model:
        yield model


def post(model: ScriptedModel, *messages: Any, tools: list[dict[str, Any]]) -> httpx.Response:
    body = {"model": "claude-opus-5-5", "max_tokens": 99, "messages": messages, "tools": tools}
    headers = {"x-api-key": "sk-ant-any", "anthropic-version": "2023-06-01"}
    return httpx.post(f"{model.url}/v1/messages?beta=true", json=body, headers=headers, timeout=30)


def called(*names: str) -> dict[str, Any]:
    calls = [{"type": "tool_use", "id": name, "name": "Bash", "input": {}} for name in names]
    return {"role": "assistant", "content": calls}


def answered(*names: str) -> dict[str, Any]:
    return {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": name, "content": "main.py"} for name in names],
    }


def test_the_named_tool_is_called_wherever_it_stands(model: ScriptedModel) -> None:
    message = post(model, ASKED, tools=[READ, BASH]).json()
    remark, call = message["content"]
    assert remark["text"] == "I will look."
    assert (call["name"], call["input"]) == ("Bash", {"command": "ls"})
    assert message["stop_reason"] == "tool_use"


def test_an_answered_call_is_the_end(model: ScriptedModel) -> None:
    message = post(model, ASKED, called("a"), answered("a"), tools=[BASH]).json()
    assert [block["text"] for block in message["content"]] == ["There is nothing."]
    assert message["stop_reason"] == "end_turn"


def test_a_client_without_the_tool_gets_the_end_at_once(model: ScriptedModel) -> None:
    assert post(model, ASKED, tools=[READ]).json()["content"][0]["text"] == "There is nothing."


@pytest.mark.parametrize(
    "messages",
    [
        [ASKED, called("a"), ASKED],
        [ASKED, called("a", "b"), answered("a")],
        [ASKED, called("a"), answered("a", "c")],
        [ASKED, answered("a")],
        [ASKED, called("a"), answered("a"), answered("a")],
        [ASKED, called("not a name"), answered("not a name")],
    ],
    ids=["unanswered", "one-unanswered", "one-too-many", "never-called", "twice", "name"],
)
def test_calls_and_answers_must_match(model: ScriptedModel, messages: list[Any]) -> None:
    response = post(model, *messages, tools=[BASH])
    assert response.status_code == 400
    assert "tool_use" in response.json()["error"]["message"]
