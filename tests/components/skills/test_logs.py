"""Lines become patterns, whatever stands in them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.components.skills.script import load, run

PATTERNS = "operations/log-analysis/patterns"
patterns = load(PATTERNS)

GOOD = """\
2026-03-02T14:00:01.250Z INFO request 17 GET "/a" from 10.0.0.1:4431 in 12.5ms
2026-03-02T14:00:02Z INFO request 18 GET "/b" from 10.0.0.2:4432 in 3ms
2026-03-02T14:00:02Z WARN slow query on /var/lib/db/7.sqlite
"""
BAD = """\
2026-03-02T15:00:01Z INFO request 21 GET "/c" from 10.0.0.1:1 in 1ms
2026-03-02T15:00:02Z WARN slow query on /var/lib/db/8.sqlite
2026-03-02T15:00:03Z WARN slow query on /var/lib/db/9.sqlite
2026-03-02T15:00:04Z ERROR job 3f2a9b1c-1111-2222-3333-444455556666 of ann@example.com failed
    at run (/srv/app/job.js:3:4)
Caused by: refused
2026-03-02T15:00:05Z WARN slow query on /var/lib/db/9.sqlite
2026-03-02T15:00:05Z WARN slow query on /var/lib/db/9.sqlite
"""


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("2026-03-02T14:00:01.250+01:00 up", "<time> up"),
        ("2026-03-02 14:00:01,250 up", "<time> up"),
        ('10.0.0.1 - - [02/Mar/2026:14:00:01 +0100] "GET / HTTP/1.1" 200', "<ip> - - [<time>] <text> <n>"),
        ("Mar  2 14:00:04 host sshd[123]: hi", "<time> host sshd[<n>]: hi"),
        ("commit deadbeef12 and 0xFF and decade", "commit <id> and <id> and decade"),
        ("id 123e4567-e89b-12d3-a456-426614174000.", "id <id>."),
        ("mail to a.b+c@mail.example.com.", "mail to <mail>."),
        ("GET https://example.com/a?b=1 done", "GET <url> done"),
        ("[::1]:80 and ::1", "<ip> and ::<n>"),
        ("can't say 'x y' and \"z\"", "can't say <text> and <text>"),
        (r"open /etc/a.conf and C:\a\b.txt", "open <path> and <path>"),
        ("took -1.5e3 s, 3ms, v2", "took <n> s, <n>ms, v2"),
        ("a   b\tc", "a b c"),
    ],
)
def test_what_varies_becomes_a_placeholder(line: str, pattern: str) -> None:
    assert patterns.masked(line) == pattern


@given(st.lists(st.sampled_from(["took", "job", "<", "/srv/x", "'a b'", "=", "10.0.0.1", "7f3a9c21"])), st.integers())
def test_lines_that_differ_in_a_number_only_are_one_pattern(words: list[str], number: int) -> None:
    lines = [" ".join([*words, str(value), "done"]) for value in (number, 5)]
    assert patterns.masked(lines[0]) == patterns.masked(lines[1])


@given(st.text(max_size=300))
def test_a_pattern_is_one_line_with_single_spaces(line: str) -> None:
    pattern = patterns.masked(line)
    assert pattern == " ".join(pattern.split())


def test_patterns_are_counted_with_their_first_and_last_line(tmp_path: Path) -> None:
    (tmp_path / "bad.log").write_text(BAD)
    result = run(PATTERNS, "bad.log", cwd=tmp_path)
    assert result.returncode == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "6 lines, 3 patterns", "a trace belongs to the line above it"
    assert lines[1].split(maxsplit=4)[:3] == ["4", "lines", "2-8:"]
    rare = run(PATTERNS, "--rare", "--top", "1", "bad.log", cwd=tmp_path).stdout.splitlines()
    assert rare[1].split()[:3] == ["1", "line", "1:"] and rare[2] == "2 more patterns with 5 lines"


def test_a_bad_log_against_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "bad.log").write_text(BAD * 2)
    (tmp_path / "good.log").write_text(GOOD * 10 + "a line that the other one has not\n" * 30)
    out = run(PATTERNS, "bad.log", "--baseline", "good.log", cwd=tmp_path).stdout
    new, more = out.split("More frequent")
    assert "New: 1 patterns" in new and "ERROR job" in new
    assert more.startswith(": 1 patterns") and "slow query" in more and "4.0 times the share; 10 before" in more


def test_lines_are_chosen_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "bad.log").write_text(BAD)
    out = run(PATTERNS, "--match", "WARN|ERROR", "--ignore", "slow", "bad.log", cwd=tmp_path).stdout
    assert out.startswith("1 lines, 1 patterns") and "ERROR job" in out
    assert run(PATTERNS, "--match", "nothing", "bad.log", cwd=tmp_path).returncode == 1


def test_compressed_files_and_standard_input(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(BAD.encode()))
    out = run(PATTERNS, "a.gz", "-", cwd=tmp_path, stdin=BAD).stdout
    assert out.startswith("12 lines, 3 patterns")


def test_a_log_cannot_steer_the_terminal_nor_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.log").write_bytes(b"\x1b]0;title\x07 \xff\n" + b"x" * 3_000_000 + b"\nlast\n")
    result = run(PATTERNS, "x.log", cwd=tmp_path)
    assert "\x1b" not in result.stdout and "\\x1b]" in result.stdout
    assert len(result.stdout) < 1_000 and "line 3: last" in result.stdout
    monkeypatch.setattr(patterns, "PATTERNS", 2)
    words = (f"word{chr(97 + index)}" for index in range(5))
    summary = patterns.summarize(words, None, None)
    assert (summary.lines, len(summary.patterns), summary.lost) == (5, 2, 3)


@pytest.mark.parametrize(
    "unit", ["a", '"', "1", "/a", "a@", "'", "deadbeef", "1.", "-", "[::", "a.", "ab1", "1:", "\\x"]
)
def test_no_line_takes_long(unit: str) -> None:
    """Each is as long as a line may get; what explodes would not end within the test's lifetime."""
    assert patterns.masked(unit * (patterns.LINE // len(unit)))


@pytest.mark.parametrize("arguments", [("missing.log",), ("--match", "(", "x"), ("broken.gz",), ()])
def test_what_cannot_be_read_or_is_wrong(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "broken.gz").write_bytes(gzip.compress(b"x" * 1000)[:-12])
    result = run(PATTERNS, *arguments, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "") and "Traceback" not in result.stderr
