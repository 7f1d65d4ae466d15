from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.merging import jsonc
from tests.merging.strategies import anything, laws, texts


@laws
@given(texts(anything))
def test_every_byte_comes_back(text: str) -> None:
    assert jsonc.render(jsonc.parse(text)) == text


@laws
@given(anything, st.data())
def test_a_text_means_what_it_was_written_from(value: Any, data: st.DataObject) -> None:
    text = data.draw(texts(st.just(value)))
    assert jsonc.load(text.encode()) == value


@laws
@given(st.text(alphabet='{}[]",:/*\\ \n\r1eE+-.tfn\ufeff', max_size=30))
def test_whatever_python_reads_is_read_the_same_and_nothing_else_crashes(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        expected = None
    try:
        found = jsonc.load(text.encode())
    except jsonc.JsoncError:
        twice = isinstance(expected, dict) or '":' in text
        assert expected is None or twice  # a key that comes twice is refused
    else:
        assert expected is None or found == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"a": 1', "line 1"),
        (b'{"a": 1 "b": 2}', "a comma or } is missing"),
        (b'{\n"a" 1}', "line 2: a colon is missing"),
        (b'{\r\n\r\n"a": }', "line 3: a value is missing"),
        (b"{a: 1}", "a key in quotes is missing"),
        (b"{'a': 1}", "a key in quotes is missing"),
        (b'{,"a": 1}', "a key in quotes is missing"),
        (b'{"a": 1,,}', "a key in quotes is missing"),
        (b"[1 2]", "a comma or ] is missing"),
        (b"[01]", "a value is missing or misspelled"),
        (b"[1.]", "a value is missing or misspelled"),
        (b"[NaN]", "a value is missing or misspelled"),
        (b"[nullx]", "a value is missing or misspelled"),
        (b'["a\nb"]', "a value is missing or misspelled"),
        (b'["\\x"]', "is not valid"),
        (b"[1] [2]", "something follows the end"),
        (b"[1] /* open", "something follows the end"),
        (b'{"a": 1, "a": 2}', 'the key "a" comes twice'),
        (b'{"a": 1, "\\u0061": 2}', "comes twice"),
        (b"\x00", "a value is missing"),
        (b"{\xa0}", "it is not UTF-8 text"),
        ("{\u00a0}".encode(), "a key in quotes is missing"),
        ('{"a": 1}'.encode("utf-16"), "it is not UTF-8 text"),
        (b"9" * 5000, "is not valid"),
        (b"[" * 100_000, "nested more than 100 levels deep"),
        (b'{"a":' * 100_000, "nested more than 100 levels deep"),
        (b" " * (jsonc.MAX_BYTES + 1), "it is larger than 4 MiB"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text: bytes, problem: str) -> None:
    with pytest.raises(jsonc.JsoncError) as caught:
        jsonc.load(text)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "text", [b"/" * 200_000, b"{" + b"/**/" * 50_000, b'{"' + b"\\\\" * 100_000, b"[" + b" " * 200_000]
)
def test_a_long_broken_text_takes_no_long_time(text: bytes) -> None:
    """Each would take a backtracking pattern hours."""
    with pytest.raises(jsonc.JsoncError):
        jsonc.load(text)


def test_a_blank_file_has_no_value() -> None:
    assert jsonc.load(b"\xef\xbb\xbf \r\n") is None


@pytest.mark.parametrize("text", ["", " 1", "1 // c", "1 2", "\ufeff1"])
def test_one_value_is_one_value(text: str) -> None:
    with pytest.raises(jsonc.JsoncError):
        jsonc.parse_node(text)


def test_comments_are_found_wherever_they_stand() -> None:
    node = jsonc.parse_node('{/*1*/ "a" /*2*/ : /*3*/ [//4\n 1 /*5*/, /*6*/] /*7*/, "//": "/*"}')
    assert jsonc.comments(node) == ["/*1*/", "/*2*/", "/*3*/", "//4", "/*5*/", "/*6*/", "/*7*/"]
