from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.mcp_server.session import MAX_TEXT, shortened
from cct_cloudflare.mcp_server.telling import GENERATION_STEP, MAX_LINES, Teller
from cct_cloudflare.plain import plain_line
from cct_cloudflare.sandbox.events import Attempt, Booted, Event, FileWritten, Generation, Output, Started


def told(events: Iterable[Event]) -> list[str]:
    teller = Teller()
    return [line for event in events if (line := teller.line(event)) is not None]


@given(st.lists(st.text(max_size=300)))
def test_every_line_is_one_line_and_safe(texts: list[str]) -> None:
    for line in told([Output("stdout", text) for text in texts]):
        assert line == plain_line(line)
        assert len(line) <= 200


def test_a_flood_is_cut_and_says_so() -> None:
    lines = told(event for n in range(MAX_LINES) for event in (Output("stdout", f"{n}\n"), FileWritten(f"{n}", 1)))
    assert len(lines) == MAX_LINES
    assert lines[0] == "stdout: 0"
    assert lines[-1] == "There is more, which comes with the result."


def test_a_generation_is_told_in_steps() -> None:
    pieces = [Generation("main.py", "x" * 10) for _ in range(2 * GENERATION_STEP // 10)]
    lines = told([*pieces, Generation("other.py", "y")])
    assert lines == [
        "Claude writes main.py: 10 characters so far.",
        f"Claude writes main.py: {GENERATION_STEP + 10} characters so far.",
        "Claude writes other.py: 1 character so far.",
    ]


def test_what_is_told_and_what_is_not() -> None:
    started = Started("a", "process", "no network", None, None, None)
    assert told([started, Attempt(1, 2), Booted(12.3, spare=False), Output("stderr", "\n")]) == [
        "Sandbox process: no network",
        "The sandbox is up (12 ms).",
    ]


@given(st.integers(min_value=0, max_value=3 * MAX_TEXT))
def test_long_output_keeps_its_beginning_and_its_end(length: int) -> None:
    text = "".join(chr(ord("a") + n % 26) for n in range(length))
    kept, is_cut = shortened(text)
    assert is_cut == (length > MAX_TEXT)
    if not is_cut:
        assert kept == text
        return
    head, note, tail = kept.split("\n")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert f"{length - len(head) - len(tail):,} characters" in note
    assert len(kept) < MAX_TEXT + 100
