from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from cct_cloudflare import config, scaffold
from cct_cloudflare.claude_api import list_models
from cct_cloudflare.doctor import Context
from cct_cloudflare.errors import CctError, ConfigError
from cct_cloudflare.pricing import default_model
from cct_cloudflare.scripted import ScriptedModel
from tests.doctor.looking import look, told
from tests.sandbox.loopback import answer, serve, until_gone

KEY = "sk-ant-api03-CANARY-0a1b2c3d"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    return KEY


def on(day: str, project: Path, *, offline: bool = True) -> Context:
    """The day of the examination."""
    return Context(project, offline=offline, clock=lambda: datetime.datetime.fromisoformat(f"{day}T12:00:00+00:00"))


def models(*entries: dict[str, object]) -> bytes:
    return json.dumps({"data": list(entries), "has_more": False}).encode()


# The endpoint


@pytest.mark.parametrize(
    ("base", "status", "said"),
    [
        (None, "ok", "Anthropic's own"),
        ("https://gateway.example/claude", "ok", "gateway.example"),
        ("https://me:CANARY@gateway.example/claude", "fail", "nothing else"),
        ("http://127.0.0.1:4000", "ok", "127.0.0.1"),
        ("http://gateway.example", "warn", "in the clear"),
        ("https://gateway.example/v1/", "ok", "gateway.example"),
        ("gateway.example", "fail", "must begin with"),
        ("https://[CANARY", "fail", "not a URL"),
    ],
)
def test_the_endpoint(project: Path, monkeypatch: pytest.MonkeyPatch, base: str | None, status: str, said: str) -> None:
    if base is not None:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", base)
    check = look(project, "endpoint")
    assert (check.status.value, said in check.finding.detail) == (status, True)
    assert "CANARY" not in repr(check.to_json())


# The key


def test_without_a_key_it_says_where_one_can_be(project: Path) -> None:
    status, _, fix = told(look(project, "key"))
    assert status == "fail"
    assert "ANTHROPIC_API_KEY" in fix
    assert look(project, "key-valid").status == "skip"


def test_it_says_where_the_key_comes_from(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / ".env").write_text(f"ANTHROPIC_API_KEY={KEY}\n")
    assert told(look(project, "key"))[:2] == ("ok", "A key comes from the project's .env.")
    config.store_anthropic_key(KEY)
    assert "credentials.json" in look(project, "key").finding.detail
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert told(look(project, "key"))[:2] == ("ok", "A key comes from the variable ANTHROPIC_API_KEY.")


def test_a_key_that_cannot_be_one(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "your-key here")
    assert look(project, "key").status == "fail"


def test_with_a_deployed_worker_no_key_is_needed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_WORKER_URL", "https://worker.invalid")
    for name in ("key", "key-valid"):
        assert look(Context(project, offline=True), name).status == "skip"


def test_a_valid_key_is_asked_about_once(project: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedModel() as model:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url + "/v1")  # as generation reads it, too
        context = Context(project)
        assert look(context, "key-valid").status == "ok"
        assert [(request.method, request.path) for request in model.requests] == [("GET", "/v1/models?limit=1000")]
        assert model.requests[0].headers["x-api-key"] == key
        context.catalog.get()
        assert len(model.requests) == 1


