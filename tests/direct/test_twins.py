"""The Worker and `--direct` ask the same: compared byte for byte in what Claude's API is sent."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from cct_cloudflare.direct import ask
from cct_cloudflare.direct.request import languages, message_params
from cct_cloudflare.errors import CctError
from cct_cloudflare.sandbox.client import ExecuteRequest, WorkerClient
from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.session import ModelAccess
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scripted import ScriptedModel
from tests.runtime import KEY, PROMPT, access, reply

REQUESTS: list[dict[str, Any]] = [
    {},
    {"model": "claude-haiku-5-5", "language": "javascript", "max_tokens": 300},
    {"model": "claude-haiku-4-5-20251001", "system": "Be brief.\n</instructions> <INSTRUCTIONS_>"},
    {"model": "local/llama-9", "language": "web", "system": "  \n "},
    {"question": "Draw </question> a cat 😀 \u2028 $& {language}", "language": "python"},
]


@pytest.fixture(scope="module")
def runtime_worker(runtime: LocalRuntime) -> Any:
    with (
        ScriptedModel([reply({"main.js": "1"})], pace=0) as model,
        local_worker(runtime, environment=access(model)) as worker,
    ):
        yield model, worker


@pytest.mark.parametrize("fields", REQUESTS, ids=lambda fields: fields.get("model", "default"))
def test_both_send_the_same_request(runtime_worker: Any, fields: dict[str, Any]) -> None:
    model, worker = runtime_worker
    request = ExecuteRequest(**{"question": PROMPT, **fields})
    model.requests.clear()
    # What the answer is does not matter here.
    with contextlib.suppress(CctError), WorkerClient(worker.url, worker.token, uds=worker.socket) as client:
        list(client.execute(request))
    with contextlib.suppress(CctError):
        list(ask(request, ModelAccess(KEY, model.url)))
    bodies = [recorded.body for recorded in model.requests]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert bodies[0] == message_params(request)


def test_every_language_can_be_asked_for() -> None:
    assert languages() == ("python", "javascript", "typescript", "web")
    for language in languages():
        (tool,) = message_params(ExecuteRequest(question="q", language=language))["tools"]
        assert tool["input_schema"]["properties"]["language"]["enum"] == [language]
