from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cct_cloudflare import config, deployments
from cct_cloudflare.doctor import Context
from cct_cloudflare.doctor.worker import packaged_version
from cct_cloudflare.sandbox.hints import OWN_HINTS
from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from tests.doctor.looking import look, told
from tests.runtime import KEY
from tests.sandbox.loopback import answer, serve

TOKEN = "token-CANARY-0a1b2c3d"


@pytest.fixture(scope="module")
def worker(runtime: LocalRuntime) -> Iterator[str]:
    """The real Worker, on a port of this machine, as a deployed one is reached."""
    with local_worker(runtime, environment={"ANTHROPIC_API_KEY": KEY}, listen="127.0.0.1:0", token=TOKEN) as local:
        yield local.url


def health(**changes: object) -> bytes:
    body = {
        "status": "ok",
        "timestamp": datetime.datetime.now(datetime.UTC).isoformat(),
        "worker": "cct-cloudflare-sandbox",
        "version": packaged_version(),
        "model": "claude-sonnet-5-5",
        "languages": ["python"],
        "sandboxes": ["isolate"],
        **changes,
    }
    return answer(200, json.dumps(body).encode())


CHECKS = ("worker", "worker-version", "token")


def test_without_a_worker_nothing_is_asked(project: Path) -> None:
    assert [look(project, name).status for name in CHECKS] == ["skip"] * 3


def test_a_worker_that_is_well(project: Path, worker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCT_TOKEN", TOKEN)
    context = Context(project, worker_url=worker)
    assert [look(context, name).status for name in (*CHECKS, "clock")] == ["ok"] * 4


def test_the_variable_names_the_worker_too(project: Path, worker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_WORKER_URL", worker)
    config.store_worker(worker, TOKEN)
    assert [look(project, name).status for name in CHECKS] == ["ok"] * 3


def test_the_worker_that_was_deployed_from_the_project(project: Path, worker: str) -> None:
    deployments.remember(project, deployments.Deployment("staging", "cct-sandbox", url=worker))
    deployments.make_current(project, "staging")
    config.store_worker(worker, TOKEN)
    assert [look(project, name).status for name in CHECKS] == ["ok"] * 3
    assert [look(Context(project, local=True), name).status for name in CHECKS] == ["skip"] * 3


def test_a_token_that_the_worker_does_not_take(project: Path, worker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCT_TOKEN", "wrong-CANARY")
    check = look(Context(project, worker_url=worker), "token")
    assert check.status == "fail"
    assert "CANARY" not in repr(check)


def test_no_token(project: Path, worker: str) -> None:
    status, detail, fix = told(look(Context(project, worker_url=worker), "token"))
    assert (status, worker in detail, "CCT_TOKEN" in fix) == ("fail", True, True)


def test_a_worker_without_a_token_of_its_own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCT_TOKEN", TOKEN)
    refusal = {"success": False, "error": "This Worker has no CCT_TOKEN.", "errorCode": "not_configured", "hint": "h"}

    def worker(connection: object, request: object) -> None:
        is_health = getattr(request, "line", "").startswith("GET")
        reply = health() if is_health else answer(503, json.dumps(refusal).encode())
        connection.sendall(reply)  # type: ignore[attr-defined]

    with serve(worker) as server:
        assert told(look(Context(project, worker_url=server.url), "token")) == (
            "fail",
            "This Worker has no CCT_TOKEN.",
            OWN_HINTS["not_configured"],
        )


def test_a_worker_that_has_stopped(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCT_TOKEN", TOKEN)
    context = Context(project, worker_url="http://127.0.0.1:1")
    status, detail, fix = told(look(context, "worker"))
    assert (status, "the connection was refused" in detail) == ("fail", True)
    assert fix
    assert [look(context, name).status for name in ("worker-version", "token", "clock")] == ["skip"] * 3


def test_something_else_at_the_workers_address(project: Path) -> None:
    with serve(answer(200, b"<html>", "text/html")) as server:
        assert look(Context(project, worker_url=server.url), "worker").status == "fail"


def test_a_url_that_is_none(project: Path) -> None:
    context = Context(project, worker_url="http://example.com/?CANARY")
    for name in CHECKS:
        check = look(context, name)
        assert check.status == "fail"
        assert "CANARY" not in repr(check)


def test_offline_the_token_is_known_and_nothing_is_asked(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCT_TOKEN", TOKEN)
    with serve(health()) as server:
        context = Context(project, worker_url=server.url, offline=True)
        assert [look(context, name).status for name in (*CHECKS, "clock")] == ["skip"] * 4
        assert server.requests == []


@pytest.mark.parametrize(
    ("version", "status", "fix"),
    [("0.0.9", "warn", "cct deploy"), ("99.0.0", "warn", "Upgrade cct: pip install --upgrade cct-cloudflare")],
)
def test_a_worker_of_another_version(project: Path, version: str, status: str, fix: str) -> None:
    with serve(health(version=version)) as server:
        check = look(Context(project, worker_url=server.url), "worker-version")
    assert (check.status.value, check.finding.fix) == (status, fix)
    assert version in check.finding.detail


def test_a_worker_that_says_it_is_not_well(project: Path) -> None:
    with serve(health(status="\x1b[31mdegraded")) as server:
        check = look(Context(project, worker_url=server.url), "worker")
    assert (check.status, "'degraded'" in check.finding.detail) == ("warn", True)


@pytest.mark.parametrize(
    ("timestamp", "status"),
    [("2020-01-01T00:00:00Z", "warn"), ("2020-01-01T00:00:00", "warn"), ("yesterday", "skip"), (None, "skip")],
)
def test_a_worker_with_another_clock(project: Path, timestamp: str | None, status: str) -> None:
    with serve(health(timestamp=timestamp)) as server:
        assert look(Context(project, worker_url=server.url), "clock").status == status


def test_the_workers_own_model_is_looked_at(project: Path) -> None:
    clock = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
    with serve(health(model="claude-sonnet-4-5")) as server:
        check = look(Context(project, worker_url=server.url, clock=lambda: clock), "model")
    assert check.status == "fail"
    assert "claude-sonnet-4-5, the deployed Worker's model," in check.finding.detail
