"""The main job: a prompt, a scripted model, a program that runs, and what a person or a script sees of it."""

from __future__ import annotations

import errno
import os
import pty
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from cct_cloudflare import scripted
from cct_cloudflare.errors import CODES
from cct_cloudflare.sandbox.events import RunResult
from cct_cloudflare.scripted import ScriptedModel
from tests.runtime import KEY, PATIENCE, PROMPT, Cct, Finished, access, ask, reply

FIBONACCI = "What is the 10th Fibonacci number?"
SAID = 'console.log("said");'


def demo(cct: Cct, prompt: str, *argv: str | Path) -> Finished:
    return cct("--sandbox", "cloudflare", "--demo", "--yes", "--prompt", prompt, *argv)


@pytest.mark.parametrize("prompt", scripted.prompts())
def test_every_scripted_prompt_runs(cct: Cct, prompt: str) -> None:
    done = demo(cct, prompt, "--json")
    fails = "fails" in prompt
    assert done.code == (1 if fails else 0), done.stderr
    answer = done.json
    known = scripted.find(prompt)
    assert isinstance(known, scripted.Reply)
    assert answer["question"] == prompt
    assert answer["language"] == known.language
    assert answer["success"] is not fails
    assert answer["sandbox"] == "process"
    folder = f"cloudflare-{answer['sandboxId']}"
    saved = cct.files()
    assert set(saved) == {f"{folder}/{file['path']}" for file in answer["savedFiles"]}
    for file in known.files:
        assert saved[f"{folder}/{file.path}"] == file.content.encode()
    if fails:
        assert "main.py" in answer["error"]
        assert "ZeroDivisionError" in answer["error"]
    if "CSV" in prompt:
        assert saved[f"{folder}/powers.csv"].endswith(b"12,144,1728\r\n")
    if prompt == FIBONACCI:
        assert answer["output"].endswith("The 10th Fibonacci number is 55.\n")


def test_the_line_of_make_demo_shows_every_stage(cct: Cct) -> None:
    done = demo(cct, FIBONACCI, "--agent", "python-developer")
    assert done.code == 0
    assert done.stdout.splitlines()[-1] == "The 10th Fibonacci number is 55."
    stages = ["Rendered .claude/sandbox/cloudflare", "characters", "SCRIPTED MODEL", "process", "  │ def fibonacci"]
    stages += ["Output", "succeeded", "generation", "tokens in", "Saved"]
    places = [done.stderr.index(stage) for stage in stages]
    assert places == sorted(places)
    assert "\x1b" not in done.stderr


def test_a_second_run_changes_nothing_in_the_rendered_project(cct: Cct) -> None:
    rendered = cct.project / ".claude"

    def stamps() -> dict[str, tuple[int, int]]:
        return {str(p): (p.stat().st_mtime_ns, p.stat().st_ino) for p in rendered.rglob("*")}

    assert demo(cct, FIBONACCI, "--json").code == 0
    before = stamps()
    again = demo(cct, FIBONACCI)
    assert again.code == 0
    assert "Rendered" not in again.stderr
    assert stamps() == before


def test_agents_and_commands_reach_claude_and_the_answer_comes_back(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        argv = ["--agent", "frontend-developer,python-developer", "--command", "setup-react", "--model", "opus"]
        done = ask(cct, model, *argv, "--max-tokens", "2000", "--json")
    assert (done.code, done.json["output"]) == (0, "said\n")
    (request,) = model.requests
    body = request.body
    assert body is not None
    system = body["system"] if isinstance(body["system"], str) else "".join(part["text"] for part in body["system"])
    assert system.index("frontend") < system.index("senior Python developer")
    assert PROMPT in str(body["messages"])
    assert "React" in str(body["messages"])
    assert body["model"].startswith("claude-opus")
    assert body["max_tokens"] == 2000
    assert KEY in request.headers.get("x-api-key", "") + request.headers.get("authorization", "")


def test_json_is_exactly_the_answer_and_what_was_saved(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID, "page/a.html": "<p>"})], pace=0) as model:
        done = ask(cct, model, "--output", "here", "--json")
    assert done.raw.count(b"\n") == 1
    assert set(done.json) == {
        *RunResult(True, "", "").to_json(),
        "savedFiles",
        "outputDirectory",
        "cost",
        "historyId",
        "notApplied",
    }
    assert done.json["savedFiles"] == [
        {"path": "main.js", "bytes": len(SAID), "status": "new"},
        {"path": "page/a.html", "bytes": 3, "status": "new"},
    ]
    assert done.json["code"] == SAID
    assert done.json["usage"]["outputTokens"] > 0
    assert done.json["attempts"] == 1
    assert cct.files() == {"here/main.js": SAID.encode(), "here/page/a.html": b"<p>"}
    assert KEY not in done.stdout + done.stderr


