"""What others wrote, before a terminal shows it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.plain import PlainStream, plain, plain_code, plain_line
from tests.screens import ACTIVE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc é 日本 😀", "a\tb\nc é 日本 😀"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[H\x1b[?25lx", "x"),
        ("\x1b[38;2;1;2;3mx", "x"),
        ("\x9b31mx", "x"),
        ("a\x1b]52;c;aGVsbG8=\x07b", "ab"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\x1b]0;title\x9cb", "ab"),
        ("a\x9d0;title\x07b", "ab"),
        ("a\x1bPq#0\x1b\\b", "ab"),
        ("a\x1b_apc\x1b\\b", "ab"),
        ("a\x1b]0;never ended\nb", "a\nb"),
        ("a\x1b]0;x\x1b[31mb", "ab"),
        ("a\x1b(Bb\x1b=c\x1bMd\x1bce", "abcde"),
        ("a\x1b\x1b[31mb", "ab"),
        ("a\x1b[31\nb", "a\nb"),
        ("a\x1b\nb", "a\nb"),
        ("a\x1b", "a"),
        ("a\x1b[", "a"),
        ("safe\rEVIL", "safe\nEVIL"),
        ("a\r\nb\r\r\nc\r", "a\nb\n\nc\n"),
        ("a\x00\x07\x08\x0b\x0c\x7f\x85b", "ab"),
        ("a\u202eb\u2066c\u200fd\u061ce", "abcde"),
        ("a\u2028b\u2029c", "a\nb\nc"),
        ("a\ud800b", "a\ufffdb"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    assert plain(text) == shown


_SUSPICIOUS = st.sampled_from([*"\x1b[]P;0m\\\x07\x9b\x9d\x9c\r\n\t a(\u202e\ud800", "\x1b]52;c;", "\x1b[31m"])
_TEXT = st.lists(_SUSPICIOUS | st.characters()).map("".join)


@given(_TEXT)
def test_nothing_active_is_left(text: str) -> None:
    shown = plain(text)
    assert not ACTIVE.search(shown)
    assert plain(shown) == shown
    shown.encode()


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert plain(text + "\n\t") == text + "\n\t"


@given(_TEXT, st.lists(st.integers(0, 1000), max_size=8))
def test_any_chunking_shows_the_same(text: str, cuts: list[int]) -> None:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    stream = PlainStream()
    shown = "".join(stream.feed(text[start:end]) for start, end in itertools.pairwise(edges)) + stream.end()
    assert shown == plain(text)


def test_plain_line() -> None:
    assert plain_line(" a\n\x1b[31mb\r\tc ") == "a b c"


def test_a_line_of_code_keeps_its_spaces_and_is_one_line() -> None:
    assert plain_code("+\t  x =  1\x1b[31m\r") == "+\t  x =  1 "
    assert plain_code(" a\nb") == " a b"
