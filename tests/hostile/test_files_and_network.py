"""Hostile inputs, "Files and network": every row of the list.

    row                                                      test
    read-only directory → old bytes intact, no litter        test_a_folder_that_cannot_be_written_to
    full disk → old bytes intact, no litter                  test_a_full_disk
    user's edits in the rendered project → kept              test_edits_survive_everything_that_renders
    20 installs at once → all merged                         test_twenty_at_once
    kill −9 at any write → old or new, a second run heals    test_killed_at_any_write
    Worker down, DNS, TLS → typed error, nothing run here    test_a_worker_that_is_not_there, ELSEWHERE
    a redirect → the token is not forwarded                  test_a_redirect_gets_neither_token_nor_key, ELSEWHERE
    an endless response → capped                             test_an_endless_response_is_capped, ELSEWHERE

What is written: each kind of file that cct writes is a `Writer` of `tests/hostile/writers.py`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cct_cloudflare.sandbox.client import CONNECT_TIMEOUT, HEALTH_TIMEOUT, OPEN_TIMEOUT, WorkerClient
from cct_cloudflare.scaffold import plan
from cct_cloudflare.scaffold.layout import target_of
from tests.hostile.pointers import ROOT, missing
from tests.hostile.writers import WRITERS
from tests.runtime import KEY, PROMPT, TOKEN, Cct
from tests.sandbox.loopback import EVENT_STREAM, Request, answer, serve, sse, until_gone

MARKER = "ran-on-the-host"

#: Rows that have their tests elsewhere as well, in depth.
ELSEWHERE = [
    "tests/scaffold/test_safety.py::test_a_refused_update_leaves_the_old_bytes_and_the_next_run_heals",
    "tests/scaffold/test_safety.py::test_a_full_disk_leaves_the_old_tree",
    "tests/scaffold/test_safety.py::test_kill_at_every_step_leaves_whole_files_and_the_next_run_heals",
    "tests/scaffold/test_safety.py::test_runs_at_once_do_not_mix",
    "tests/scaffold/test_decisions.py::test_an_update_rewrites_what_was_left_alone_and_keeps_what_was_edited",
    "tests/sandbox/test_outputs.py::test_a_failure_in_the_middle_takes_everything_back",
    "tests/test_private_store.py::test_writers_at_once_lose_nothing",
    "tests/e2e/test_lifecycle.py::test_a_worker_that_is_down_is_exit_4_and_nothing_runs_here",
    "tests/sandbox/test_client.py::test_the_name_does_not_resolve",
    "tests/sandbox/test_client.py::test_connecting_is_given_up_as_a_whole",
    "tests/sandbox/test_client.py::test_tls_is_answered_with_plain_http",
    "tests/sandbox/test_client.py::test_a_certificate_that_nobody_vouches_for",
    "tests/sandbox/test_client.py::test_a_redirect_is_an_error_and_nobody_else_gets_the_token",
    "tests/sandbox/test_client.py::test_an_endless_answer_is_capped",
    "tests/sandbox/test_client.py::test_pings_do_not_keep_a_client_waiting_for_ever",
    "tests/direct/test_asking.py::test_what_is_not_the_api_gets_one_call_and_leads_nowhere",
    "tests/direct/test_asking.py::test_an_endless_event_is_capped",
]


@pytest.mark.parametrize("test", ELSEWHERE)
def test_the_tests_that_go_into_depth_are_there(test: str) -> None:
    assert missing(test) is None


def run_writer(how: str, writer: str, folder: Path) -> None:
    """In a process of its own: it ends itself, limits itself, or becomes somebody else."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.hostile.writers", how, writer, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("writer", WRITERS)
def test_a_folder_that_cannot_be_written_to(writer: str, open_folder: Path) -> None:
    run_writer("refused", writer, open_folder)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk(writer: str, tmp_path: Path) -> None:
    run_writer("full", writer, tmp_path)


