"""`cct logs`: the real wrangler's tail of a log on loopback."""

from __future__ import annotations

import json
import signal

import pytest

from cct_cloudflare.deploy.tailing import JsonLines, Warnings
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from tests.deploy.cloudflare_api import CloudflareApi
from tests.deploy.conftest import render
from tests.deploy.site import Worker
from tests.runtime import Cct, end

HOSTILE = "\x1b]52;c;aGk=\x07\x1b[2Jwarned\u202e \x9b31m of it"


@pytest.fixture
def logged(cct: Cct, api: CloudflareApi, runtime: LocalRuntime) -> Cct:
    render(cct.project, runtime)
    api.workers["cct-sandbox"] = Worker()
    event = {"request": {"url": "https://x.example/run", "method": "POST", "headers": {}, "cf": {}}}
    api.log.append(
        {
            "outcome": "ok",
            "scriptName": "cct-sandbox",
            "exceptions": [],
            "logs": [{"message": [HOSTILE], "level": "warn", "timestamp": 1_700_000_000_000}],
            "eventTimestamp": 1_700_000_000_000,
            "event": event,
        }
    )
    return cct


@pytest.mark.parametrize("as_json", [False, True])
def test_is_followed_until_ctrl_c(as_json: bool, logged: Cct, api: CloudflareApi) -> None:
    process = logged.start("logs", "--status", "ok", *(["--json"] if as_json else []), env=api.environment)
    assert process.stdout is not None
    seen = b""
    while b"warned" not in seen:
        line = process.stdout.readline()
        assert line, process.communicate()
        seen += line
    done = end(process, signal.SIGINT)
    assert done.code == 0, done.stderr
    assert api.tails == set()  # wrangler has taken it back
    assert "Traceback" not in done.stderr
    assert "KeyboardInterrupt" not in done.stderr
    shown = (seen + done.raw).decode()
    if as_json:
        (line_of_json,) = shown.splitlines()
        assert shown.isascii()
        assert json.loads(line_of_json)["logs"][0]["message"] == [HOSTILE]
    else:
        assert "warned" in shown
        assert not set("\x1b\x07\x9b\u202e") & set(shown)
        assert "The log of cct-sandbox" in done.stderr


def test_of_a_worker_that_is_not_there(logged: Cct, api: CloudflareApi) -> None:
    api.workers.clear()
    shown = logged("logs", env=api.environment)
    assert shown.stderr.count("There is no Worker") == 1
    assert "not found" not in shown.stderr
    done = logged("logs", "--json", env=api.environment)
    assert done.code == 3
    assert done.json["errorCode"] == "deploy_missing"
    assert "cct deploy" in done.json["hint"]


def test_what_is_said_aside_is_shown_but_for_the_error() -> None:
    out: list[str] = []
    aside = Warnings(out.append)
    for line in ("\n", "▲ [WARNING] Tail connection lost\n", "\n", "✘ [ERROR] A request failed.\n", "  [code: 1]\n"):
        aside.feed(line)
    assert out == ["▲ [WARNING] Tail connection lost\n"]


def test_json_over_several_lines_becomes_one_line() -> None:
    out: list[str] = []
    lines = JsonLines(out.append)
    for line in (
        "Connected\n",
        "{\n",
        '  "a": {\n',
        '    "b": "é}"\n',
        "  }\n",
        "}\n",
        "{}\n",
        "{\n",
        "broken\n",
        "}\n",
        "{\n",
        f'"deep": {"[" * 100_000}\n',
        "}\n",
    ):
        lines.feed(line)
    assert out == ['{"a": {"b": "\\u00e9}"}}\n', "{}\n"]