def test_quiet_shows_the_programs_output_and_nothing_else(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        done = ask(cct, model, "--quiet")
    assert (done.code, done.stdout, done.stderr) == (0, "said\n", "")


def test_the_key_on_the_command_line_is_warned_about_and_used(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        done = cct("--prompt", PROMPT, "--anthropic-api-key", KEY, env={"ANTHROPIC_BASE_URL": model.url})
    assert (done.code, done.stdout) == (0, "said\n")
    assert "process list" in done.stderr
    assert KEY not in done.stderr


def test_the_key_of_the_projects_env_file_is_used_and_its_base_url_is_not(cct: Cct) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        (cct.project / ".env").write_text(f"ANTHROPIC_API_KEY={KEY}\nANTHROPIC_BASE_URL=http://127.0.0.1:9\n")
        done = cct("--prompt", PROMPT, env={"ANTHROPIC_BASE_URL": model.url})
    assert (done.code, done.stdout) == (0, "said\n")
    assert len(model.requests) == 1


# A terminal


def on_a_terminal(cct: Cct, *argv: str, answer: bytes = b"", env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Runs cct on a pseudo terminal and returns its exit code and all that the terminal was sent."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        cct.command(*argv),
        cwd=cct.project,
        env={**cct.environment, "TERM": "xterm-256color", "COLUMNS": "100", **(env or {})},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    ) as process:
        os.close(follower)
        shown = b""
        try:
            os.write(leader, answer)
            while chunk := _read(leader):
                shown += chunk
            process.wait(PATIENCE)
        finally:
            process.kill()
            os.close(leader)
    return process.returncode, shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError as error:  # Linux says so when the last process has closed its end
        if error.errno == errno.EIO:
            return b""
        raise


HOSTILE_PRINTS = """\
const out = ['\\x1b]52;c;ZXZpbA==\\x07', '\\x1b]0;title\\x07', '\\x1b[2J', '\\x9b31m', 'good\\rEVIL'];
out.push('\\x1bPq\\x1b\\\\');
for (const text of out) { console.log('<' + text + '>'); console.error('<' + text + '>'); }
"""


def test_nothing_that_a_program_prints_acts_on_a_terminal(cct: Cct) -> None:
    (cct.project / "main.js").write_text(HOSTILE_PRINTS)
    code, shown = on_a_terminal(cct, "run", "main.js", "--quiet")
    assert code == 0
    assert not set(shown) & set("\x1b\x07\x9b\x90")
    assert shown.replace("\r\n", "\n").count("\r") == 0
    assert "good\r\nEVIL" in shown


def test_with_colours_the_escapes_are_ours_alone(cct: Cct) -> None:
    (cct.project / "main.js").write_text(HOSTILE_PRINTS)
    code, shown = on_a_terminal(cct, "run", "main.js")
    assert code == 0
    assert "\x1b[" in shown, "a terminal gets colours"
    for sign in ("\x1b]", "\x1bP", "\x07", "\x9b", "\x1b[2J", "\x1b[31m<"):
        assert sign not in shown


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_color_is_obeyed_on_a_terminal(cct: Cct, environment: dict[str, str]) -> None:
    (cct.project / "main.js").write_text(SAID)
    code, shown = on_a_terminal(cct, "run", "main.js", env=environment)
    assert code == 0
    assert "said\r\n" in shown
    assert "\x1b" not in shown


def test_json_holds_hostile_output_raw_but_as_escapes(cct: Cct) -> None:
    (cct.project / "main.js").write_text(HOSTILE_PRINTS)
    done = cct("run", "main.js", "--json")
    assert "<\x1b]52;c;ZXZpbA==\x07>\n" in done.json["output"]
    assert "good\rEVIL" in done.json["output"]
    assert not set(done.stdout) & set("\x1b\x07\r\x9b")


def test_redirected_output_is_made_harmless_too(cct: Cct) -> None:
    (cct.project / "main.js").write_text(HOSTILE_PRINTS)
    done = cct("run", "main.js")
    assert not set(done.stdout + done.stderr) & set("\x1b\x07\r\x9b")


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"n\n", 130)])
def test_on_a_terminal_rendering_is_asked_about(cct: Cct, answer: bytes, code: int) -> None:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        got, shown = on_a_terminal(cct, "--prompt", PROMPT, answer=answer, env=access(model))
    assert got == code, shown
    assert "Render the Worker project into .claude/sandbox/cloudflare?" in shown
    assert (cct.project / ".claude").exists() == (code == 0)
    assert len(model.requests) == (1 if code == 0 else 0)