@pytest.mark.parametrize("writer", WRITERS)
def test_killed_at_any_write(writer: str, tmp_path: Path) -> None:
    run_writer("killed", writer, tmp_path)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user can reach: pytest's own are private."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_edits_survive_everything_that_renders(cct: Cct) -> None:
    """Every command that may render: none takes an edit, a file of the user's own, or a deletion back."""
    assert cct("init", "--yes").code == 0
    place = target_of(cct.project)
    edits: dict[str, Callable[[Path], object]] = {
        "README.md": lambda path: path.write_text("mine"),
        "wrangler.toml": lambda path: path.write_text(path.read_text() + "\n# mine\n"),
        "src/mine.ts": lambda path: path.write_text("export {};"),
        "QUICKSTART.md": lambda path: path.unlink(),
    }
    for name, edit in edits.items():
        edit(place / name)
    kept = {name: (place / name).read_bytes() if (place / name).exists() else None for name in edits}
    for argv in (
        ["init", "--yes"],
        ["init", "--yes", "--json"],
        ["init", "--update", "--yes"],
        ["--demo", "--yes", "--json", "--trust-project", "--prompt", "What is the 10th Fibonacci number?"],
    ):
        cct(*argv)
        assert {name: (place / name).read_bytes() if (place / name).exists() else None for name in edits} == kept


AT_ONCE = """
import json, sys
from pathlib import Path
from cct_cloudflare import config
from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.history.record import Asked
from cct_cloudflare.history.recorder import recording
from cct_cloudflare.sandbox.events import RunResult

number, project = sys.argv[1], Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
code = run_cli(["init", "--yes", "--json", "--directory", str(project)])
config.store_worker(f"https://worker-{number}.example", f"token-{number}")
problems = []
with recording(Asked(kind="run", project=project, prompt=f"prompt {number}"), warn=problems.append) as record:
    record.finished(RunResult(success=True, output="", sandbox_id=number))
sys.exit(code or len(problems))
"""


def test_twenty_at_once(cct: Cct) -> None:
    """One project, one store of tokens, one history: twenty processes that begin together lose nothing."""
    environment = {**cct.environment, "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, str(number), str(cct.project)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(20)
    ]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("go\n")
        run.stdin.flush()
    for run in runs:
        _, err = run.communicate()
        assert run.returncode == 0, err
    assert plan(cct.project).is_done
    assert not [path for path in target_of(cct.project).iterdir() if path.name.startswith(".cct-staging")]
    workers = json.loads((cct.home / ".config" / "cct-cloudflare" / "workers.json").read_text())
    assert {worker["token"] for worker in workers.values()} == {f"token-{number}" for number in range(20)}
    listed = cct("history", "--json", "--limit", "100").json
    assert {run["title"] for run in listed["runs"]} == {f"prompt {number}" for number in range(20)}


# The network


def against(url: str) -> dict[str, str]:
    return {"CLOUDFLARE_WORKER_URL": url, "CCT_TOKEN": TOKEN, "ANTHROPIC_API_KEY": KEY}


@pytest.fixture
def host_program(cct: Cct) -> Path:
    """A program that would tell if it ran on this machine's own Python."""
    path = cct.project / "main.py"
    path.write_text(f"open({str(cct.project / MARKER)!r}, 'w')")
    return path


def commands(program: Path) -> list[list[str]]:
    return [["run", str(program), "--json"], ["--prompt", PROMPT, "--yes", "--json"]]


def reset_before_the_answer(connection: socket.socket, _: Request) -> None:
    connection.close()


@pytest.mark.parametrize("way", ["refused", "closed", "not TLS"])
def test_a_worker_that_is_not_there(cct: Cct, host_program: Path, way: str) -> None:
    with socket.socket() as unused, serve(reset_before_the_answer, eager=True) as server:
        unused.bind(("127.0.0.1", 0))  # but not listening
        url = {
            "refused": f"http://127.0.0.1:{unused.getsockname()[1]}",
            "closed": server.url,
            "not TLS": server.url.replace("http:", "https:"),
        }[way]
        for argv in commands(host_program):
            done = cct(*argv, env=against(url))
            assert (done.code, done.json["errorCode"]) == (4, "worker_unreachable")
            assert TOKEN not in done.stdout + done.stderr
    assert not (cct.project / MARKER).exists()


