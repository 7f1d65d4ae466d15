"""However a run ends, nothing of it stays: no process, no folder, and the key is where it belongs only."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import psutil
import pytest

from cct_cloudflare.sandbox.client import ExecuteRequest
from cct_cloudflare.sandbox.events import Attempt, Booted, Generation, Output, Started
from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scripted import Fault, ScriptedModel
from tests.runtime import (
    KEY,
    PATIENCE,
    PROMPT,
    TOKEN,
    Cct,
    Sandbox,
    access,
    end,
    family,
    find_process,
    program,
    reply,
    wait_until,
)

WAITS = "console.log('running'); setInterval(() => {}, 1000);"
SPINS = "console.log('running'); setTimeout(() => { while (true) {} }, 10);"
PYTHON_WAITS = "import time\nprint('running')\nwhile True: time.sleep(1)\n"


def read_until(process: subprocess.Popen[bytes], word: bytes) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if word in line:
            return
    raise AssertionError(f"it ended before it said {word!r}")


def start_run(cct: Cct, name: str, source: str) -> subprocess.Popen[bytes]:
    """A `cct run` whose program is running."""
    (cct.project / name).write_text(source)
    process = cct.start("run", name, "--timeout", "300")
    read_until(process, b"running")
    return process


@pytest.mark.parametrize(
    ("how", "code"),
    [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, None), (signal.SIGHUP, None)],
    ids=lambda value: value.name if isinstance(value, signal.Signals) else None,
)
@pytest.mark.parametrize(("name", "source"), [("main.js", SPINS), ("main.js", WAITS), ("main.py", PYTHON_WAITS)])
def test_a_cct_that_is_stopped_in_mid_run_leaves_nothing(
    cct: Cct, how: signal.Signals, code: int | None, name: str, source: str
) -> None:
    process = start_run(cct, name, source)
    assert any("workerd" in child.name() for child in family(process))
    done = end(process, how)
    assert cct.left_behind() == []
    assert done.code == code or (code is None and done.code not in (0, 1))
    if how is signal.SIGINT:
        assert "Interrupted" in done.stderr
        assert "Traceback" not in done.stderr


def test_ctrl_c_in_json_mode_is_still_one_object(cct: Cct) -> None:
    (cct.project / "main.js").write_text(WAITS)
    process = cct.start("run", "main.js", "--json")
    find_process(process, "javascript.bin")
    done = end(process, signal.SIGINT)
    assert (done.code, done.json["errorCode"]) == (130, "interrupted")
    assert cct.left_behind() == []


def test_kill_while_python_boots_leaves_nothing(cct: Cct) -> None:
    (cct.project / "main.py").write_text(PYTHON_WAITS)
    process = cct.start("run", "main.py")
    find_process(process, "python.bin")
    end(process, signal.SIGKILL)
    assert cct.left_behind() == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=lambda how: how.name)
def test_kill_while_claude_writes_leaves_nothing_and_hangs_up_on_claude(cct: Cct, how: signal.Signals) -> None:
    with ScriptedModel(
        [reply({"main.py": "print(1)"}, language="python")], faults=repeat(Fault(stream="stall"))
    ) as model:
        process = cct.start("--prompt", PROMPT, "--yes", env=access(model))
        # Python is being booted as soon as its name has come.
        find_process(process, "python.bin")
        done = end(process, how)
        assert model.requests[0].disconnected.wait(PATIENCE)
        assert len(model.requests) == 1
    assert done.code == (130 if how is signal.SIGINT else -how)
    assert cct.left_behind() == []
    assert cct.files() == {}


def test_a_second_ctrl_c_does_not_leave_more(cct: Cct) -> None:
    process = start_run(cct, "main.js", SPINS)
    started = family(process)
    for _ in range(3):
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert psutil.wait_procs(started, timeout=PATIENCE)[1] == []
    assert cct.left_behind() == []


def test_the_key_is_in_the_environment_of_the_gateway_and_nowhere_else(cct: Cct) -> None:
    answer = reply({"main.js": WAITS})
    with ScriptedModel([answer], pace=0) as model:
        process = cct.start("--prompt", PROMPT, "--yes", env={**access(model), "CCT_TOKEN": TOKEN})
        read_until(process, b"running")
        holders = []
        for child in family(process):
            words = " ".join(child.cmdline())
            assert KEY not in words
            assert TOKEN not in words
            environment = child.environ()
            if any(KEY in value for value in environment.values()):
                holders.append(words)
            else:
                # The supervisor knows where its code is, the sandboxes know nothing at all.
                assert set(environment) <= {"PYTHONPATH", "LC_CTYPE", "PWD", "OLDPWD", "SHLVL", "_"}
        assert len(holders) == 1
        assert "gateway.bin" in holders[0]
        for path in [*cct.temporary.rglob("*"), *cct.home.rglob("*"), *cct.project.rglob("*")]:
            if path.is_file():
                assert KEY.encode() not in path.read_bytes()
        end(process, signal.SIGINT)
    assert cct.left_behind() == []


def test_the_folder_of_a_session_is_the_users_alone(cct: Cct) -> None:
    process = start_run(cct, "main.js", WAITS)
    (folder,) = cct.temporary.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in folder.iterdir()} >= {"gateway", "runner"}
    listening = [c for child in family(process) for c in child.net_connections("inet")]
    assert listening == [], "Unix sockets only"
    end(process, signal.SIGTERM)
    assert cct.left_behind() == []


def test_a_sandbox_has_the_kernels_limits_too(cct: Cct) -> None:
    process = start_run(cct, "main.js", WAITS)
    sandbox = find_process(process, "javascript.bin")
    limits = Path(f"/proc/{sandbox.pid}/limits")
    if limits.exists():
        values = {line[:26].strip(): line[26:].split()[:2] for line in limits.read_text().splitlines()}
        assert values["Max core file size"] == ["0", "0"]
        assert values["Max file size"] == ["1048576", "1048576"]
        assert int(values["Max data size"][0]) <= 2 * 2**30
    assert list(Path(sandbox.cwd()).iterdir()) == []
    end(process, signal.SIGTERM)


# A Worker that is not there


def test_a_worker_that_is_down_is_exit_4_and_nothing_runs_here(cct: Cct) -> None:
    marker = cct.project / "ran-on-the-host"
    (cct.project / "main.py").write_text(f"open({str(marker)!r}, 'w')")
    with socket.socket() as unused:  # bound, but not listening
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        for argv in (["run", "main.py"], ["--prompt", PROMPT, "--yes"]):
            for given in ([*argv, "--worker-url", url], argv):
                env = {"CCT_TOKEN": TOKEN, "ANTHROPIC_API_KEY": KEY, "CLOUDFLARE_WORKER_URL": url}
                done = cct(*given, "--json", env=env)
                assert (done.code, done.json["errorCode"]) == (4, "worker_unreachable")
                assert done.json["retryable"] is True
                assert KEY not in done.stdout + done.stderr
    assert not marker.exists()


def test_a_deployed_worker_is_used_with_its_token_and_not_with_the_key(cct: Cct, runtime: LocalRuntime) -> None:
    """A local Worker on a port stands in for a deployed one: the same source, the same protocol."""
    (cct.project / "main.js").write_text("console.log(6 * 7)")
    with (
        ScriptedModel([reply({"main.js": "console.log('asked')"})], pace=0) as model,
        local_worker(runtime, environment=access(model), listen="127.0.0.1:0", token=TOKEN) as worker,
    ):
        url = ["--worker-url", worker.url]
        done = cct("run", "main.js", *url, env={"CCT_TOKEN": TOKEN})
        assert (done.code, done.stdout) == (0, "42\n"), done.stderr
        done = cct("--prompt", PROMPT, "--yes", *url, "--json", env={"CCT_TOKEN": TOKEN})
        assert (done.code, done.json["output"]) == (0, "asked\n"), done.stderr
        done = cct("run", "main.js", *url, "--json", env={"CCT_TOKEN": "wr0ng"})
        assert (done.code, done.json["errorCode"]) == (3, "unauthorized")
        done = cct("run", "main.js", *url, "--json")
        assert (done.code, done.json["errorCode"]) == (3, "unauthorized")


def test_a_worker_without_a_key_says_so(cct: Cct, runtime: LocalRuntime) -> None:
    with local_worker(runtime, environment={}, listen="127.0.0.1:0", token=TOKEN) as worker:
        argv = ["--prompt", PROMPT, "--yes", "--json", "--worker-url", worker.url]
        done = cct(*argv, env={"CCT_TOKEN": TOKEN, "ANTHROPIC_API_KEY": KEY})
    assert (done.code, done.json["errorCode"]) == (3, "key_missing")


# One Worker, many runs


def test_twenty_runs_at_once_each_get_their_own_answer(sandbox: Sandbox) -> None:
    def one(number: int) -> str:
        if number % 4 == 0:
            return sandbox.python(f"print({number} * 11)").result.output
        return sandbox.javascript(f"setTimeout(() => console.log({number} * 11), 20)").result.output

    with ThreadPoolExecutor(20) as pool:
        outputs = list(pool.map(one, range(20)))
    assert outputs == [f"{number * 11}\n" for number in range(20)]
    assert wait_until(lambda: sandbox.processes() == [])


@pytest.mark.parametrize("source", [WAITS, SPINS])
def test_a_client_that_goes_away_ends_its_run(sandbox: Sandbox, source: str) -> None:
    with sandbox.client() as client:
        events = client.run(program("main.js", source), 300_000)
        for event in events:
            if isinstance(event, Output):
                break
        (process,) = sandbox.processes()
        events.close()  # type: ignore[attr-defined]  # it is a generator
    assert psutil.wait_procs([process], timeout=PATIENCE)[1] == []
    sandbox.check_well()


def test_a_client_that_goes_away_while_python_boots_ends_it(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        events = client.run(program("main.py", PYTHON_WAITS), 300_000)
        assert isinstance(next(events), Started)
        assert wait_until(lambda: bool(sandbox.processes()))
        started = sandbox.processes()
        events.close()  # type: ignore[attr-defined]
    assert psutil.wait_procs(started, timeout=PATIENCE)[1] == []
    sandbox.check_well()


def test_a_booted_spare_is_taken_and_made_up_for(runtime: LocalRuntime) -> None:
    with local_worker(runtime, environment={}, spares={"python": 1}) as worker:
        sandbox = Sandbox(worker)
        booted = []
        for _ in range(3):
            ran = sandbox.python("import random\nprint(random.random())")
            assert ran.result.success
            booted += [event for event in ran.events if isinstance(event, Booted)]
            assert wait_until(lambda: len(sandbox.processes()) == 1), "a new one is started"
        assert len(booted) == 3
        alive = sandbox.processes()
        supervisor = psutil.Process(worker.supervisor_pid)
    assert psutil.wait_procs([*alive, supervisor], timeout=PATIENCE)[1] == []


def test_a_spare_that_died_is_not_handed_out(runtime: LocalRuntime) -> None:
    with local_worker(runtime, environment={}, spares={"javascript": 1}) as worker:
        sandbox = Sandbox(worker)
        assert wait_until(lambda: len(sandbox.processes()) == 1)
        sandbox.processes()[0].kill()
        assert sandbox.javascript("console.log(2)").result.output == "2\n"


def test_boot_overlaps_generation(cct: Cct, runtime: LocalRuntime) -> None:
    """The order of events: the sandbox is up before the program is complete, for JavaScript before it is begun."""
    answer = reply({"main.py": "print(1)\n" + "# a long program\n" * 40}, language="python")
    with (
        ScriptedModel([answer], pace=0.02) as model,
        local_worker(runtime, environment=access(model)) as worker,
        Sandbox(worker).client() as client,
    ):
        events = list(client.execute(ExecuteRequest(question=PROMPT)))
    kinds = [type(event) for event in events]
    last_boot = len(kinds) - 1 - kinds[::-1].index(Booted)
    last_delta = len(kinds) - 1 - kinds[::-1].index(Generation)
    assert last_boot < last_delta < kinds.index(Attempt)


def test_json_of_a_lifecycle_is_never_mixed_with_anything(cct: Cct) -> None:
    (cct.project / "main.js").write_text("console.log('{'); console.error('}')")
    done = cct("run", "main.js", "--json")
    assert json.loads(done.stdout)["output"] == "{\n"
    assert done.stderr == ""
