"""Every path of the wizard on a real terminal, from an empty home; and what Ctrl-C leaves behind at every question."""

from __future__ import annotations

import json
import re
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cct_cloudflare.sandbox.local import LocalWorker, local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scripted import ScriptedModel
from tests.runtime import KEY, PROMPT, Cct, reply
from tests.wizard.terminal import CTRL_C, CTRL_D, CTRL_U, DOWN, ENTER, ESCAPE, SPACE, UP, Terminal, on_terminal

SAID = 'console.log("said so");'

WHERE = "Where should programs run?"
KEY_QUESTION = "Your Anthropic API key"
KEEP = "Should cct keep this key?"
URL = "The Worker's URL?"
TOKEN = "Its token (CCT_TOKEN)?"
HELPERS = "Which agents and commands should help?"
ASKED = "What should the program do?"
GO = "Go?"
NEXT = "What next?"

TO_WORKER, TO_DEPLOY, TO_DEMO = DOWN, DOWN * 2, DOWN * 3


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel([reply({"main.js": SAID})], pace=0, key=KEY) as server:
        yield server


@dataclass(frozen=True)
class Place:
    """A Worker with an address, as one that was deployed has."""

    worker: LocalWorker
    model: ScriptedModel


@pytest.fixture(scope="module")
def place(runtime: LocalRuntime) -> Iterator[Place]:
    with ScriptedModel([reply({"main.js": SAID})], pace=0) as server:
        environment = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server.url}
        with local_worker(runtime, environment=environment, listen="127.0.0.1:0") as worker:
            yield Place(worker, server)


def listing(cct: Cct) -> dict[str, bytes | None]:
    """Everything below home and project: bytes of files, None for folders."""
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for root in (cct.home, cct.project, cct.temporary)
        for path in sorted(root.rglob("*"))
    }


def settings(cct: Cct, name: str) -> Path:
    return cct.home / ".config" / "cct-cloudflare" / name


def quit_at_menu(terminal: Terminal, item: int = 0) -> int:
    """Goes round to the last item, from the one that was chosen before."""
    terminal.answer(NEXT, UP * (item + 1), ENTER)
    return terminal.end()


def test_the_demo_from_an_empty_home_to_its_result(cct: Cct) -> None:
    with on_terminal(cct) as terminal:
        terminal.answer(WHERE, TO_DEMO, ENTER)
        terminal.answer(HELPERS, "pyt", "hon-dev", SPACE, ENTER)
        terminal.expect("agent development-team/python-developer")
        terminal.expect(ASKED)
        terminal.expect("What is the 10th Fibonacci number?")
        terminal.press(DOWN, DOWN, ENTER)
        terminal.expect("What is the 10th Fibonacci number?")
        for shown in ("SCRIPTED MODEL", ".claude/sandbox/cloudflare/", "Cost", "none"):
            terminal.expect(shown)
        terminal.expect("cct --sandbox cloudflare --demo --agent development-team/python-developer --yes --prompt")
        assert not (cct.project / ".claude").exists()
        terminal.answer(GO, ENTER)
        terminal.expect("The 10th Fibonacci number is 55.")
        terminal.expect("The program succeeded.")
        assert quit_at_menu(terminal) == 0
    assert any(name.endswith("/main.py") for name in cct.files())


def test_a_component_is_browsed_by_what_it_does(cct: Cct) -> None:
    (cct.project / ".claude" / "sandbox" / "cloudflare").mkdir(parents=True)
    agents = cct.project / ".claude" / "agents"
    agents.mkdir()
    (agents / "painter.md").write_text(
        "---\ndescription: Paints \x1b[31mwonderfully\x1b[0m\n---\nUse \x1b[5mred\x1b[0m.\n"
    )
    with on_terminal(cct) as terminal:
        terminal.answer(NEXT, DOWN * 2, ENTER)
        terminal.answer("Which component?", "wonder")
        terminal.expect("wonder...")
        terminal.press(ENTER)
        terminal.answer("? painter", DOWN, ENTER)
        terminal.expect("│ Use red.")
        terminal.answer("? painter", ESCAPE)
        terminal.answer("Which component?", ESCAPE)
        assert quit_at_menu(terminal, item=2) == 0
    for sign in ("\x1b[31mwonder", "\x1b[5m", "␛"):
        assert sign not in terminal.raw