def test_what_cannot_be_reached_is_told_within_ten_seconds() -> None:
    """Not measured, but bounded: connecting has these limits, whatever the network does."""
    assert CONNECT_TIMEOUT < OPEN_TIMEOUT < 10
    assert HEALTH_TIMEOUT < 10


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_gets_neither_token_nor_key(cct: Cct, host_program: Path, status: int) -> None:
    with serve(EVENT_STREAM + sse("result", {})) as other:
        page = answer(status, b"", "text/plain", f"Location: {other.url}/execute")
        with serve(page) as worker:
            for argv in commands(host_program):
                done = cct(*argv, env=against(worker.url))
                assert (done.code, done.json["errorCode"]) == (4, "worker_invalid")
        assert other.requests == []
    assert len(worker.requests) == 2
    assert not (cct.project / MARKER).exists()


def test_a_redirect_of_claudes_api_gets_no_key(cct: Cct) -> None:
    """Asked by the local Worker, and from here."""
    with serve(b"") as other:
        page = answer(307, b"", "text/plain", f"Location: {other.url}/v1/messages")
        with serve(page) as api:
            env = {"ANTHROPIC_BASE_URL": api.url, "ANTHROPIC_API_KEY": KEY}
            for argv in (["--prompt", PROMPT, "--yes", "--json"], ["--direct", "--prompt", PROMPT, "--json"]):
                done = cct(*argv, env=env)
                assert (done.code, done.json["errorCode"]) == (5, "model_unreachable"), done.stderr
        assert other.requests == []
    assert len(api.requests) == 2


def endless(head: bytes, piece: bytes) -> Callable[[socket.socket, Request], None]:
    def handler(connection: socket.socket, _: Request) -> None:
        connection.sendall(head)
        while True:  # until the client has had enough
            connection.sendall(piece)

    return handler


CHUNK = b"x" * 65536
ENDLESS = {
    "one event": endless(EVENT_STREAM + b"event: stdout\ndata: ", CHUNK),
    "many events": endless(EVENT_STREAM, sse("stdout", {"text": "x" * 60_000})),
    "comments": endless(EVENT_STREAM, b": " + CHUNK + b"\n"),
    "an error": endless(b"HTTP/1.1 500 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n", CHUNK),
    "headers": endless(b"HTTP/1.1 200 X\r\n", b"X-More: " + CHUNK[:1000] + b"\r\n"),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_an_endless_response_is_capped(cct: Cct, host_program: Path, what: str) -> None:
    with serve(ENDLESS[what]) as server:
        done = cct("run", str(host_program), "--json", env=against(server.url))
    assert done.code == 4
    assert done.json["errorCode"] in ("worker_invalid", "worker_unreachable", "stream_ended")
    assert not (cct.project / MARKER).exists()


def test_an_endless_health_is_capped() -> None:
    page = endless(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n", CHUNK)
    with serve(page) as server, WorkerClient(server.url, None) as client, pytest.raises(Exception) as caught:
        client.health()
    assert getattr(caught.value, "code", None) == "worker_invalid"


def test_a_worker_that_says_nothing_is_left_by_ctrl_c(cct: Cct) -> None:
    """Kept here with the other ways of a Worker to keep somebody waiting; the bounds themselves are minutes."""
    with serve(lambda connection, _: until_gone(connection)) as server:
        process = cct.start("--prompt", PROMPT, "--yes", "--json", env=against(server.url))
        while not server.requests:
            assert process.poll() is None
        process.send_signal(2)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(out)["errorCode"] == "interrupted"
