"""What Claude's API may do, seen from `cct`: the exit code, the error code, the calls, and that nothing ran.

How the Worker reads the API in detail is the business of its own tests (`templates/cloudflare/test/generate*.test.ts`).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from itertools import repeat

import pytest

from cct_cloudflare.scripted import Fault, ScriptedModel
from tests.runtime import KEY, Cct, Finished, access, ask, reply

RAN = "RAN-AFTER-ALL"
PROGRAM = reply({"main.js": f"console.log('{RAN}'.toLowerCase()); require('fs').writeFileSync('ran.txt', 'x');"})


def failing(cct: Cct, faults: Iterable[Fault | None], *argv: str) -> tuple[Finished, int]:
    with ScriptedModel([PROGRAM], faults=faults, pace=0) as model:
        done = ask(cct, model, *argv)
    return done, sum(request.path.startswith("/v1/messages") for request in model.requests)


@pytest.mark.parametrize(
    ("fault", "code", "word", "calls"),
    [
        (Fault(status=401, message=f"invalid x-api-key {KEY}"), 3, "key_rejected", 1),
        (Fault(status=403), 3, "key_rejected", 1),
        (Fault(status=400), 5, "model_bad_request", 1),
        (Fault(status=402), 5, "model_spend_limit", 1),
        (Fault(status=404), 5, "model_not_found", 1),
        (Fault(status=413), 5, "model_bad_request", 1),
        (Fault(status=429, headers={"retry-after": "86400"}), 5, "model_rate_limited", 1),
        (Fault(status=500, headers={"retry-after": "0"}), 5, "model_failed", 3),
        (Fault(status=529, headers={"retry-after": "0"}), 5, "model_overloaded", 3),
        (Fault(stream="error"), 5, "model_overloaded", None),
        (Fault(stream="cut"), 5, "model_interrupted", None),
        (Fault(stream="no-stop"), 5, "model_interrupted", None),
        (Fault(stream="malformed"), 5, "model_failed", None),
        (Fault(stream="empty"), 5, "model_empty", 1),
        (Fault(stream="refusal"), 5, "model_refused", 1),
        (Fault(stream="max_tokens"), 5, "model_truncated", 1),
        (Fault(stream="invalid-json"), 5, "model_invalid", 1),
    ],
    ids=lambda value: (value.stream or str(value.status)) if isinstance(value, Fault) else None,
)
def test_a_failed_generation_is_one_error_and_nothing_runs(
    cct: Cct, fault: Fault, code: int, word: str, calls: int | None
) -> None:
    done, called = failing(cct, repeat(fault), "--json")
    assert (done.code, done.json["errorCode"]) == (code, word), done.stdout
    assert set(done.json) == {"success", "error", "errorCode", "hint", "retryable"}
    assert done.json["success"] is False
    assert called == calls or (calls is None and 1 <= called <= 3)
    assert KEY not in done.stdout + done.stderr
    assert RAN.lower() not in done.stdout + done.stderr
    assert cct.files() == {}, "no file is saved, and no folder of a run is made"
    assert [path.name for path in cct.project.iterdir()] == [".claude"]


def test_the_same_error_for_people(cct: Cct) -> None:
    done, _ = failing(cct, repeat(Fault(stream="max_tokens")))
    assert (done.code, done.stdout) == (5, "")
    assert "Error: " in done.stderr
    assert "Hint:  " in done.stderr
    assert RAN.lower() not in done.stderr


def test_a_bad_key_is_named_without_being_shown(cct: Cct) -> None:
    done, calls = failing(cct, repeat(Fault(status=401, message=f"invalid x-api-key: {KEY}")))
    assert (done.code, calls, done.stdout) == (3, 1, "")
    assert "Anthropic API key" in done.stderr
    assert KEY not in done.stderr


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(status=500, headers={"retry-after": "0"})] * 2,
        [Fault(status=529, headers={"retry-after": "0"}), Fault(status=429, headers={"retry-after": "0"})],
    ],
    ids=["500 twice", "529, then 429"],
)
def test_trouble_that_passes_is_waited_out(cct: Cct, faults: list[Fault]) -> None:
    done, calls = failing(cct, faults, "--json")
    assert (done.code, calls) == (0, 3), done.stdout
    assert done.json["output"] == f"{RAN.lower()}\n"


def test_unknown_events_and_pings_are_no_error(cct: Cct) -> None:
    done, calls = failing(cct, [Fault(stream="unknown")], "--json")
    assert (done.code, calls) == (0, 1), done.stdout


def test_claude_that_cannot_be_reached_is_exit_5(cct: Cct) -> None:
    with socket.socket() as unused:  # bound but not listening: what connects is refused
        unused.bind(("127.0.0.1", 0))
        env = {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{unused.getsockname()[1]}", "ANTHROPIC_API_KEY": KEY}
        done = cct("--prompt", "Hi", "--yes", "--json", env=env)
    assert (done.code, done.json["errorCode"]) == (5, "model_unreachable")
    assert KEY not in done.stdout + done.stderr


def test_a_prompt_that_is_larger_than_the_worker_takes(cct: Cct) -> None:
    (cct.project / "idea.md").write_text("word " * 70_000)
    with ScriptedModel([PROGRAM], pace=0) as model:
        done = cct("--prompt-file", "idea.md", "--yes", "--json", env=access(model))
    assert (done.code, done.json["errorCode"]) == (2, "payload_too_large")
    assert model.requests == []


def test_an_empty_prompt_costs_nothing(cct: Cct) -> None:
    with ScriptedModel([PROGRAM], pace=0) as model:
        done = ask(cct, model, "--json", prompt="   ")
    assert (done.code, done.json["errorCode"]) == (2, "usage")
    assert model.requests == []
    assert not (cct.project / ".claude").exists()