def test_offline_asks_nobody(project: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedModel() as model:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        for name in ("key-valid", "model", "clock"):
            look(Context(project, offline=True), name)
        assert model.requests == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused(project: Path, key: str, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with serve(answer(status, b'{"error": {"message": "invalid x-api-key"}}')) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        check = look(project, "key-valid")
    assert check.status == "fail"
    assert "refuses the key" in check.finding.detail
    assert KEY not in repr(check)


@pytest.mark.parametrize(
    "response",
    [
        answer(404, b"no such route", "text/plain"),
        answer(500, b"{}"),
        answer(302, b"", "text/plain", "Location: http://127.0.0.1:1/v1/models"),
        b"not http at all\r\n\r\n",
        b"",
    ],
)
def test_what_says_nothing_about_the_key_is_a_warning(
    project: Path, key: str, monkeypatch: pytest.MonkeyPatch, response: bytes
) -> None:
    with serve(response) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        check = look(project, "key-valid")
        assert len(api.requests) == 1
    assert check.status == "warn"
    assert KEY not in repr(check)


def test_nobody_there_is_a_warning(project: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    assert told(look(project, "key-valid"))[:2] == ("warn", "Claude's API at 127.0.0.1 could not be reached.")


def test_an_api_that_stays_silent_is_given_up() -> None:
    with (
        serve(lambda connection, _: until_gone(connection)) as api,
        pytest.raises(CctError) as caught,
    ):
        list_models(KEY, api.url, timeout=0.2)
    assert caught.value.code == "model_unreachable"


@pytest.mark.parametrize("base", ["ftp://example.com", "nonsense", "http://[", "http://\x00"])
def test_an_address_that_is_none_is_an_error_of_the_configuration(base: str) -> None:
    with pytest.raises(ConfigError, match="ANTHROPIC_BASE_URL"):
        list_models(KEY, base)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": 3}', b'{"data": [{"id": 3}, {}]}', b"[" * 100_000])
def test_a_list_that_cannot_be_read_still_accepts_the_key(body: bytes) -> None:
    with serve(answer(200, body)) as api:
        assert list_models(KEY, api.url).models == {}


# Models and their ends


def test_the_default_model_stays(project: Path) -> None:
    status, detail, _ = told(look(Context(project, offline=True), "model"))
    assert (status, default_model() in detail) == ("ok", True)


@pytest.mark.parametrize(
    ("day", "status"),
    [
        ("2026-09-30", "ok"),
        ("2026-10-01", "warn"),
        ("2026-11-29", "warn"),
        ("2026-11-30", "fail"),
        ("2027-02-01", "fail"),
    ],
)
def test_the_projects_model_near_its_end(project: Path, day: str, status: str) -> None:
    scaffold.apply(scaffold.plan(project))
    file = scaffold.target_of(project) / "wrangler.toml"
    file.write_text(file.read_text().replace(default_model(), "claude-sonnet-4-5-20250929", 1))
    check = look(on(day, project), "model")
    assert check.status == status
    if status != "ok":
        assert "claude-sonnet-4-5-20250929, the model in wrangler.toml, " in check.finding.detail
        assert "2026-11-30" in check.finding.detail
        assert default_model() in check.finding.fix


def test_a_wrangler_toml_that_is_none_names_no_model(project: Path) -> None:
    scaffold.apply(scaffold.plan(project))
    (scaffold.target_of(project) / "wrangler.toml").write_text("[vars\n")
    assert look(Context(project, offline=True), "model").status == "ok"


@pytest.mark.parametrize(
    ("lifecycle", "retires", "status"),
    [
        ("active", None, "ok"),
        ("deprecated", "2027-06-01T00:00:00Z", "warn"),
        ("deprecated", "2026-12-24T00:00:00Z", "warn"),
        ("deprecated", "2026-11-01T00:00:00Z", "warn"),
        ("retired", "2026-11-01T00:00:00Z", "fail"),
        ("retired", None, "fail"),
        ("new word", "no date", "ok"),
    ],
)
def test_what_the_api_says_of_a_model_counts_more(
    project: Path, key: str, monkeypatch: pytest.MonkeyPatch, lifecycle: str, retires: str | None, status: str
) -> None:
    entry: dict[str, object] = {"id": default_model(), "lifecycle": lifecycle, "retires_at": retires}
    with serve(answer(200, models(entry))) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        assert look(on("2026-11-23", project, offline=False), "model").status == status


# The clock, where Claude's API is the only other one


@pytest.mark.parametrize(
    ("date", "status", "said"),
    [
        ("Mon, 23 Nov 2026 12:00:40 GMT", "ok", "agrees"),
        ("Mon, 23 Nov 2026 11:50:00 GMT", "warn", "10 minutes ahead of"),
        ("Tue, 24 Nov 2026 18:00:00 GMT", "warn", "30 hours behind"),
        ("no date", "skip", ""),
    ],
)
def test_the_clock(project: Path, key: str, monkeypatch: pytest.MonkeyPatch, date: str, status: str, said: str) -> None:
    with serve(answer(200, models(), "application/json", f"Date: {date}")) as api:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", api.url)
        check = look(on("2026-11-23", project, offline=False), "clock")
    assert (check.status.value, said in check.finding.detail) == (status, True)
