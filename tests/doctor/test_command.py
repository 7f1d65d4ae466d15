"""`cct doctor` as people and machines use it: a process of its own."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cct_cloudflare import config, scaffold
from cct_cloudflare.cli.main import run_cli
from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scripted import ScriptedModel
from tests.doctor.looking import script
from tests.runtime import KEY, Cct, access
from tests.sandbox.loopback import answer, serve

TOKEN = "token-CANARY-0a1b2c3d"


@pytest.fixture
def healthy(cct: Cct, runtime: LocalRuntime) -> Iterator[Cct]:
    """Node on the PATH, a rendered project, a model that accepts the key, a Worker that takes the token."""
    scaffold.apply(scaffold.plan(cct.project))
    with (
        ScriptedModel() as model,
        local_worker(runtime, environment={}, listen="127.0.0.1:0", token=TOKEN) as worker,
    ):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"
        cct.environment.update(access(model), PATH=path, CLOUDFLARE_WORKER_URL=worker.url, CCT_TOKEN=TOKEN)
        yield cct


def statuses(report: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {check["name"]: check["status"] for check in report["checks"]}


def test_a_healthy_machine(healthy: Cct) -> None:
    report = healthy("doctor", "--json")
    found = statuses(report.json)
    del found["leftovers"]  # other tests kill sessions at the same time
    assert {name for name, status in found.items() if status in ("warn", "fail")} == set()
    for name in ("python", "path", "node", "npm", "workerd", "project", "source", "worker", "worker-version", "token"):
        assert found[name] == "ok", name
    assert report.code == 0
    assert report.json["success"] is True
    assert sum(report.json["summary"].values()) == len(report.json["checks"])


def test_with_runs_on_this_machine(healthy: Cct) -> None:
    del healthy.environment["CLOUDFLARE_WORKER_URL"]
    found = statuses(healthy("doctor", "--json").json)
    assert (found["key"], found["key-valid"], found["model"], found["worker"]) == ("ok", "ok", "ok", "skip")


def test_people_get_lines_in_groups_and_a_sum(healthy: Cct) -> None:
    report = healthy("doctor")
    assert report.stderr == ""
    assert "\x1b" not in report.stdout
    lines = report.stdout.splitlines()
    assert lines[0] == "This machine"
    assert any(line.startswith("  ok    workerd         The local Worker") for line in lines)
    assert "Nothing stands in the way of a run." in lines


def test_nothing_is_shown_that_is_secret(cct: Cct, tmp_path: Path) -> None:
    """Where everything fails: a refused key, a Worker that answers nonsense with it, a proxy with a password."""
    with serve(answer(401, json.dumps({"error": KEY}).encode())) as api, serve(b"nonsense " + TOKEN.encode()) as worker:
        cct.environment.update(
            ANTHROPIC_BASE_URL=api.url,
            ANTHROPIC_API_KEY=KEY,
            CCT_TOKEN=TOKEN,
            ALL_PROXY="socks5://me:PASSWORD-CANARY@proxy.invalid",
        )
        for argv in ([], ["--json"], ["--worker-url", worker.url], ["--worker-url", worker.url, "--json"]):
            report = cct("doctor", *argv)
            assert report.code == 1
            assert "CANARY" not in report.stdout + report.stderr
        assert api.requests[0].headers["x-api-key"] == KEY, "so it was used"


def test_the_programs_that_it_asks_get_no_secret(cct: Cct, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    for name in ("docker", "node", "npm", "wrangler"):
        script(tmp_path / "bin" / name, f'(env; echo "$@") >> {seen}; echo v24.0.0')
    cct.environment.update(PATH=f"{tmp_path / 'bin'}{os.pathsep}{os.defpath}", ANTHROPIC_API_KEY=KEY, CCT_TOKEN=TOKEN)
    cct.environment["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:1"
    cct("doctor", "--json")
    assert "docker" in seen.read_text() or "version" in seen.read_text()
    assert "CANARY" not in seen.read_text()


def test_an_empty_home_is_told_what_to_do_first_and_stays_empty(cct: Cct, home: Path) -> None:
    cct.environment["XDG_CACHE_HOME"] = str(home / ".cache")
    report = cct("doctor", "--json")
    failed = [check for check in report.json["checks"] if check["status"] == "fail"]
    assert "key" in [check["name"] for check in failed]
    assert all(check["fix"] for check in failed)
    assert report.code == 1
    assert list(home.rglob("*")) == []
    assert list(cct.project.iterdir()) == []
    text = cct("doctor").stdout
    assert "See to this first: " in text
    assert "ANTHROPIC_API_KEY" in text


def test_fix_mends_what_is_safe_and_looks_again(healthy: Cct, home: Path) -> None:
    target = scaffold.target_of(healthy.project)
    (target / "src" / "index.ts").unlink()
    (target / "wrangler.toml").write_text("# mine\n")
    credentials = config.store_anthropic_key(KEY)
    credentials.chmod(0o644)
    before = statuses(healthy("doctor", "--json").json)
    credentials.chmod(0o644)  # reading the key has closed it
    assert (before["project"], before["private-files"]) == ("warn", "warn")
    report = healthy("doctor", "--fix", "--json")
    assert {"project", "private-files"} <= {item["name"] for item in report.json["mended"] if item["success"]}
    after = statuses(report.json)
    assert (after["project"], after["source"], after["private-files"]) == ("ok", "ok", "ok")
    assert (target / "src" / "index.ts").is_file()
    assert (target / "wrangler.toml").read_text() == "# mine\n"
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    assert "Mended  project: Updated the Worker project: 1 file." in report.stderr


def test_fix_renders_nothing_where_there_is_no_project(cct: Cct) -> None:
    cct("doctor", "--fix", "--offline")
    assert list(cct.project.iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--offline", "--online"], "--offline and --online"),
        (["--local", "--worker-url", "https://worker.invalid"], "--local"),
        (["--directory", "nowhere"], "nowhere"),
        (["--no-such-option"], "--no-such-option"),
        (["surplus"], "surplus"),
    ],
)
def test_usage(argv: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["doctor", *argv]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err


def test_json_is_one_object_when_the_command_line_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["doctor", "--json", "--offline", "--online"]) == 2
    assert json.loads(capsys.readouterr().out)["errorCode"] == "usage"


@pytest.mark.parametrize(("plain", "coloured"), [((), True), (("--no-color",), False)])
def test_a_terminal_gets_colours_and_lines_that_fit(cct: Cct, plain: tuple[str, ...], coloured: bool) -> None:
    shown = _on_a_terminal(cct, "doctor", "--offline", *plain)
    assert ("\x1b[" in shown) is coloured
    if not coloured:
        too_long = [line for line in shown.splitlines() if len(line) > 80]
        assert all(len(line.split()) == 1 for line in too_long), "a path is not taken apart"


def _on_a_terminal(cct: Cct, *argv: str) -> str:
    """What it writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    environment = {**cct.environment, "COLUMNS": "80", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        cct.command(*argv), cwd=cct.project, env=environment, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:
        pass  # Linux's way to say that nobody holds the other end any more
    finally:
        os.close(ours)
        process.wait()
    return shown.decode().replace("\r\n", "\n")
