"""`cct dev` as a user has it: the real command, curl, another cct beside it, and an editor."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.runtime import KEY, PATIENCE, Cct, end, family

PROMPT = "What is the 10th Fibonacci number?"
ANSWER = "The 10th Fibonacci number is 55."
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@dataclass
class Dev:
    """A running `cct dev --json`; `ready` is its first line."""

    cct: Cct
    process: subprocess.Popen[bytes]
    ready: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    @property
    def source(self) -> Path:
        return Path(self.ready["source"])

    def event(self, *names: str) -> dict[str, Any]:
        """The next event of one of these names."""
        return next_event(self.process, *names)

    def health(self) -> dict[str, Any]:
        return dict(json.loads(self.get("/health")))

    def get(self, path: str) -> str:
        from urllib.request import urlopen

        with urlopen(self.url + path, timeout=PATIENCE) as response:
            return str(response.read().decode())

    def edit(self, before: str, after: str, name: str = "src/index.ts") -> None:
        path = self.source / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))


def next_event(process: subprocess.Popen[bytes], *names: str) -> dict[str, Any]:
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event.get("event") in names:
            return dict(event)
    raise AssertionError(f"it ended before {names}: {process.stderr.read() if process.stderr else ''!r}")


@contextlib.contextmanager
def serving(cct: Cct, *argv: str, env: Mapping[str, str] | None = None) -> Iterator[Dev]:
    """Ends it with Ctrl-C, which must leave nothing."""
    process = cct.start("dev", "--json", "--port", "0", *argv, env=env)
    try:
        yield Dev(cct, process, next_event(process, "ready"))
        done = end(process, signal.SIGINT)
        assert (done.code, done.stderr) == (0, "")
        assert cct.left_behind() == []
        assert stored(cct) == {}
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def stored(cct: Cct) -> dict[str, Any]:
    path = cct.home / ".config" / "cct-cloudflare" / "workers.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def shell(cct: Cct, line: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=cct.project,
        env={**cct.environment, **(env or {})},
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return dict(json.loads(done.stdout))


@needs_curl
def test_the_curl_line_works_as_it_is_and_one_command_runs_against_it(cct: Cct) -> None:
    with serving(cct, "--demo") as dev:
        assert ANSWER in shell(cct, dev.ready["curl"])["output"]
        assert dev.event("request") | {"ms": 0} == {
            "event": "request",
            "method": "POST",
            "path": "/execute",
            "status": 200,
            "ms": 0,
        }
        done = cct_beside(cct, "--sandbox", "cloudflare", "--worker-url", dev.url, "--prompt", PROMPT, "--yes")
        assert done.returncode == 0, done.stderr
        assert ANSWER in done.stdout.decode()


def cct_beside(cct: Cct, *argv: str) -> subprocess.CompletedProcess[bytes]:
    """Another cct of the same user, in a folder of its own, while `cct dev` runs."""
    elsewhere = cct.project.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    return subprocess.run(cct.command(*argv), cwd=elsewhere, env=cct.environment, capture_output=True, timeout=PATIENCE)


@needs_curl
def test_on_a_screen_it_says_all_that_is_needed(cct: Cct) -> None:
    process = cct.start("dev", "--demo", "--port", "0")
    assert process.stderr is not None
    shown: list[str] = []
    for raw in process.stderr:
        shown.append(raw.decode().rstrip("\n"))
        if "Ctrl-C" in shown[-1]:
            break
    (curl,) = (line for line in shown if line.startswith("curl "))
    assert ANSWER in shell(cct, curl)["output"]
    assert any(line.startswith("cct --sandbox cloudflare --worker-url http://localhost:") for line in shown)
    assert any("SCRIPTED MODEL" in line for line in shown)
    assert "POST /execute  200" in process.stderr.readline().decode()
    done = end(process, signal.SIGINT)
    assert (done.code, done.stdout) == (0, "")
    assert cct.left_behind() == []


def test_it_ends_with_its_reader(cct: Cct) -> None:
    """As of `cct dev --json | head -1`: nobody would ever see what it goes on to say."""
    process = cct.start("dev", "--demo", "--json", "--port", "0")
    next_event(process, "ready")
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdout.close()
    with process.stdin, process.stderr:
        assert (process.wait(PATIENCE), process.stderr.read()) == (0, b"")
    assert cct.left_behind() == []
    assert stored(cct) == {}


def test_a_change_is_served_at_the_same_address_and_a_broken_one_is_not(cct: Cct) -> None:
    with serving(cct, "--demo", "--trust-project") as dev:
        assert dev.health()["status"] == "ok"
        dev.edit("status: 'ok'", "status: 'edited'")
        dev.event("loaded")
        assert dev.health()["status"] == "edited"

        dev.edit("status: 'edited'", "status: 'broken'; ((")
        failed = dev.event("failed")
        assert failed["errorCode"] == "toolchain"
        assert "src/index.ts" in failed["error"]
        assert dev.health()["status"] == "edited"

        dev.edit("status: 'broken'; ((", "status: 'mended'")
        dev.event("loaded")
        assert dev.health()["status"] == "mended"

        dev.edit("export default app", "throw new Error('at once');\nexport default app")
        assert "at once" in dev.event("log")["text"]
        assert "did not start" in dev.event("failed")["error"]
        assert dev.health()["status"] == "mended"

        dev.edit("throw new Error('at once');\n", "console.log('loaded');\n")
        dev.event("loaded")
        done = cct_beside(cct, "run", "--worker-url", dev.url, "-", "--language", "javascript")
        assert done.returncode == 0, done.stderr


def test_variables_of_wrangler_toml_are_served_without_a_build(cct: Cct) -> None:
    with serving(cct, "--demo") as dev:
        model = dev.health()["model"]
        dev.edit(f'DEFAULT_MODEL = "{model}"', 'DEFAULT_MODEL = "claude-haiku-5-5"', "wrangler.toml")
        assert dev.event("loaded", "note")["event"] == "loaded"
        assert dev.health()["model"] == "claude-haiku-5-5"


def test_a_changed_source_needs_consent_also_while_it_runs(cct: Cct) -> None:
    with serving(cct, "--demo") as dev:
        dev.edit("status: 'ok'", "status: 'edited'")
        assert dev.event("failed", "loaded")["errorCode"] == "untrusted_project"
        assert dev.health()["status"] == "ok"
        dev.edit("status: 'edited'", "status: 'ok'")
        dev.event("loaded")
    (cct.project / ".claude/sandbox/cloudflare/src/extra.ts").write_text("export {};\n")
    done = cct("dev", "--demo", "--json")
    assert (done.code, done.json["errorCode"]) == (3, "untrusted_project")
    with serving(cct, "--demo", "--trust-project"):
        pass
    with serving(cct, "--demo") as dev:  # what was agreed to is remembered, and whoever agreed goes on editing
        dev.edit("status: 'ok'", "status: 'edited'")
        dev.event("loaded")
        assert dev.health()["status"] == "edited"


def test_without_a_key_programs_run_and_prompts_say_what_is_missing(cct: Cct) -> None:
    with serving(cct) as dev:
        assert dev.ready["model"] is None
        assert "/run" in dev.ready["curl"]
        if shutil.which("curl"):
            assert shell(cct, dev.ready["curl"])["output"] == "42\n"
            prompt = dev.ready["curl"].replace("/run", "/execute").partition(" -d ")[0]
            assert shell(cct, prompt + """ -d '{"question": "Hi"}'""")["errorCode"] == "key_missing"


@needs_curl
def test_a_token_of_the_environment_is_used_and_not_shown(cct: Cct) -> None:
    token = {"CCT_TOKEN": "t0ken-of-my-own"}
    with serving(cct, "--demo", env={**token, "ANTHROPIC_API_KEY": KEY}) as dev:
        assert dev.ready["token"] is None
        assert token["CCT_TOKEN"] not in json.dumps(dev.ready)
        words = [" ".join(child.cmdline()) for child in [psutil.Process(dev.process.pid), *family(dev.process)]]
        assert not any(token["CCT_TOKEN"] in word for word in words)
        # The scripted model needs no key, so nobody gets it.
        assert not any(KEY in value for child in family(dev.process) for value in child.environ().values())
        assert ANSWER in shell(cct, dev.ready["curl"], token)["output"]


def test_only_this_machine_can_connect(cct: Cct) -> None:
    with serving(cct, "--demo") as dev:
        process = psutil.Process(dev.process.pid)
        listening = [c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert set(listening) <= {"127.0.0.1", "::1"}
        assert len(listening) >= 1


def test_a_port_that_is_taken_is_one_clear_error_and_nothing_is_written(cct: Cct) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = cct("dev", "--demo", "--port", str(port), "--json")
    assert (done.code, done.json["errorCode"]) == (3, "port_taken")
    assert str(port) in done.json["error"]
    assert list(cct.project.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP], ids=lambda how: how.name)
def test_every_signal_that_asks_for_an_end_gets_a_clean_one(cct: Cct, how: signal.Signals) -> None:
    process = cct.start("dev", "--demo", "--json", "--port", "0")
    next_event(process, "ready")
    assert len(stored(cct)) == 1
    done = end(process, how)
    assert done.code == 0
    assert cct.left_behind() == []
    assert stored(cct) == {}


def test_a_kill_leaves_no_process_and_the_next_one_heals_the_rest(cct: Cct) -> None:
    process = cct.start("dev", "--demo", "--json", "--port", "0")
    next_event(process, "ready")
    end(process, signal.SIGKILL)
    assert cct.left_behind() == []
    assert len(stored(cct)) == 1
    with serving(cct, "--demo") as dev:
        assert list(stored(cct)) == [dev.url]


def test_a_worker_that_dies_is_started_again(cct: Cct) -> None:
    with serving(cct, "--demo") as dev:
        (gateway,) = (c for c in family(dev.process) if any("gateway.bin" in word for word in c.cmdline()))
        gateway.kill()
        from urllib.error import HTTPError

        with pytest.raises(HTTPError) as caught:
            dev.get("/health")
        assert caught.value.code == 502
        assert json.loads(caught.value.read())["errorCode"] == "worker_unreachable"
        dev.event("note")
        while True:  # it is started again at the next look
            with contextlib.suppress(HTTPError):
                assert dev.health()["status"] == "ok"
                break
