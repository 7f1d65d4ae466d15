"""Waiting for a deployed Worker: what is not there yet is asked again, what is wrong is told."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from cct_cloudflare.deploy import project as projects
from cct_cloudflare.deploy.proof import Patience, accepts, prove, wait_for_deployment, wait_for_token
from cct_cloudflare.errors import CctError, WorkerError
from cct_cloudflare.sandbox.client import Health
from tests.sandbox.loopback import EVENT_STREAM, RESULT, Handler, Request, answer, reset, serve, sse

SOON = Patience(seconds=60, pause=0.001, in_a_row=2)
NEVER = Patience(seconds=0, pause=0.001, in_a_row=1)

HTML = answer(404, b"<h1>There is nothing here yet</h1>", "text/html")


def health(deployment: str | None) -> bytes:
    body = {"status": "ok", "worker": "w", "version": "0.1.0", "languages": [], "sandboxes": ["isolate"]}
    return answer(200, json.dumps({**body, "deployment": deployment}).encode())


def answering(deployment: str) -> Health:
    return Health("ok", "w", "0.1.0", None, (), ("isolate",), deployment=deployment)


def error(status: int, code: str) -> bytes:
    body = {"success": False, "error": "No.", "errorCode": code, "hint": "", "retryable": False}
    return answer(status, json.dumps(body).encode())


def result(**changed: object) -> bytes:
    body = {**RESULT, "output": "cct was here\n", **changed}
    return EVENT_STREAM + sse("result", body)


def in_turn(*answers: bytes | None) -> Handler:
    """One answer after the other, the last one again and again; None resets the connection."""
    left = list(answers)

    def handle(connection: socket.socket, _: Request) -> None:
        now = left.pop(0) if len(left) > 1 else left[0]
        if now is None:
            reset(connection)
        else:
            connection.sendall(now)

    return handle


def ignore(_: str) -> None:
    pass


def test_a_deployment_is_waited_for_until_it_answers_steadily() -> None:
    answers = (None, HTML, health(None), health("old"), health("new"), health("old"), health("new"))
    with serve(in_turn(*answers)) as server:
        found = wait_for_deployment(server.url, "new", ignore, SOON)
    assert found.deployment == "new"
    assert len(server.requests) == 8
    assert not any("authorization" in request.headers for request in server.requests)


def test_a_deployment_that_was_overtaken_is_not_waited_for() -> None:
    """Two deploys at once: the one whose upload came first will never answer again."""
    at_once = Patience(seconds=60, pause=0.001, in_a_row=2, overtaken=0)
    for before, answers in (("old", ["newer"]), (None, ["old", "newer"])):
        was = None if before is None else answering(before)
        with serve(in_turn(*map(health, answers))) as server, pytest.raises(WorkerError) as caught:
            wait_for_deployment(server.url, "new", ignore, at_once, was)
        assert caught.value.code == "deploy_unconfirmed"
        assert "somebody has deployed" in caught.value.message
        assert len(server.requests) == len(answers)


def test_another_deployment_that_answers_once_has_not_overtaken() -> None:
    """Places differ for a while: one that answers now and then may be one of before."""
    answers = (health("other"), health("old"), health("new"))
    with serve(in_turn(*answers)) as server:
        assert wait_for_deployment(server.url, "new", ignore, SOON, answering("old")).deployment == "new"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (HTML, "status 404"),
        (health("old"), "an earlier deployment answers"),
        (answer(302, b"", "text/html", "Location: https://elsewhere.example/"), "redirected"),
        (answer(525, b"error code: 525", "text/plain"), "status 525"),
    ],
)
def test_one_that_never_answers_says_what_did(answers: bytes, reason: str) -> None:
    with serve(in_turn(answers)) as server, pytest.raises(WorkerError) as caught:
        wait_for_deployment(server.url, "new", ignore, NEVER)
    assert caught.value.code == "deploy_unconfirmed"
    assert reason in caught.value.message
    assert f"{server.url}/health" in caught.value.hint


def test_a_proof_waits_for_secrets_and_for_others() -> None:
    answers = (error(503, "not_configured"), error(401, "unauthorized"), error(429, "too_many_runs"), result())
    with serve(in_turn(*answers)) as server:
        assert prove(server.url, "token", ignore, SOON).success
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer token"}


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        # A Worker without Dynamic Workers will not get them by waiting.
        (error(503, "sandbox_unavailable"), "sandbox_unavailable"),
        (result(output="something else"), "deploy_unconfirmed"),
        (result(success=False, error="It failed.", errorCode="program_failed"), "deploy_unconfirmed"),
        (EVENT_STREAM, "stream_ended"),
    ],
)
def test_what_proves_nothing_is_told_at_once(answers: bytes, code: str) -> None:
    with serve(in_turn(answers)) as server, pytest.raises(CctError) as caught:
        prove(server.url, "token", ignore, SOON)
    assert caught.value.code == code
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (error(400, "invalid_request"), True),
        (error(401, "unauthorized"), False),
        (error(503, "not_configured"), False),
    ],
)
def test_a_token_is_tried_without_a_run(answers: bytes, expected: bool) -> None:
    with serve(in_turn(answers)) as server:
        assert accepts(server.url, "token") is expected
        wait_for_token(server.url, "token", accepted=expected, progress=ignore, patience=SOON)
        with pytest.raises(WorkerError, match="token") as caught:
            wait_for_token(server.url, "token", accepted=not expected, progress=ignore, patience=NEVER)
    assert caught.value.code == "deploy_unconfirmed"
    assert json.loads(server.requests[0].body)["files"] == []


def test_packages_are_installed_by_npm_ci_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What npm does is npm's; here it is asked for exactly once, and without scripts of packages."""
    asked: list[list[str]] = []
    package = {"packages": {"node_modules/a": {"version": "1.0.0"}}}
    (tmp_path / "package-lock.json").write_text(json.dumps(package))

    def install(command: list[str], *, cwd: Path, **_: object) -> None:
        asked.append(command[1:])
        (cwd / "node_modules").mkdir()
        (cwd / "node_modules" / ".package-lock.json").write_text(json.dumps(package))

    told: list[str] = []
    monkeypatch.setattr(projects, "run_tool", install)
    projects.install(tmp_path, told.append)
    projects.install(tmp_path, told.append)
    assert [command[:2] for command in asked] == [["ci", "--ignore-scripts"]]
    assert len(told) == 1