def test_a_mistyped_word_shows_what_was_meant_first(cct: Cct) -> None:
    (cct.project / ".claude" / "sandbox" / "cloudflare").mkdir(parents=True)
    with on_terminal(cct) as terminal:
        terminal.answer(NEXT, DOWN * 2, ENTER)
        terminal.answer("Which component?", "frontedn")
        terminal.expect("frontedn...")
        terminal.press(ENTER)
        terminal.answer("? frontend-developer", ESCAPE)
        terminal.answer("Which component?", ESCAPE)
        assert quit_at_menu(terminal, item=2) == 0


def test_a_wrong_key_is_asked_for_again_and_the_right_one_is_kept(cct: Cct, model: ScriptedModel) -> None:
    wrong = "sk-ant-api03-WRONG-0a1b2c3d4e5f"
    with on_terminal(cct, env={"ANTHROPIC_BASE_URL": model.url}) as terminal:
        terminal.answer(WHERE, ENTER)
        terminal.answer(KEY_QUESTION, "your-key", ENTER)
        terminal.expect("placeholder")
        terminal.press(CTRL_U, wrong, ENTER)
        terminal.expect("refuses the key")
        terminal.answer(KEY_QUESTION, KEY, ENTER)
        terminal.expect("accepts the key")
        terminal.answer(KEEP, ENTER)
        terminal.answer(HELPERS, ENTER)
        terminal.answer(ASKED, PROMPT, ENTER, "In two lines.", CTRL_D)
        terminal.expect(model.url)
        terminal.expect("at most $")
        terminal.answer(GO, "")
        assert not settings(cct, "credentials.json").exists()
        assert not (cct.project / ".claude").exists()
        terminal.press(ENTER)
        terminal.expect("said so")
        assert quit_at_menu(terminal) == 0
        assert KEY not in terminal.raw
        assert wrong not in terminal.raw
    kept = settings(cct, "credentials.json")
    assert json.loads(kept.read_text()) == {"anthropicApiKey": KEY}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    messages = [request for request in model.requests if request.path == "/v1/messages"]
    assert len(messages) == 1
    assert "In two lines." in str(messages[0].body)
    assert len(model.requests) == 3, "one cheap call for each key"


def test_a_key_for_this_session_is_used_and_nowhere_kept(cct: Cct, model: ScriptedModel) -> None:
    with on_terminal(cct, env={"ANTHROPIC_BASE_URL": model.url}) as terminal:
        terminal.answer(WHERE, ENTER)
        terminal.answer(KEY_QUESTION, KEY, ENTER)
        terminal.answer(KEEP, DOWN, ENTER)
        terminal.answer(HELPERS, ENTER)
        terminal.answer(ASKED, PROMPT, ESCAPE + ENTER)
        terminal.expect("ANTHROPIC_API_KEY=… cct --sandbox cloudflare")
        terminal.answer(GO, ENTER)
        terminal.expect("said so")
        # Known from now on: no key is asked for, and the same answers stand ready.
        terminal.answer(NEXT, ENTER)
        terminal.answer(WHERE, ENTER)
        terminal.answer(HELPERS, ENTER)
        terminal.answer(ASKED, CTRL_D)
        terminal.answer(GO, ENTER)
        terminal.expect("said so")
        assert quit_at_menu(terminal) == 0
        assert KEY not in terminal.raw
    assert not any(KEY.encode() in (content or b"") for content in listing(cct).values())


