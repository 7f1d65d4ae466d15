"""The search for canaries can fail: each way in which one could get out is tried, and found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cct_cloudflare.sandbox.events import RunResult
from tests import canary
from tests.canary import KEY, TOKEN, LeakError, Sampler, check, guarded, leaking_sections, search, sings
from tests.runtime import Finished, Ran

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("secret", [KEY, TOKEN], ids=["key", "token"])
def test_every_canary_sings_whatever_stands_around_it(secret: str) -> None:
    assert sings(f"x{secret}y")
    assert sings(secret.encode())
    assert sings(f"…{secret[-16:]}\ud800")
    assert not sings("CANARY-TOKEN sk-ant-api03-other 0a1b2c3d")


def test_what_cct_writes_is_looked_at() -> None:
    Finished(0, b"fine", b"")
    for streams in ((KEY.encode(), b""), (b"", f"Bearer {TOKEN}".encode())):
        with pytest.raises(LeakError) as caught:
            Finished(0, *streams)
        assert KEY not in str(caught.value)
    with pytest.raises(LeakError):
        Ran([RunResult(success=True, output=KEY, sandbox_id="a")])
    with pytest.raises(LeakError):
        check("a log", "fine", TOKEN)


def test_files_and_their_names_are_searched(tmp_path: Path) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    stores = home / ".config" / "cct-cloudflare"
    for folder in (stores, project / "deep" / "er"):
        folder.mkdir(parents=True)
    (stores / "workers.json").write_text(TOKEN)
    (stores / "workers.json").chmod(0o600)
    (project / ".env").write_text(KEY)
    assert search([home, project], home=home, project=project) == []
    (stores / "workers.json").chmod(0o644)
    (project / "deep" / "er" / ".env").write_text(KEY)
    (project / "history.db").write_bytes(b"\0\xff" + KEY.encode() + b"\0")
    (project / f"{TOKEN}.txt").touch()
    found = "\n".join(search([home, project], home=home, project=project))
    for name in ("workers.json", "er/.env", "history.db"):
        assert name in found
    assert found.count("the name of a file") == 1
    with pytest.raises(LeakError), guarded(project):
        pass


#: Starts a child with what it reads, so that nothing of it is in its own command line or environment.
COMMAND = """
import json, os, subprocess, sys
given = json.loads(input())
child = subprocess.Popen(
    [sys.executable, "-c", "print('ready', flush=True); input()", *given["argv"]],
    env={**os.environ, **given["environment"]}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print("ready", flush=True)
input()
child.communicate(b"\\n")
"""


@contextmanager
def below(environment: dict[str, str], *argv: str, own: dict[str, str] | None = None) -> Iterator[Sampler]:
    """A command of a test, and below it a process with this environment and these arguments, looked at once."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        env={"PATH": "/usr/bin:/bin", **(own or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"argv": argv, "environment": environment}) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        sampler = Sampler()
        sampler.look()
        try:
            yield sampler
        finally:
            process.communicate("\n")


def test_a_key_in_the_environment_below_a_command_is_found() -> None:
    with below({"ANTHROPIC_API_KEY": KEY}) as sampler:
        assert len(sampler.leaks) == 1
        assert "environment" in min(sampler.leaks)


def test_one_that_is_inherited_is_found_as_well() -> None:
    with below({}, own={"CCT_TOKEN": TOKEN}) as sampler:
        assert "environment" in min(sampler.leaks)


def test_a_token_in_a_command_line_below_a_command_is_found() -> None:
    with below({}, TOKEN) as sampler:
        assert "command line" in min(sampler.leaks)


def test_nothing_is_found_where_nothing_is() -> None:
    with below({"HOME": "/"}, "--flag") as sampler:
        assert sampler.leaks == set()


def test_leaving_the_sampler_tells_what_it_has_found() -> None:
    with pytest.raises(LeakError, match="of the environment"), Sampler() as sampler, below({"K": KEY}):
        sampler.look()


@pytest.mark.parametrize(
    ("words", "role"),
    [
        (["/x/workerd", "serve", "-b", "/c/gateway.bin"], "gateway"),
        (["/x/workerd", "serve", "-b", "/c/javascript.bin"], None),
        (["/x/python", "gateway.bin"], None),
        (["node", "/p/node_modules/wrangler/bin/wrangler.js", "deploy"], "wrangler"),
        (["/n/node", "--no-warnings", "/p/node_modules/wrangler/wrangler-dist/cli.js", "tail"], "wrangler"),
        (["node", "/p/node_modules/esbuild/bin/esbuild", "--wrangler"], None),
        (["sh", "-c", "wrangler/bin/wrangler.js"], None),
    ],
)
def test_only_the_gateway_and_wrangler_may_have_one(words: list[str], role: str | None) -> None:
    assert canary._role(words) == role


def test_captured_sections_are_looked_at() -> None:
    sections = [("Captured stdout call", "fine"), ("Captured log call", f"using {KEY}")]
    assert leaking_sections(sections) == ["Captured log call"]


LEAKY = f"""
import logging, sys

def test_stdout(): print("{KEY}")
def test_stderr(): sys.stderr.write("{TOKEN}")
def test_log(): logging.getLogger("x").warning("%s", "{KEY}")
def test_read(capsys):
    print("{KEY}")
    capsys.readouterr()
def test_fine(): print("fine")
"""


def test_a_test_that_prints_one_fails(tmp_path: Path) -> None:
    """The hooks as this suite uses them, in a run of pytest of its own."""
    (tmp_path / "test_leaky.py").write_text(LEAKY)
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-rfp", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    for name in ("test_stdout", "test_stderr", "test_log", "test_read"):
        assert f"FAILED test_leaky.py::{name}" in done.stdout, done.stdout + done.stderr
    assert "PASSED test_leaky.py::test_fine" in done.stdout
