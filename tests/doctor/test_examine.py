"""All looks at once: in their order, each with a deadline, none at the cost of another."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import psutil
import pytest

from cct_cloudflare.doctor import Context, Finding, examine, mend
from cct_cloudflare.doctor.check import ok, warn
from cct_cloudflare.doctor.context import Once
from cct_cloudflare.doctor.probes import GROUPS, Probe
from cct_cloudflare.doctor.programs import Programs
from cct_cloudflare.errors import ConfigError
from tests.doctor.looking import script
from tests.runtime import wait_until


def broken(_: Context) -> Finding:
    raise ValueError("surprise")


def refused(_: Context) -> Finding:
    raise ConfigError("It is not there.", hint="Put it there.")


def silent(_: Context) -> Finding:
    raise TimeoutError


def test_every_name_is_there_once() -> None:
    names = [probe.name for _, probes in GROUPS for probe in probes]
    assert len(names) == len(set(names))
    assert max(map(len, names)) <= 14, "the column is that wide"


def test_one_that_fails_keeps_none_of_the_others(project: Path) -> None:
    probes = tuple(Probe(look.__name__, look) for look in (broken, refused, silent))
    checks = list(examine(Context(project), (("A", probes), ("B", (Probe("fine", lambda _: ok("Fine.")),)))))
    assert [(check.name, check.group, check.status.value) for check in checks] == [
        ("broken", "A", "fail"),
        ("refused", "A", "fail"),
        ("silent", "A", "fail"),
        ("fine", "B", "ok"),
    ]
    assert "ValueError: surprise" in checks[0].finding.detail
    assert (checks[1].finding.detail, checks[1].finding.fix) == ("It is not there.", "Put it there.")


def test_nobody_waits_for_one_that_hangs(project: Path) -> None:
    hanging = threading.Event()

    def hang(_: Context) -> Finding:
        hanging.wait()
        return ok("Late.")

    try:
        [check] = examine(Context(project), (("A", (Probe("hang", hang, 0.05),)),))
    finally:
        hanging.set()
    assert (check.status, "no answer" in check.finding.detail) == ("fail", True)


def test_they_are_made_at_the_same_time(project: Path) -> None:
    """Each waits for the other, so one after the other would never end."""
    meeting = threading.Barrier(2)

    def meet(_: Context) -> Finding:
        meeting.wait(30)
        return ok("Met.")

    checks = examine(Context(project), (("A", (Probe("one", meet), Probe("two", meet))),))
    assert [check.status.value for check in checks] == ["ok", "ok"]


def test_a_program_that_hangs_is_dead_afterwards(project: Path, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    program = script(tmp_path / "program", f"sleep 1000 & echo $$ $! > {pids}.new; mv {pids}.new {pids}; wait")

    def ask(context: Context) -> Finding:
        context.programs.ask([program], seconds=1000)
        return ok("Never.")

    def wait(_: Context) -> Finding:
        assert wait_until(pids.exists)
        return ok("It has started.")

    probes = (Probe("ask", ask, 0.1), Probe("wait", wait, 100))
    assert [check.status.value for check in examine(Context(project), (("A", probes),))] == ["fail", "ok"]
    for pid in map(int, pids.read_text().split()):
        assert wait_until(lambda pid=pid: not _runs(pid))  # type: ignore[misc]


def test_a_program_that_takes_too_long_is_dead_afterwards(tmp_path: Path) -> None:
    program = script(tmp_path / "program", f"echo $$ > {tmp_path / 'pid'}; sleep 1000")
    with pytest.raises(TimeoutError):
        Programs().ask([program], seconds=0.5)
    assert not (tmp_path / "pid").exists() or not _runs(int((tmp_path / "pid").read_text()))


def test_a_program_sees_no_key_and_no_project(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "CANARY")
    monkeypatch.setenv("CCT_TOKEN", "CANARY")
    said = Programs().ask([script(tmp_path / "program", "env; pwd; echo aside >&2; exit 3")], seconds=60)
    assert (said.code, said.err) == (3, "aside\n")
    assert "CANARY" not in said.out
    assert said.out.splitlines()[-1] == os.sep


def test_nothing_is_started_any_more_after_the_end(tmp_path: Path) -> None:
    programs = Programs()
    programs.close()
    with pytest.raises(TimeoutError):
        programs.ask([script(tmp_path / "program", f"touch {tmp_path / 'ran'}")], seconds=60)
    assert not (tmp_path / "ran").exists()


def test_what_several_want_is_computed_once() -> None:
    calls: list[None] = []

    def compute() -> int:
        calls.append(None)
        raise ConfigError("no")

    once = Once(compute)
    for _ in range(2):
        with pytest.raises(ConfigError):
            once.get()
    assert len(calls) == 1
    assert Once(lambda: None).get() is None


def test_mending_goes_on_after_a_repair_that_fails(project: Path) -> None:
    def refuse(_: object) -> str:
        raise ConfigError("The disk is full.", hint="Make room.")

    probes = (
        Probe("one", lambda _: warn("Odd.", "Mend it.", refuse)),
        Probe("two", lambda _: warn("Odd.", "Mend it.", lambda _: "Done.")),
        Probe("three", lambda _: warn("Odd.", "Mend it yourself.")),
    )
    mended = mend(examine(Context(project), (("A", probes),)), lambda _: None)
    assert [item.to_json() for item in mended] == [
        {"name": "one", "success": False, "detail": "The disk is full. Make room."},
        {"name": "two", "success": True, "detail": "Done."},
    ]


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