def test_without_a_network_the_key_may_go_unchecked(cct: Cct) -> None:
    with on_terminal(cct, env={"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}) as terminal:
        terminal.answer(WHERE, ENTER)
        terminal.answer(KEY_QUESTION, KEY, ENTER)
        terminal.expect("could not be reached")
        terminal.answer("The key could not be checked.", DOWN, ENTER)
        terminal.answer(KEEP, CTRL_C)
        assert terminal.end() == 130


def test_a_worker_that_exists(cct: Cct, place: Place) -> None:
    worker = place.worker
    with on_terminal(cct) as terminal:
        terminal.answer(WHERE, TO_WORKER, ENTER)
        terminal.answer(URL, "http://example.com", ENTER)
        terminal.expect("must be https")
        terminal.press(CTRL_U, "http://127.0.0.1:9", ENTER)
        terminal.expect("could not be reached")
        terminal.answer(URL, worker.url + "/", ENTER)
        terminal.expect("cct-cloudflare-sandbox")
        terminal.answer(TOKEN, "not-the-token", ENTER)
        terminal.expect("token is missing or wrong")
        terminal.answer(TOKEN, worker.token, ENTER)
        terminal.answer(HELPERS, ENTER)
        terminal.answer(ASKED, PROMPT, CTRL_D)
        terminal.expect(f"--worker-url {worker.url}")
        terminal.answer(GO, "")
        assert not settings(cct, "workers.json").exists()
        terminal.press(ENTER)
        terminal.expect("said so")
        # It is known from now on.
        terminal.answer(NEXT, ENTER)
        terminal.answer(WHERE, "")
        terminal.expect(worker.url)
        terminal.press(CTRL_C)
        assert terminal.end() == 130
        assert worker.token not in terminal.raw
    assert worker.token in settings(cct, "workers.json").read_text()
    assert stat.S_IMODE(settings(cct, "workers.json").stat().st_mode) == 0o600


#: The questions of each path, each with the keys that answer it; what the model and the Worker say is real.
PATHS: dict[str, list[tuple[str, str]]] = {
    "demo": [
        (WHERE, TO_DEMO + ENTER),
        (HELPERS, ENTER),
        (ASKED, ENTER),
        (GO, ""),
    ],
    "here": [
        (WHERE, ENTER),
        (KEY_QUESTION, KEY + ENTER),
        (KEEP, ENTER),
        (HELPERS, SPACE + ENTER),
        (ASKED, PROMPT + CTRL_D),
        (GO, DOWN * 3 + ENTER),
        ("Which model?", ENTER),
        (GO, ""),
    ],
    "worker": [
        (WHERE, TO_WORKER + ENTER),
        (URL, "{url}" + ENTER),
        (TOKEN, "{token}" + ENTER),
        (HELPERS, ENTER),
        (ASKED, PROMPT + CTRL_D),
        (GO, ""),
    ],
    "deploy": [
        (WHERE, TO_DEPLOY + ENTER),
        (KEY_QUESTION, KEY + ENTER),
        (KEEP, ENTER),
        ("Start with it?", ""),
    ],
}


@pytest.mark.parametrize(("path", "at"), [(name, at) for name, path in PATHS.items() for at in range(len(path))])
def test_control_c_leaves_nothing_behind_at_any_question(
    cct: Cct, model: ScriptedModel, place: Place, path: str, at: int
) -> None:
    before = listing(cct)
    with on_terminal(cct, env={"ANTHROPIC_BASE_URL": model.url}) as terminal:
        for question, keys in PATHS[path][:at]:
            terminal.answer(question, keys.replace("{url}", place.worker.url).replace("{token}", place.worker.token))
        terminal.answer(PATHS[path][at][0], CTRL_C)
        terminal.expect("Interrupted.")
        assert terminal.end() == 130
    assert listing(cct) == before


def test_control_c_ends_what_is_waited_for(cct: Cct) -> None:
    before = listing(cct)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {"ANTHROPIC_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        with on_terminal(cct, env=env) as terminal:
            terminal.answer(WHERE, ENTER)
            terminal.answer(KEY_QUESTION, KEY, ENTER)
            terminal.answer("Checking the key", CTRL_C)
            terminal.expect("Interrupted.")
            assert terminal.end() == 130
    assert listing(cct) == before


def test_a_deployment_asks_its_own_questions_and_a_no_leads_back_to_the_places(cct: Cct, model: ScriptedModel) -> None:
    before = listing(cct)
    with on_terminal(cct, env={"ANTHROPIC_BASE_URL": model.url}) as terminal:
        terminal.answer(WHERE, TO_DEPLOY, ENTER)
        terminal.answer(KEY_QUESTION, KEY, ENTER)
        terminal.answer(KEEP, DOWN, ENTER)
        terminal.expect("ANTHROPIC_API_KEY=… cct deploy")
        terminal.answer("Start with it?", ENTER)
        terminal.answer("[Y/n]", "n\n")
        terminal.answer(WHERE, CTRL_C)
        assert terminal.end() == 130
    assert listing(cct) == before


def test_leaving_at_the_last_confirm_is_no_failure_and_writes_nothing(cct: Cct) -> None:
    before = listing(cct)
    with on_terminal(cct) as terminal:
        for question, keys in PATHS["demo"][:-1]:
            terminal.answer(question, keys)
        terminal.answer(GO, UP, ENTER)
        terminal.expect("Nothing was written.")
        assert terminal.end() == 0
    assert listing(cct) == before


def test_a_command_line_without_its_prompt_is_completed_on_a_terminal(cct: Cct, model: ScriptedModel) -> None:
    env = {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": KEY}
    with on_terminal(cct, "--sandbox", "cloudflare", "--timeout", "20", env=env) as terminal:
        terminal.answer(ASKED, PROMPT, CTRL_D)
        terminal.expect("cct --sandbox cloudflare --timeout 20 --yes --prompt")
        terminal.answer(GO, ENTER)
        terminal.expect("said so")
        assert terminal.end() == 0


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["--agent", "no-such-agent"], 2, "no-such-agent"),
        (["--worker-url", "http://example.com"], 2, "must be https"),
        (["--sandbox", "nowhere"], 2, "nowhere"),
    ],
)
def test_a_wrong_command_line_is_told_before_anything_is_asked(cct: Cct, argv: list[str], code: int, said: str) -> None:
    with on_terminal(cct, *argv) as terminal:
        terminal.expect(said)
        assert terminal.end() == code
    assert ASKED not in terminal.shown


@pytest.mark.parametrize("argv", [["--yes"], ["--sandbox", "cloudflare", "--yes"], ["--demo", "--json"], ["--quiet"]])
def test_nothing_is_asked_where_it_was_declined(cct: Cct, argv: list[str]) -> None:
    with on_terminal(cct, *argv) as terminal:
        terminal.expect("--prompt")
        assert terminal.end() == 2
    assert listing(cct) == {}


@pytest.mark.parametrize("argv", [["--yes"], ["--demo"], ["--sandbox", "cloudflare"], ["--no-color"]])
def test_nothing_is_asked_where_nobody_is(cct: Cct, argv: list[str]) -> None:
    done = cct(*argv)
    assert (done.code, done.stdout) == (2, "")
    assert "--prompt" in done.stderr


def test_without_a_terminal_or_on_a_dumb_one_it_prints_help_and_says_what_is_missing(cct: Cct) -> None:
    done = cct()
    assert (done.code, done.stdout) == (2, "")
    assert "Examples:" in done.stderr
    assert "--prompt" in done.stderr.split("Error: There is no prompt.")[1]
    with on_terminal(cct, env={"TERM": "dumb"}) as terminal:
        terminal.expect("Examples:")
        assert terminal.end() == 2


def test_no_color_is_obeyed(cct: Cct) -> None:
    with on_terminal(cct, "--no-color") as terminal:
        for question, keys in PATHS["demo"][:-1]:
            terminal.answer(question, keys)
        terminal.answer(GO, UP, ENTER)
        assert terminal.end() == 0
        raw = terminal.raw
    colours = {code for found in re.findall(r"\x1b\[([0-9;]*)m", raw) for code in found.split(";")}
    assert colours <= {"", "0", "1"}, "bold is no colour"
