"""`cct --direct` as a process of its own, and what a Worker that cannot be reached leads to."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import socket
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

import pytest

from cct_cloudflare.scripted import Fault, ScriptedModel
from tests.runtime import KEY, PATIENCE, PROMPT, TOKEN, Cct, access, reply, reply_of
from tests.sandbox.loopback import EVENT_STREAM, serve, sse, until_gone

CANARY = "direct-ran-after-all"
#: Were it run anywhere, it would leave a file and a line behind.
PROGRAM = reply({"main.py": f"print('{CANARY}'.upper()); open('ran.txt', 'w')\n"}, language="python")


def direct(cct: Cct, model: ScriptedModel, *argv: str | Path) -> tuple[int, str, str]:
    done = cct("--sandbox", "cloudflare", "--direct", "--prompt", PROMPT, *argv, env=access(model))
    return done.code, done.stdout, done.stderr


def test_the_program_is_saved_and_not_run(cct: Cct) -> None:
    with ScriptedModel([PROGRAM], pace=0) as model:
        code, out, err = direct(cct, model)
    assert (code, out) == (0, "")
    assert "was not run" in err
    assert CANARY.upper() not in err
    ((path, data),) = cct.files().items()
    assert path.endswith("/main.py")
    assert data.decode() == PROGRAM.files[0].content
    # It needs no Worker, so none is rendered; and says how to run what it saved.
    assert not (cct.project / ".claude").exists()
    assert f"cct run {path}" in err


def test_json_says_that_nothing_ran(cct: Cct) -> None:
    with ScriptedModel([PROGRAM], pace=0) as model:
        done = cct("--direct", "--json", "--prompt", PROMPT, "--output", "out", env=access(model))
    body = done.json
    assert done.code == 0
    assert (body["success"], body["ran"], body["output"], body["exitCode"]) == (True, False, "", None)
    assert body["code"] == PROGRAM.files[0].content
    assert [file["path"] for file in body["savedFiles"]] == ["main.py"]
    assert body["usage"]["outputTokens"] > 0
    assert list(cct.files()) == ["out/main.py"]


def test_the_scripted_model_works_too(cct: Cct) -> None:
    done = cct("--direct", "--demo", "--json", "--prompt", "What is the 10th Fibonacci number?")
    assert (done.code, done.json["ran"]) == (0, False)


def test_an_unsafe_name_is_refused_and_the_rest_saved(cct: Cct) -> None:
    hostile = reply({"main.py": "1", "../escape.py": "1", ".git/hooks/pre-commit": "1"}, language="python")
    with ScriptedModel([hostile], pace=0) as model:
        done = cct("--direct", "--json", "--prompt", PROMPT, "--output", "out", env=access(model))
    assert done.code == 7
    assert {file["path"] for file in done.json["refusedFiles"]} == {"../escape.py", ".git/hooks/pre-commit"}
    assert list(cct.files()) == ["out/main.py"]
    assert not (cct.project.parent / "escape.py").exists()


def test_one_path_twice_is_refused_as_a_whole(cct: Cct) -> None:
    hostile = reply_of([("main.py", "1"), ("MAIN.py", "2")], language="python")
    with ScriptedModel([hostile], pace=0) as model:
        done = cct("--direct", "--json", "--prompt", PROMPT, env=access(model))
    assert (done.code, done.json["errorCode"]) == (7, "unsafe_file")
    assert cct.files() == {}


@pytest.mark.parametrize(
    ("fault", "code", "word"),
    [
        (Fault(status=401, message=f"invalid x-api-key {KEY}"), 3, "key_rejected"),
        (Fault(stream="cut"), 5, "model_interrupted"),
        (Fault(stream="max_tokens"), 5, "model_truncated"),
    ],
    ids=["401", "cut", "max_tokens"],
)
def test_a_failed_generation_saves_nothing(cct: Cct, fault: Fault, code: int, word: str) -> None:
    with ScriptedModel([PROGRAM], faults=repeat(fault), pace=0) as model:
        done = cct("--direct", "--json", "--prompt", PROMPT, env=access(model))
    assert (done.code, done.json["errorCode"]) == (code, word)
    assert KEY not in done.stdout + done.stderr
    assert cct.files() == {}


def test_what_is_missing_or_contradicts_itself(cct: Cct) -> None:
    done = cct("--direct", "--json", "--prompt", PROMPT)
    assert (done.code, done.json["errorCode"]) == (3, "key_missing")
    done = cct("--direct", "--json", "--prompt", PROMPT, "--worker-url", "https://worker.example")
    assert (done.code, done.json["errorCode"]) == (2, "usage")
    assert list(cct.project.iterdir()) == []


def test_a_configured_worker_is_not_asked(cct: Cct) -> None:
    with ScriptedModel([PROGRAM], pace=0) as model, serve(lambda connection, _: until_gone(connection)) as worker:
        env = {**access(model), "CLOUDFLARE_WORKER_URL": worker.url, "CCT_TOKEN": TOKEN}
        assert cct("--direct", "--quiet", "--prompt", PROMPT, env=env).code == 0
    assert worker.requests == []


# A Worker that cannot be reached


@contextmanager
def nowhere() -> Iterator[dict[str, str]]:
    """The environment of a Worker at a port that refuses every connection."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        yield {"CLOUDFLARE_WORKER_URL": url, "CCT_TOKEN": TOKEN}


