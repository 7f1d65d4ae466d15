from __future__ import annotations

import io
import json
import re

import pytest

from cct_cloudflare.monitor.health import Check, check
from cct_cloudflare.monitor.observe import Observer, observe
from cct_cloudflare.monitor.screens import JsonScreen, LineScreen, LiveScreen, Screen, make_screen
from tests.monitor.runs import HEALTH, URL, WORKER, Clock, report, timed


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")


class Stream(io.StringIO):
    def __init__(self, *, tty: bool) -> None:
        super().__init__()
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


def show(*, tty: bool = False, stdout_tty: bool | None = None, runs: int = 1, **flags: bool) -> tuple[str, str]:
    """What is written on stdout and stderr for that many runs."""
    out, err = Stream(tty=tty if stdout_tty is None else stdout_tty), Stream(tty=tty)
    seen = []
    with make_screen(stdout=out, stderr=err, **flags) as screen:
        screen.greeted(WORKER)
        for number in range(1, runs + 1):
            clock = Clock()
            observer = Observer(clock)
            screen.run_begins(number, runs, observer)
            seen.append(observe(timed(clock), observer, screen.moment))
            screen.run_ends(seen[-1])
        screen.report(report(*seen))
    return out.getvalue(), err.getvalue()


def bare(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


@pytest.mark.parametrize(
    ("flags", "tty", "kind"),
    [
        ({"as_json": True}, True, JsonScreen),
        ({"quiet": True}, True, Screen),
        ({}, True, LiveScreen),
        ({}, False, LineScreen),
        ({"no_color": True}, True, LineScreen),
    ],
)
def test_the_screen_is_the_one_that_is_asked_for(flags: dict[str, bool], tty: bool, kind: type[Screen]) -> None:
    assert type(make_screen(stdout=Stream(tty=tty), stderr=Stream(tty=tty), **flags)) is kind


def test_a_log_has_the_moments_on_stderr_and_the_report_on_stdout() -> None:
    out, err = show(runs=2)
    worker, *lines = err.splitlines()
    assert worker == f"  Worker      {URL}  ok, version 0.1.0, answered in 23 ms"
    moments = [
        "     20 ms  the Worker has the request",
        "    500 ms  Claude writes",
        "    400 ms  the sandbox is ready",
        "    2.01 s  the program is complete and starts",
        "    2.03 s  the program prints",
        "    2.10 s  the result is here",
    ]
    assert lines == ["  Run 1 of 2", *moments, "  Run 2 of 2", *moments]
    assert "2 of 2 runs succeeded" in out


def test_quiet_has_the_report_alone() -> None:
    out, err = show(quiet=True)
    assert err == ""
    assert "The program succeeded" in out


def test_json_is_one_line_and_nothing_else() -> None:
    out, err = show(as_json=True, tty=True)
    assert (err, out.count("\n")) == ("", 1)
    assert json.loads(out)["summary"]["runs"] == 1


def test_a_terminal_moves_and_is_left_as_it_was() -> None:
    out, err = show(tty=True, runs=2)
    assert "\x1b[" in err
    assert err.count("\x1b[?25l") == err.count("\x1b[?25h") > 0
    for told in ("Queue", "Generation", "2 of 2"):
        assert told in bare(err)
    assert "2 of 2 runs succeeded" in bare(out)


def test_a_report_that_is_redirected_has_no_colours() -> None:
    out, _ = show(tty=True, stdout_tty=False)
    assert "\x1b" not in out
    assert "The program succeeded" in out


def test_an_interruption_leaves_the_terminal_as_it_was() -> None:
    out, err = Stream(tty=True), Stream(tty=True)
    with pytest.raises(KeyboardInterrupt), make_screen(stdout=out, stderr=err) as screen:
        screen.run_begins(1, 1, Observer(Clock()))
        raise KeyboardInterrupt
    assert err.getvalue().count("\x1b[?25l") == err.getvalue().count("\x1b[?25h") == 1


def test_a_warning_does_not_break_what_moves() -> None:
    for tty in (True, False):
        out, err = Stream(tty=tty), Stream(tty=tty)
        with make_screen(stdout=out, stderr=err) as screen:
            screen.run_begins(1, 1, Observer(Clock()))
            screen.warn("The history\x1b[2J cannot be written.")
        assert "Warning: The history cannot be written." in bare(err.getvalue())
        assert "\x1b[2J" not in err.getvalue().replace("\x1b[2K", "")


def checks() -> list[Check]:
    return [check(lambda: HEALTH, URL) for _ in range(3)]


def test_a_watch_is_a_line_for_each_check_and_a_sum() -> None:
    out = Stream(tty=False)
    with make_screen(stdout=out, stderr=Stream(tty=False)) as screen:
        for checked in checks():
            screen.checked(checked)
        screen.watched(checks())
    assert out.getvalue().count("  up  ") == 3 + 1
    assert "3 of 3 checks" in out.getvalue()


def test_a_watch_as_json_is_a_line_for_each_check() -> None:
    out = Stream(tty=False)
    with make_screen(stdout=out, stderr=Stream(tty=False), as_json=True) as screen:
        for checked in checks():
            screen.checked(checked)
        screen.watched(checks())
    assert [json.loads(line)["up"] for line in out.getvalue().splitlines()] == [True] * 3


def test_a_watch_on_a_terminal_leaves_its_sum() -> None:
    out, err = Stream(tty=True), Stream(tty=True)
    with make_screen(stdout=out, stderr=err) as screen:
        for checked in checks():
            screen.checked(checked)
        screen.watched(checks())
    assert "Latency" in bare(err.getvalue())
    assert "3 of 3 checks" in bare(out.getvalue())
    assert err.getvalue().count("\x1b[?25l") == err.getvalue().count("\x1b[?25h")
