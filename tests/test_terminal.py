from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.errors import CctError, WorkerError
from cct_cloudflare.sandbox.events import (
    AnnouncedFile,
    Booted,
    Event,
    Generation,
    Metrics,
    Output,
    ProgramReady,
    RunResult,
    Started,
    Usage,
)
from cct_cloudflare.sandbox.outputs import SavedFile, SavedFiles
from cct_cloudflare.sandbox.program import RefusedFile
from cct_cloudflare.terminal import Intro, make_display, render_error, show_error
from tests import results
from tests.screens import ACTIVE, Screen


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What rich asks the environment, whatever the machine says."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")


INTRO = Intro(question="x" * 34, system="y" * 1000, components=("development-team/python-developer",), demo=True)
REFUSED = (RefusedFile("../../x", "leaves its folder"),)
EVENTS: list[Event] = [
    Started("5f0c", "process", "a fresh workerd process", "claude-sonnet-5-5", None, 30000),
    Generation("main.py", "def f():\n\tretu"),
    Generation("main.py", "rn 55\nprint(f())"),
    Generation("helper.py", "X = 1\n"),
    Booted(0, True),
    ProgramReady("python", "main.py", (AnnouncedFile("main.py", 30),), ()),
    Output("stdout", "55\x1b["),
    Output("stdout", "31m!\n"),
    Output("stderr", "careful\n"),
]
RESULT = results.result(
    output="55\x1b[31m!\n",
    sandbox_id="5f0c",
    sandbox="process",
    isolation="a fresh workerd process",
    usage=Usage(1024, 210, 0.0062),
    metrics=Metrics(912, 0, 31, 1234, 52_000_000),
)
SAVED = SavedFiles(
    Path("/w/cloudflare-5f0c"), (SavedFile("main.py", 312, "new"), SavedFile("a.csv", 5, "replaced")), ()
)
FAILED = RunResult(
    success=False,
    output="",
    sandbox_id="a",
    error="Traceback …",
    error_code="program_failed",
    program_exit_code=3,
    refused_files=REFUSED,
    truncated=True,
    output_lossy=True,
    output_may_be_incomplete=True,
)
NOTHING = SavedFiles(None, (), ())


def test_a_log_has_the_whole_run_and_stdout_only_the_output() -> None:
    screen = Screen()
    screen.show(EVENTS, RESULT, SAVED, INTRO)
    assert screen.stdout == "55!\n"
    assert screen.stderr == (
        "  Prompt   1,034 characters; 1,000 of them from agents; development-team/python-developer\n"
        "  Model    SCRIPTED MODEL (demo): its answers are written in advance\n"
        "  Where    this machine\n"
        "  Starting\n"
        "  Rendered\n"
        "  Sandbox  process: a fresh workerd process\n"
        "\n"
        "main.py\n"
        "  │ def f():\n"
        "  │     return 55\n"
        "  │ print(f())\n"
        "\n"
        "helper.py\n"
        "  │ X = 1\n"
        "\n"
        "Output\n"
        "careful\n"
        "\n"
        "✓ The program succeeded.  1.23 s\n"
        "  Time     generation 912 ms, sandbox 0 ms (started ahead), run 31 ms\n"
        "  Model    SCRIPTED MODEL, 1,024 tokens in, 210 out, no cost\n"
        "  Sandbox  process: a fresh workerd process\n"
        "           52.0 MB of memory at its peak\n"
        "  Saved    /w/cloudflare-5f0c/\n"
        "             main.py  312 B\n"
        "             a.csv  5 B, replaced\n"
    )


def test_a_real_model_is_named_with_its_cost() -> None:
    screen = Screen()
    screen.show(EVENTS, RESULT, SAVED, Intro(question="q"))
    assert "SCRIPTED" not in screen.stderr
    assert "  Model    claude-sonnet-5-5, 1,024 tokens in, 210 out, $0.0062\n" in screen.stderr


def test_a_terminal_shows_the_same_in_colour() -> None:
    log, screen = Screen(), Screen(tty=True)
    log.show(EVENTS, RESULT, SAVED, INTRO)
    screen.show(EVENTS, RESULT, SAVED, INTRO)
    assert screen.stdout == "55!\n"
    assert "\x1b[" in screen.stderr
    words = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.stderr).replace("…", " ").split()
    assert set(log.stderr.split()) <= set(words)
    assert screen.stderr.count("\x1b[?25l") == screen.stderr.count("\x1b[?25h"), "the cursor is shown again"


