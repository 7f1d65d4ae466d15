"""When something of the machinery itself breaks: a typed error, its exit code, and nothing left."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scripted import ScriptedModel
from tests.runtime import PATIENCE, PROMPT, TOKEN, Cct, Finished, access, ask, family, find_process, reply

WAITS = "console.log('running'); setInterval(() => {}, 1000);"


def break_in_mid_run(cct: Cct, config: str) -> Finished:
    """Kills the process that runs on `config` while a program is running, and waits for cct to end by itself."""
    (cct.project / "main.js").write_text(WAITS)
    process = cct.start("run", "main.js", "--timeout", "300")
    assert process.stdout is not None
    assert process.stdout.readline() == b"running\n"
    find_process(process, config).send_signal(signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE)
    assert cct.left_behind() == []
    return Finished(process.returncode, out, err)


def test_a_sandbox_that_is_killed_from_outside_has_crashed(cct: Cct) -> None:
    done = break_in_mid_run(cct, "javascript.bin")
    assert done.code == 1
    assert "ended unexpectedly" in done.stderr
    assert "may be missing" in done.stderr


def test_a_worker_that_dies_in_mid_run_is_exit_4(cct: Cct) -> None:
    done = break_in_mid_run(cct, "gateway.bin")
    assert done.code == 4
    assert "ended the stream" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sandbox_that_does_not_start_is_exit_4(cct: Cct, runtime: LocalRuntime, tmp_path: Path) -> None:
    broken = tmp_path / "broken.bin"
    broken.write_bytes(b"broken")
    (cct.project / "main.js").write_text(WAITS)
    wrong = replace(runtime, sandboxes={**runtime.sandboxes, "javascript": broken})
    with local_worker(wrong, environment={}, listen="127.0.0.1:0", token=TOKEN) as worker:
        done = cct("run", "main.js", "--json", "--worker-url", worker.url, env={"CCT_TOKEN": TOKEN})
    assert (done.code, done.json["errorCode"]) == (4, "sandbox_unavailable")
    assert done.json["retryable"] is True


def test_a_fault_of_the_worker_is_exit_4_and_keeps_its_inside_to_itself(cct: Cct) -> None:
    assert cct("init", "--yes").code == 0
    source = cct.project / ".claude" / "sandbox" / "cloudflare" / "src" / "answer.ts"
    text = source.read_text()
    source.write_text(
        text.replace("  return {\n    success:", "  throw new Error('INSIDE');\n  return {\n    success:")
    )
    assert source.read_text() != text
    with ScriptedModel([reply({"main.js": "console.log('ran')"})], pace=0) as model:
        done = ask(cct, model, "--json", "--trust-project")
    assert (done.code, done.json["errorCode"]) == (4, "internal"), done.stdout
    assert "INSIDE" not in done.stdout + done.stderr
    assert cct.files() == {}


def test_files_that_cannot_be_saved_are_exit_3_and_no_folder_is_left(cct: Cct) -> None:
    (cct.project / "main.js").write_text("require('fs').writeFileSync('a.txt', 'x')")
    (cct.project / "file").write_text("in the way")
    done = cct("run", "main.js", "--json", "--output", "file/deeper")
    assert (done.code, done.json["errorCode"]) == (3, "output_unwritable")
    assert set(cct.files()) == {"main.js", "file"}


def test_a_reader_that_has_seen_enough_is_no_error(cct: Cct) -> None:
    """`cct run main.js | head -1`"""
    (cct.project / "main.js").write_text("setInterval(() => console.log('line'), 1)")
    with cct.start("run", "main.js", "--quiet", "--timeout", "300") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
    assert cct.left_behind() == []


def test_a_key_that_cannot_be_one_is_exit_3_and_not_shown(cct: Cct) -> None:
    for key in ("sk-ant-…", "two words", "sk-ant-api03-<your key>"):
        done = cct("--prompt", PROMPT, "--yes", "--json", env={"ANTHROPIC_API_KEY": key})
        assert done.code == 3
        assert key not in done.json["error"] + done.json["hint"]
        assert not (cct.project / ".claude").exists()


def test_a_program_that_never_came_leaves_no_sandbox(cct: Cct) -> None:
    """Generation fails while the sandbox that was started ahead is waiting."""
    with ScriptedModel([], pace=0) as model:
        process = cct.start("--prompt", PROMPT, "--yes", "--json", env=access(model))
        started = family(process)
        out, err = process.communicate(timeout=PATIENCE)
    assert Finished(process.returncode, out, err).json["errorCode"] == "model_bad_request"
    assert process.returncode == 5
    assert all(not child.is_running() for child in started)
    assert cct.left_behind() == []
