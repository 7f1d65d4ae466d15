"""`cct monitor` as a command, with the real Worker and a scripted model."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

import pytest

from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.scripted import Fault, ScriptedModel
from tests.runtime import KEY, PROMPT, Cct, Finished, access, end, reply, wait_until
from tests.sandbox.loopback import Request, answer, serve
from tests.worker_tools.worker import HEALTH

FIBONACCI = "What is the 10th Fibonacci number?"
SAID = "console.log('said'); console.error('complained');"
FAILING = "console.log('said'); process.exit(3);"


def monitor(cct: Cct, model: ScriptedModel, *argv: str | Path, prompt: str = PROMPT) -> Finished:
    return cct("monitor", prompt, "--yes", *argv, env=access(model))


def test_the_demo_is_observed_and_leaves_no_files(cct: Cct) -> None:
    done = cct("monitor", "--demo", "--yes", FIBONACCI)
    assert done.code == 0, done.stderr
    for told in ("this machine", "workerd 1.", "The program succeeded.", "first token", "no cost", "at its peak"):
        assert told in done.stdout
    places = [done.stderr.index(told) for told in ("SCRIPTED MODEL", "Claude writes", "prints", "result is here")]
    assert places == sorted(places)
    assert "Fibonacci number is 55" not in done.stdout + done.stderr, "measured, not shown"
    assert cct.files() == {}


def test_each_run_is_one_execution(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        done = monitor(cct, model, "--runs", "3", "--json")
    assert (done.code, done.stderr, len(model.requests)) == (0, "", 3)
    report = done.json
    assert [run["success"] for run in report["runs"]] == [True] * 3
    assert (report["summary"]["runs"], report["demo"], report["worker"]["url"]) == (3, False, None)
    metrics = report["runs"][0]["metrics"]
    assert (metrics["stdoutBytes"], metrics["stderrBytes"], metrics["fileBytes"]) == (5, 11, len(SAID))
    assert metrics["firstTokenMs"] <= metrics["generationMs"] <= metrics["totalMs"]
    assert metrics["peakMemoryBytes"] > 0
    assert KEY not in done.stdout


def test_files_are_kept_when_that_is_asked_for(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        done = monitor(cct, model, "--output", "kept")
    assert done.code == 0
    assert "kept/" in done.stdout
    assert cct.files() == {"kept/main.js": SAID.encode()}


def test_files_that_cannot_be_kept_are_said_after_the_report(cct: Cct) -> None:
    (cct.project / "kept" / "main.js").mkdir(parents=True)
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        text, body = monitor(cct, model, "--output", "kept"), monitor(cct, model, "--output", "kept", "--json")
    assert (text.code, body.code) == (7, 7)
    assert "The program succeeded" in text.stdout
    assert "main.js is a folder" in text.stderr
    assert body.json["error"]["errorCode"] == "unsafe_file"
    assert len(body.json["runs"]) == 1


def test_a_program_that_fails_is_exit_1_and_the_series_goes_on(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": FAILING})], pace=0) as model:
        done = monitor(cct, model, "--runs", "2")
    assert (done.code, len(model.requests)) == (1, 2)
    assert "0 of 2 runs succeeded" in done.stdout


def test_an_error_ends_the_series_and_what_was_paid_for_is_reported(cct: Cct) -> None:
    faults = [None, Fault(status=401)]
    with ScriptedModel([reply({"main.js": SAID})], pace=0, faults=faults * 2) as model:
        body, text = monitor(cct, model, "--runs", "3", "--json"), monitor(cct, model, "--runs", "3")
    assert (body.code, text.code, len(model.requests)) == (3, 3, 4)
    assert (len(body.json["runs"]), body.json["error"]["errorCode"]) == (1, "key_rejected")
    assert "The program succeeded" in text.stdout
    assert "Error:" in text.stderr


def test_an_error_of_the_first_run_is_the_answer(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0, faults=[Fault(status=401)]) as model:
        done = monitor(cct, model, "--json")
    assert (done.code, done.json["errorCode"]) == (3, "key_rejected")


def test_ctrl_c_in_a_series_loses_nothing(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0, faults=[None, Fault(stream="stall")]) as model:
        process = cct.start("monitor", PROMPT, "--yes", "--runs", "5", "--json", env=access(model))
        assert wait_until(lambda: len(model.requests) == 2)
        done = end(process, signal.SIGINT)
    assert done.code == 130
    assert (len(done.json["runs"]), done.json["error"]["errorCode"]) == (1, "interrupted")
    assert cct.left_behind() == []


def test_each_run_is_in_the_history(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        assert monitor(cct, model, "--runs", "2", "--quiet").code == 0
    runs = json.loads(cct("history", "--json").stdout)["runs"]
    assert [(run["kind"], run["status"]) for run in runs] == [("monitor", "succeeded")] * 2


def test_the_prompt_may_come_from_a_file_or_standard_input(cct: Cct) -> None:
    (cct.project / "idea.md").write_text(FIBONACCI)
    assert cct("monitor", "--prompt-file", "idea.md", "--demo", "--yes", "--quiet").code == 0
    assert cct("monitor", "-", "--demo", "--yes", "--quiet", stdin=FIBONACCI.encode()).code == 0


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "no prompt"),
        (["", "--demo"], "prompt is empty"),
        (["a", "--prompt-file", "b"], "both given"),
        (["a", "--runs", "0"], "--runs"),
        (["a", "--runs", "101"], "--runs"),
        (["a", "--runs", "2", "--output", "x"], "--output"),
        (["a", "--interval", "1"], "--watch"),
        (["a", "--watch"], "--watch"),
        (["--watch", "--prompt-file", "b"], "--watch"),
        (["--watch", "--interval", "nan"], "--interval"),
        (["--watch", "--interval", "0"], "--interval"),
        (["--watch", "--worker-url", "http://example.com"], "--worker-url"),
        (["a", "b"], "unexpected"),
        (["Unknown to the script.", "--demo"], "does not know this prompt"),
    ],
)
def test_usage_errors_are_exit_2_and_start_nothing(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run_cli(["monitor", *argv]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# Health alone

UP = answer(200, json.dumps(HEALTH).encode())


def watched(*answers: bytes, argv: tuple[str, ...] = (), capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    left = list(answers)

    def handle(connection: socket.socket, _: Request) -> None:
        connection.sendall(left.pop(0))

    with serve(handle) as server:
        code = run_cli(
            ["monitor", "--watch", "--worker-url", server.url, "--interval", "0.2", "--runs", str(len(answers)), *argv]
        )
    assert all("authorization" not in request.headers for request in server.requests)
    return code, *capsys.readouterr()


def test_a_watch_needs_no_token_and_asks_for_health_alone(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = watched(UP, UP, capsys=capsys)
    assert (code, err) == (0, "")
    assert "2 of 2 checks" in out


def test_a_worker_that_goes_down_is_shown_and_the_watch_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = watched(UP, answer(502, b"nginx"), UP, argv=("--json",), capsys=capsys)
    checks = [json.loads(line) for line in out.splitlines()]
    assert (code, [check["up"] for check in checks]) == (4, [True, False, True])
    assert checks[1]["error"]["errorCode"] == "worker_invalid"
    assert checks[0]["worker"]["latencyMs"] > 0


def test_ctrl_c_is_how_a_watch_ends(cct: Cct) -> None:
    with serve(UP) as server:
        process = cct.start("monitor", "--watch", "--worker-url", server.url, "--interval", "0.2")
        assert wait_until(lambda: len(server.requests) >= 2)
        done = end(process, signal.SIGINT)
    assert (done.code, done.stderr) == (0, "")
    assert "checks" in done.stdout.splitlines()[-1]


def test_without_a_worker_the_local_one_is_watched(cct: Cct) -> None:
    done = cct("monitor", "--watch", "--runs", "2", "--interval", "0.2", "--json")
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.code, [check["up"] for check in checks]) == (0, [True, True])
    assert checks[0]["worker"]["sandboxes"] == ["process"]
    assert not (cct.project / ".claude").exists(), "nothing is rendered for it"