@pytest.mark.parametrize(
    ("flags", "environ"),
    [({"no_color": True}, {}), ({}, {"NO_COLOR": "1"}), ({}, {"TERM": "dumb"})],
)
def test_no_colour_and_no_spinner_on_request(flags: dict[str, bool], environ: dict[str, str]) -> None:
    log, screen = Screen(), Screen(tty=True, environ={"TERM": "xterm", **environ})
    log.show(EVENTS, RESULT, SAVED, INTRO)
    screen.show(EVENTS, RESULT, SAVED, INTRO, **flags)
    assert screen.stderr == log.stderr


def test_a_failure_names_status_refusals_and_flags() -> None:
    screen = Screen()
    screen.show([Output("stderr", "Traceback …\n")], FAILED, NOTHING, Intro())
    assert screen.stdout == ""
    assert screen.stderr.endswith(
        "✗ The program failed with status 3; 1 file was refused as unsafe.\n"
        "  Refused  ../../x: it leaves its folder\n"
        "  Note     The output or the files passed a limit; the rest was dropped (truncated).\n"
        "           The program was stopped; what it printed last may be missing (outputMayBeIncomplete).\n"
        "           The output was not all UTF-8; some bytes show as \ufffd (outputLossy).\n"
    )


def test_a_run_that_was_stopped_says_why_in_the_workers_words() -> None:
    result = RunResult(
        success=False,
        output="",
        sandbox_id="a",
        error="The program was stopped after 1 s, its time limit.\nhalf a line",
        error_code="sandbox_timeout",
    )
    screen = Screen()
    screen.show([], result, NOTHING, Intro())
    assert "✗ The program was stopped after 1 s, its time limit.\n" in screen.stderr


def test_a_success_with_refused_files_is_marked() -> None:
    screen = Screen()
    screen.show([], RESULT.with_refused(REFUSED * 1), NOTHING, Intro())
    assert "! The program succeeded; 1 file was refused as unsafe." in screen.stderr


def test_many_files_are_counted_not_listed() -> None:
    saved = SavedFiles(Path("/w"), tuple(SavedFile(f"f{n}", 1, "new") for n in range(100)), ())
    screen = Screen()
    screen.show([], RESULT, saved, Intro())
    assert "  f19  1 B\n" in screen.stderr
    assert "f20" not in screen.stderr
    assert "and 80 more" in screen.stderr


def test_quiet_gives_the_output_and_one_line_when_it_went_wrong() -> None:
    good, bad = Screen(), Screen()
    good.show(EVENTS, RESULT, SAVED, INTRO, quiet=True)
    bad.show([Output("stderr", "Traceback …\n")], FAILED, NOTHING, Intro(), quiet=True)
    assert (good.stdout, good.stderr) == ("55!\n", "careful\n")
    assert (bad.stdout, bad.stderr) == (
        "",
        "Traceback …\nThe program failed with status 3; 1 file was refused as unsafe.\n"
        "The output or the files passed a limit; the rest was dropped.\n",
    )


def test_json_is_one_object_that_keeps_everything_exact() -> None:
    screen = Screen(tty=True)
    screen.show(EVENTS, RESULT, SAVED, INTRO, as_json=True)
    body = json.loads(screen.stdout)
    assert screen.stdout.count("\n") == 1
    assert not ACTIVE.search(screen.stdout.rstrip("\n"))
    assert body == {
        **RESULT.to_json(),
        "savedFiles": [
            {"path": "main.py", "bytes": 312, "status": "new"},
            {"path": "a.csv", "bytes": 5, "status": "replaced"},
        ],
        "outputDirectory": "/w/cloudflare-5f0c",
        "cost": None,
        "historyId": None,
        "notApplied": [],
    }
    assert screen.stderr == ""


