"""What exists in Python and in the Node tools alike must do the same."""

from __future__ import annotations

import base64
import itertools
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cct_cloudflare.config import checked_worker_url
from cct_cloudflare.errors import CODES, ConfigError
from cct_cloudflare.figures import summarize
from cct_cloudflare.plain import PlainStream
from cct_cloudflare.sandbox.sse import SseDecoder
from cct_cloudflare.scaffold.render import template_dir
from tests.worker_tools.worker import node

Call = Callable[[str, Any], Any]

many = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def call() -> Iterator[Call]:
    """One Node process that answers all calls of this module."""
    script = Path(__file__).with_name("calls.mts")
    process = subprocess.Popen(
        [node(), str(script), f"{template_dir().as_uri()}/"],
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    with process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def ask(name: str, argument: Any) -> Any:
            stdin.write(json.dumps({"call": name, "argument": argument}) + "\n")
            stdin.flush()
            return json.loads(stdout.readline())

        yield ask
        stdin.close()


# What steers a terminal, and pieces of it, so that they meet more often than single characters would.
steering = st.lists(
    st.sampled_from(
        [
            *"ab0;[]PX^_\\m~?\n\t\r\x07\x18\x1a\x1b\x9b\x9c\x9d\x90\x7f\u061c\u202e\u2028😀\U000e0041",
            *("\r\n", "\r\r", "\x1b[", "\x1b]", "\x1b\\", "\x1bP", "\x1b(", "\x1b[1;31m", "\x1b]0;t\x07", "\x9b2J"),
        ]
    ),
    max_size=12,
).map("".join)


@many
@given(st.lists(steering, max_size=5))
def test_plain_text_is_the_same_in_both(call: Call, chunks: list[str]) -> None:
    stream = PlainStream()
    assert call("plain", chunks) == "".join(map(stream.feed, chunks)) + stream.end()


def test_plain_text_puts_a_character_together_that_two_chunks_share(call: Call) -> None:
    assert call("plain", ["a\ud83d", "\ude00b"]) == "a😀b"
    assert call("plain", ["a\ud83d", "b"]) == "a\ufffdb"
    assert call("plain", ["a\ud83d"]) == "a\ufffd"


sse_parts = st.sampled_from(
    [
        b"data",
        b"event",
        b"id",
        b":",
        b" ",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"a",
        b"\xef\xbb\xbf",
        "é\u2028".encode(),
        b"\0",
    ]
)


@many
@given(st.lists(sse_parts, max_size=30).map(b"".join), st.lists(st.integers(0, 60), max_size=6))
def test_event_streams_are_read_the_same_in_both_however_they_are_cut(call: Call, data: bytes, cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(data)]
    chunks = [data[start:end] for start, end in itertools.pairwise(ends)]
    expected = [{"name": event.name, "data": event.data} for event in SseDecoder().feed(data)]
    assert call("sse", [base64.b64encode(chunk).decode() for chunk in chunks]) == expected


def test_a_result_of_many_pieces_is_one_event(call: Call) -> None:
    data = b"event: result\r\ndata: {\r\ndata: }\r\n\r\n: a comment\n\n"
    chunks = [base64.b64encode(data[index : index + 1]).decode() for index in range(len(data))]
    assert call("sse", chunks) == [{"name": "result", "data": "{\n}"}]


def test_exit_codes_are_those_of_cct(call: Call) -> None:
    exits = call("exits", None)
    assert exits == {code: CODES[code].exit for code in exits}
    assert {code for code, spec in CODES.items() if spec.status is not None} <= exits.keys()


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "https://a.example/",
        "https://a.example:8443/x/",
        "http://localhost:8787",
        "http://127.0.0.1:1/",
        "http://[::1]:8787",
        "http://127.9.9.9",
        "http://a.example",
        "http://localhost.a.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "ftp://a.example",
        "https://user:password@a.example",
        "https://a.example/?",
        "https://a.example/#x",
        "https://a.example\\@b.example",
        "https://a.example/\n",
        "https://é.example",
        " https://a.example",
        "a.example",
        "//a.example",
        "https://",
        "",
        "file:///etc/passwd",
        "javascript:alert(1)",
    ],
)
def test_the_same_addresses_are_refused(call: Call, url: str) -> None:
    try:
        expected: Any = checked_worker_url(url)
    except ConfigError:
        expected = {"refused": "config"}
    assert call("url", url) == expected


@many
@given(st.lists(st.integers(0, 10_000) | st.floats(0, 1e6), max_size=60))
def test_many_measurements_come_to_the_same(call: Call, values: list[float]) -> None:
    ours = summarize(values)
    theirs = call("summarise", values)
    assert theirs == (None if ours is None else ours.to_json())
