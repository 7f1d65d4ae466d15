"""How wrangler is started: what it is given, what is read of it, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.errors import ConfigError
from tests.runtime import KEY, wait_until


def node_that(folder: Path, script: str) -> Wrangler:
    """A wrangler whose Node is a Python script: `arguments` and `environment` are what it was started with."""
    node = folder / "node"
    node.write_text(
        f"#!{sys.executable}\nimport json, os, pathlib, signal, subprocess, sys, time\n"
        "arguments, environment = sys.argv[1:], dict(os.environ)\n"
        "output = pathlib.Path(environment.get('WRANGLER_OUTPUT_FILE_PATH', '/dev/null'))\n" + script
    )
    node.chmod(node.stat().st_mode | stat.S_IXUSR)
    return Wrangler(folder, node)


REPORT = "json.dump({'arguments': arguments, 'environment': environment, 'stdin': sys.stdin.read()}, sys.stdout)\n"


def test_secrets_travel_on_stdin_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "ANTHROPIC_API_KEY": KEY,
        "CCT_TOKEN": "token-CANARY",
        "CLOUDFLARE_WORKER_URL": "https://x.example",
        "CLOUDFLARE_ENV": "production",
        "NODE_OPTIONS": "--require /tmp/x.js",
        "AWS_SECRET_ACCESS_KEY": "aws-CANARY",
        "CLOUDFLARE_API_TOKEN": "login",
        "HTTPS_PROXY": "http://proxy.example",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    secrets = json.dumps({"ANTHROPIC_API_KEY": KEY})
    found = node_that(tmp_path, REPORT).run("secret", "bulk", environment="staging", stdin=secrets)
    started = json.loads(found.stdout)
    assert started["stdin"] == secrets
    assert started["arguments"][1:] == [
        "secret", "bulk", "--config", "wrangler.toml", "--env-file", os.devnull, "--env=staging",
    ]  # fmt: skip
    assert started["arguments"][0].endswith("/node_modules/wrangler/bin/wrangler.js")
    environment = started["environment"]
    for name in ("ANTHROPIC_API_KEY", "CCT_TOKEN", "CLOUDFLARE_WORKER_URL", "CLOUDFLARE_ENV", "NODE_OPTIONS"):
        assert name not in environment
    assert "CANARY" not in json.dumps(environment)
    assert environment["CLOUDFLARE_API_TOKEN"] == "login"
    assert environment["HTTPS_PROXY"] == "http://proxy.example"
    assert environment["WRANGLER_SEND_METRICS"] == "false"


def test_the_account_that_was_chosen_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "one")
    wrangler = node_that(tmp_path, REPORT)
    assert json.loads(wrangler.run("x").stdout)["environment"]["CLOUDFLARE_ACCOUNT_ID"] == "one"
    other = Wrangler(wrangler.folder, wrangler.node, account="two")
    assert json.loads(other.run("x").stdout)["environment"]["CLOUDFLARE_ACCOUNT_ID"] == "two"


def test_what_is_acted_upon_comes_from_the_output_file(tmp_path: Path) -> None:
    script = (
        "output.write_text('\\n'.join(['{\"type\": \"deploy\", \"version_id\": \"1\"}', 'no JSON', '[1]',"
        ' \'{"type": "deploy", "version_id": "2"}\', \'{"type": "cut off\']))\n'
        "print('\\x1b]0;title\\x07said \\x1b[31mred', file=sys.stderr); sys.exit(3)\n"
    )
    found = node_that(tmp_path, script).run("deploy")
    assert found.code == 3
    assert found.said == "said red"
    assert found.entry("deploy") == {"type": "deploy", "version_id": "2"}
    assert found.entry("command-failed") is None
    assert node_that(tmp_path, "").run("deploy").entries == ()


def test_a_node_that_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Wrangler(tmp_path, tmp_path / "none").run("whoami")
    assert caught.value.code == "toolchain"


# Wrangler starts others; one that ignores the first signal must not stay behind either.
STUBBORN = (
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    "pathlib.Path('started').write_text(json.dumps([os.getpid(), child.pid]))\n"
    "time.sleep(600)\n"
)


def test_ctrl_c_ends_all_that_it_has_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cct_cloudflare.deploy.wrangler._END_PATIENCE", 0.1)
    wrangler = node_that(tmp_path, STUBBORN)
    script = (
        "import sys; from pathlib import Path; from cct_cloudflare.deploy import wrangler\n"
        "wrangler._END_PATIENCE = 0.1\n"
        "wrangler.Wrangler(Path(sys.argv[1]), Path(sys.argv[2])).run('deploy')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path, wrangler.node], stderr=subprocess.PIPE, start_new_session=True
    )
    started = tmp_path / "started"
    assert wait_until(lambda: started.exists() and started.read_text().endswith("]"))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert b"KeyboardInterrupt" in said
    assert wait_until(
        lambda: not any(psutil.pid_exists(pid) and _lives(pid) for pid in json.loads(started.read_text()))
    )


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_command_that_goes_on_hands_on_its_output_as_it_comes(tmp_path: Path) -> None:
    script = (
        "print('first', flush=True)\nprint('\\x1b[31maside', file=sys.stderr, flush=True)\n"
        "go = pathlib.Path('go')\n"
        "while not go.exists(): time.sleep(0.01)\n"
        "print('last \\x1b[31m'); sys.exit(4)\n"
    )
    lines: list[str] = []
    aside: list[str] = []
    first = threading.Event()

    def on_stdout(line: str) -> None:
        lines.append(line)
        first.set()

    def release() -> None:
        first.wait()
        (tmp_path / "go").touch()

    thread = threading.Thread(target=release)
    thread.start()
    found = node_that(tmp_path, script).follow("tail", environment="", on_stdout=on_stdout, on_stderr=aside.append)
    thread.join()
    assert found.code == 4
    assert lines == ["first\n", "last \x1b[31m\n"]
    assert aside == ["aside\n"]
    assert found.said == "aside\n"