# The project's own Worker


def edit_worker(cct: Cct, old: str, new: str) -> None:
    source = cct.project / ".claude" / "sandbox" / "cloudflare" / "src" / "describe.ts"
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new))


@pytest.fixture
def rendered(cct: Cct) -> Cct:
    assert cct("init", "--yes").code == 0
    return cct


def test_changed_worker_source_gets_no_key_without_consent(rendered: Cct) -> None:
    edit_worker(rendered, "export", "// mine\nexport")
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        # --yes, which `ask` passes, is no consent.
        refused = ask(rendered, model, "--json")
        assert (refused.code, refused.json["errorCode"]) == (3, "untrusted_project")
        assert "--trust-project" in refused.json["hint"]
        assert model.requests == []
        trusted = ask(rendered, model, "--json", "--trust-project")
        assert (trusted.code, trusted.json["output"]) == (0, "said\n"), trusted.stderr
        assert ask(rendered, model, "--json").code == 0, "consent is remembered"
        edit_worker(rendered, "// mine", "// yours")
        assert ask(rendered, model, "--json").code == 3, "but only for these bytes"
    decisions = [
        path for path in (rendered.home / ".config").rglob("*.json") if str(rendered.project) in path.read_text()
    ]
    assert decisions, "consent is kept outside the project"


def test_on_a_terminal_consent_is_asked_for_and_a_no_is_final(rendered: Cct) -> None:
    edit_worker(rendered, "export", "// mine\nexport")
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        for answer in (b"n\n", b"\n"):
            code, shown = on_a_terminal(rendered, "--prompt", PROMPT, answer=answer, env=access(model))
            assert code == 3, shown
            assert "should it run?" in shown
            assert "--trust-project" in shown
    assert model.requests == []


def test_the_projects_own_worker_is_what_runs(rendered: Cct) -> None:
    source = rendered.project / ".claude" / "sandbox" / "cloudflare" / "src" / "sandbox" / "process.ts"
    text = source.read_text()
    source.write_text(text.replace("no network'", "changed by its owner'"))
    assert source.read_text() != text
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        done = ask(rendered, model, "--json", "--trust-project")
    assert done.code == 0, done.stderr
    assert done.json["isolation"].endswith("changed by its owner")
    # `cct run` has no key to give away, and uses what cct renders.
    (rendered.project / "main.js").write_text(SAID)
    assert rendered("run", "main.js", "--json").json["isolation"].endswith("no network")


def test_worker_source_that_does_not_build_says_where(rendered: Cct) -> None:
    edit_worker(rendered, "export", "export const broken = ;\nexport")
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as model:
        done = ask(rendered, model, "--json", "--trust-project")
    assert (done.code, done.json["errorCode"]) == (3, "toolchain")
    assert "describe.ts" in done.json["error"]
    assert "export const broken = ;" in done.json["error"]
    assert "cct init --force" in done.json["hint"]
    assert model.requests == []


def test_every_exit_code_of_the_registry_is_one_of_the_documented() -> None:
    assert {spec.exit for spec in CODES.values()} == {1, 2, 3, 4, 5, 6, 7, 130}