def test_what_follows_unfinished_output_begins_on_its_own_line() -> None:
    terminal, piped = Screen(tty=True), Screen(tty=True, stdout_tty=False)
    for screen in (terminal, piped):
        screen.show([Output("stdout", "no line break")], RESULT, NOTHING, Intro(), no_color=True)
        assert screen.stdout == "no line break", "stdout gets nothing that the program did not print"
    assert "\nOutput\n\n\n✓" in terminal.stderr
    assert "Output" not in piped.stderr


def test_an_interruption_leaves_the_terminal_as_it_was() -> None:
    screen = Screen(tty=True)
    with pytest.raises(KeyboardInterrupt), screen.display() as display:
        display.begin(INTRO)
        display.event(EVENTS[0])
        display.event(Generation("main.py", "half a li"))
        display.progress("Waiting")
        raise KeyboardInterrupt
    assert screen.stderr.count("\x1b[?25l") == screen.stderr.count("\x1b[?25h")


_ANY = st.text(st.characters() | st.sampled_from("\x1b\r\n\x9b\x07]["), max_size=12)
_EVENT = st.one_of(
    st.builds(Started, _ANY, _ANY, _ANY, st.none() | _ANY, st.none(), st.none()),
    st.builds(Generation, _ANY, _ANY),
    st.builds(Booted, st.just(1.0), st.booleans()),
    st.builds(ProgramReady, _ANY, _ANY, st.just(()), st.tuples(st.builds(RefusedFile, _ANY, _ANY))),
    st.builds(Output, st.sampled_from(["stdout", "stderr"]), _ANY),
)


@given(st.lists(_EVENT, max_size=8), _ANY, st.booleans(), st.booleans())
def test_no_worker_can_steer_the_terminal(events: list[Event], text: str, quiet: bool, success: bool) -> None:
    result = RunResult(
        success=success,
        output="",
        sandbox_id=text,
        error=text,
        error_code=text,
        model=text,
        sandbox=text,
        isolation=text,
        refused_files=(RefusedFile(text, text),),
    )
    screen = Screen()
    saved = SavedFiles(Path("/w"), (SavedFile(text, 1, "new"),), ())
    screen.show(events, result, saved, Intro(where=text, question="q", components=(text,)), quiet=quiet)
    assert not ACTIVE.search(screen.stdout)
    assert not ACTIVE.search(screen.stderr)


def test_an_encoding_that_lacks_a_character_does_not_end_the_run() -> None:
    raw_out, raw_err = io.BytesIO(), io.BytesIO()
    out = io.TextIOWrapper(raw_out, encoding="ascii")
    err = io.TextIOWrapper(raw_err, encoding="ascii")
    with make_display(stdout=out, stderr=err, environ={}) as display:
        display.begin(Intro(question="é"))
        display.event(Output("stdout", "é😀\n"))
        display.finish(RESULT, NOTHING)
    assert raw_out.getvalue() == b"??\n"


# errors

ERROR = WorkerError("It went\x1b[2J wrong.", hint="Try again.", code="stream_ended", retryable=True)


def test_an_error_is_a_sentence_and_a_hint() -> None:
    assert render_error(ERROR) == "Error: It went wrong.\nHint:  Try again.\n"
    assert render_error(CctError("Alone.")) == "Error: Alone.\n"


def test_errors_go_to_stderr_or_as_json_to_stdout() -> None:
    log, screen, as_json = Screen(), Screen(tty=True), Screen(tty=True)
    show_error(ERROR, stdout=log.out, stderr=log.err, environ={})
    show_error(ERROR, stdout=screen.out, stderr=screen.err, environ={"TERM": "xterm-256color"})
    show_error(ERROR, as_json=True, stdout=as_json.out, stderr=as_json.err, environ={})
    assert (log.stdout, log.stderr) == ("", render_error(ERROR))
    assert "\x1b[1;31mError:\x1b[0m It went wrong." in screen.stderr
    assert json.loads(as_json.stdout) == ERROR.to_json()
    assert as_json.stderr == ""


def test_rich_is_not_loaded_before_it_is_used() -> None:
    code = "import cct_cloudflare.terminal, cct_cloudflare.config, cct_cloudflare.sandbox.client, sys;"
    heavy = "{'rich', 'httpx', 'anthropic', 'jinja2', 'questionary', 'psutil', 'platformdirs'}"
    done = subprocess.run(
        [sys.executable, "-c", f"{code} print(sorted({heavy} & set(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