def test_without_a_terminal_it_is_exit_4_and_names_both_ways(cct: Cct) -> None:
    with nowhere() as env, ScriptedModel([PROGRAM], pace=0) as model:
        done = cct("--json", "--prompt", PROMPT, env={**env, **access(model)})
    assert (done.code, done.json["errorCode"]) == (4, "worker_unreachable")
    assert "refused" in done.json["error"]
    assert "--local" in done.json["hint"]
    assert "--direct" in done.json["hint"]
    assert model.requests == []
    assert cct.files() == {}


def test_local_is_this_machine_whatever_is_configured(cct: Cct) -> None:
    (cct.project / "main.js").write_text("console.log('here')")
    with nowhere() as env, ScriptedModel([PROGRAM], pace=0) as model:
        asked = cct("--local", "--json", "--prompt", PROMPT, env={**env, **access(model)})
        ran = cct("run", "main.js", "--local", "--json", env=env)
    assert (asked.code, asked.json["output"]) == (0, f"{CANARY.upper()}\n")
    assert (ran.code, ran.json["output"]) == (0, "here\n")


class Terminal:
    """A `cct` on a terminal of its own."""

    def __init__(self, cct: Cct, *argv: str, env: dict[str, str]) -> None:
        self._main, sub = pty.openpty()
        self.process = subprocess.Popen(
            cct.command(*argv),
            cwd=cct.project,
            env={**cct.environment, "TERM": "xterm", **env},
            stdin=sub,
            stdout=sub,
            stderr=sub,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal
        )
        os.close(sub)
        self.screen = ""

    def read_until(self, text: str) -> None:
        while text not in self.screen:
            assert self._more(), self.screen

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def end(self) -> int:
        while self._more():
            pass
        try:
            return self.process.wait(PATIENCE)  # before the terminal goes, which would hang it up
        finally:
            os.close(self._main)

    def _more(self) -> bool:
        ready, _, _ = select.select([self._main], [], [], PATIENCE)
        try:
            data = os.read(self._main, 65536) if ready else b""
        except OSError:  # how a terminal says that nobody writes to it any more
            data = b""
        self.screen += data.decode(errors="replace")
        return bool(data)


def ask_on_a_terminal(cct: Cct, env: dict[str, str], answer: str, *argv: str) -> tuple[int, str]:
    terminal = Terminal(cct, "--prompt", PROMPT, *argv, env=env)
    terminal.read_until("cloudflare?")  # rendering the project
    terminal.type("y\r")
    terminal.read_until("1, 2 or 3")
    terminal.type(answer)
    code = terminal.end()
    assert cct.left_behind() == []
    return code, terminal.screen


def test_on_a_terminal_it_offers_the_ways_in_their_order_and_stop_is_exit_4(cct: Cct) -> None:
    with nowhere() as env, ScriptedModel([PROGRAM], pace=0) as model:
        code, screen = ask_on_a_terminal(cct, {**env, **access(model)}, "\r")
    assert code == 4
    assert "refused" in screen
    assert screen.index("on this machine and run it") < screen.index("without running it") < screen.index("stop")
    assert "need an Anthropic API key" not in screen
    assert model.requests == []
    assert cct.files() == {}


def test_the_local_worker_can_take_over(cct: Cct) -> None:
    with nowhere() as env, ScriptedModel([PROGRAM], pace=0) as model:
        code, screen = ask_on_a_terminal(cct, {**env, **access(model)}, "1\r")
    assert code == 0
    assert CANARY.upper() in screen
    assert len(model.requests) == 1


def test_direct_can_take_over(cct: Cct) -> None:
    with nowhere() as env, ScriptedModel([PROGRAM], pace=0) as model:
        code, screen = ask_on_a_terminal(cct, {**env, **access(model)}, "2\r")
    assert code == 0
    assert "was not run" in screen
    assert CANARY.upper() not in screen
    assert len(model.requests) == 1


@pytest.mark.parametrize("answer", ["1\r", "2\r"])
def test_without_a_key_it_says_so(cct: Cct, answer: str) -> None:
    with nowhere() as env:
        code, screen = ask_on_a_terminal(cct, env, answer)
    assert code == 3
    assert "1 and 2 need an Anthropic API key. No Anthropic API key was found." in screen


def test_ctrl_c_at_the_question_starts_nothing(cct: Cct) -> None:
    with nowhere() as env, ScriptedModel([PROGRAM], pace=0) as model:
        code, _ = ask_on_a_terminal(cct, {**env, **access(model)}, "\x03")
    assert code == 130
    assert model.requests == []


def test_a_worker_that_has_begun_is_not_replaced(cct: Cct) -> None:
    """Its run may have been paid for: the error is all that follows."""
    begun = EVENT_STREAM + sse("started", {"sandboxId": "a", "sandbox": "isolate", "model": "m", "language": None})
    with serve(begun) as worker, ScriptedModel([PROGRAM], pace=0) as model:
        env = {"CLOUDFLARE_WORKER_URL": worker.url, "CCT_TOKEN": TOKEN, **access(model)}
        done = cct("--json", "--prompt", PROMPT, env=env)
    assert (done.code, done.json["errorCode"]) == (4, "stream_ended")
    assert "--direct" not in done.json["hint"]
    assert model.requests == []
