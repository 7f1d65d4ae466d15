from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cct_cloudflare.errors import CctError, WorkerError
from cct_cloudflare.monitor.observe import Observation, Observer, keep_files, observe
from cct_cloudflare.monitor.series import Series, observe_series
from cct_cloudflare.sandbox.events import Booted, Generation, ProgramReady
from cct_cloudflare.sandbox.program import ProgramFile, RefusedFile
from tests.monitor.runs import EVENTS, RUN, TIMELINE, TIMES, Clock, run, timed
from tests.results import RESULT


def test_each_moment_is_noted_when_it_comes_and_told_once() -> None:
    clock, told = Clock(), []
    observer = Observer(clock)
    seen = observe(timed(clock), observer, lambda at, moment: told.append((moment, getattr(at.timeline, moment))))
    assert seen == RUN
    assert told == [
        ("started", 20),
        ("first_text", 500),
        ("sandbox_ready", 400),
        ("program", 2010),
        ("first_output", 2030),
        ("result", 2100),
    ]
    assert (observer.written, observer.last_text, observer.printed) == (len("print(55)\n"), 1900, 3)


def test_the_sandbox_that_counts_is_the_last_one() -> None:
    clock, told = Clock(), []
    events, times = (EVENTS[0], Booted(1, True), *EVENTS[1:]), (20, 30, *TIMES[1:])
    observer = Observer(clock)
    seen = observe(timed(clock, events, times), observer, lambda _, moment: told.append(moment))
    assert told.count("sandbox_ready") == 2
    assert seen.timeline.sandbox_ready == TIMELINE.sandbox_ready
    assert observer.boot == Booted(180, False)


def test_a_stream_without_a_result_is_an_error() -> None:
    clock = Clock()
    with pytest.raises(WorkerError) as raised:
        observe(timed(clock, EVENTS[:-1], TIMES[:-1]), Observer(clock), lambda *_: None)
    assert raised.value.code == "stream_ended"


@pytest.mark.parametrize(
    ("path", "language", "before", "after"),
    [("index.html", "web", True, True), ("main.py", "python", False, False), ("a.css", "javascript", True, False)],
)
def test_what_seems_a_page_is_judged_by_its_name_until_the_program_says(
    path: str, language: str, before: bool, after: bool
) -> None:
    observer = Observer(Clock())
    observer.take(Generation(path, "x"))
    observer.take(Generation("later.py", "x"))
    assert observer.is_page is before
    observer.take(ProgramReady(language, path, (), ()))
    assert observer.is_page is after


# Files


def test_files_are_kept_where_they_are_wanted(tmp_path: Path) -> None:
    kept = keep_files(RUN, tmp_path / "out")
    assert kept.saved is not None
    assert [file.path for file in kept.saved.saved] == ["main.py"]
    assert (tmp_path / "out" / "main.py").read_text() == "print(55)\n"


def test_what_is_refused_on_this_side_counts(tmp_path: Path) -> None:
    files = (ProgramFile("../x", ""), ProgramFile("ok", ""))
    kept = keep_files(Observation(TIMELINE, replace(RESULT, files=files)), tmp_path)
    assert [file.path for file in kept.result.refused_files] == ["../x"]
    assert kept.result.exit_code == 7


def test_files_that_cannot_be_kept_do_not_take_the_run_with_them(tmp_path: Path) -> None:
    (tmp_path / "main.py").mkdir()
    kept = keep_files(RUN, tmp_path)
    assert (kept.result, kept.saved) == (RESULT, None)
    assert kept.unsaved is not None
    assert kept.unsaved.code == "unsafe_file"
    series = observe_series(3, lambda _: kept)
    assert (series, series.exit_code) == (Series((kept,), kept.unsaved), 7)


# Several runs


def test_the_worst_run_is_the_exit_code() -> None:
    runs = [run(), run(success=False, error_code="sandbox_timeout"), run(success=False, error_code="program_failed")]
    series = observe_series(3, lambda number: runs[number - 1])
    assert (series.runs, series.error, series.exit_code) == (tuple(runs), None, 6)


@pytest.mark.parametrize(
    ("thrown", "code"), [(WorkerError("No.", code="model_overloaded"), 5), (KeyboardInterrupt(), 130)]
)
def test_what_ends_a_series_keeps_the_runs_before_it(thrown: BaseException, code: int) -> None:
    asked = []

    def once(number: int) -> Observation:
        asked.append(number)
        if number == 2:
            raise thrown
        return RUN

    series = observe_series(9, once)
    assert (asked, series.runs, series.exit_code) == ([1, 2], (RUN,), code)


@pytest.mark.parametrize("thrown", [CctError("No."), KeyboardInterrupt()])
def test_what_ends_the_first_run_is_raised(thrown: BaseException) -> None:
    def fail(_: int) -> Observation:
        raise thrown

    with pytest.raises(type(thrown)):
        observe_series(2, fail)


def test_files_refused_by_the_worker_are_the_exit_code() -> None:
    assert observe_series(1, lambda _: run(refused_files=(RefusedFile("../x", "leaves"),))).exit_code == 7
