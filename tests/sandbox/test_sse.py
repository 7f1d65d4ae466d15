from __future__ import annotations

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.errors import WorkerError
from cct_cloudflare.sandbox.sse import ServerEvent, SseDecoder


def decode(*chunks: bytes) -> list[ServerEvent]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def message(data: str, name: str = "message") -> ServerEvent:
    return ServerEvent(name, data)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [message("a")]),
        (b"data:a\n\n", [message("a")]),
        (b"data:  a\n\n", [message(" a")]),
        (b"data: a\r\n\r\n", [message("a")]),
        (b"data: a\r\r", [message("a")]),
        (b"data: a\r\ndata: b\n\r", [message("a\nb")]),
        (b"event: x\ndata: a\n\ndata: b\n\n", [message("a", "x"), message("b")]),
        (b"event: x\nevent: y\ndata: a\n\n", [message("a", "y")]),
        (b"event:\ndata: a\n\n", [message("a")]),
        (b"data: 1\ndata: 2\ndata\ndata: 3\n\n", [message("1\n2\n\n3")]),
        (b"data\n\n", [message("")]),
        (b"data:\n\n", [message("")]),
        (b"event: x\n\n", []),
        (b"event: x\n\ndata: a\n\n", [message("a")]),
        (b": ping\n\n: ping\n\ndata: a\n\n", [message("a")]),
        (b"data: a\n: between\ndata: b\n\n", [message("a\nb")]),
        (b"id: 7\nretry: 10\nunknown: x\ndata: a\n\n", [message("a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [message("a")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [message("a")]),
        (b"data: a\n", []),
        (b"data: a", []),
        (b"\n\n\n", []),
        ("data: é\u2028\u0085\x1c\x0b\x0c\n\n".encode(), [message("é\u2028\u0085\x1c\x0b\x0c")]),
        (b"data: \xff\n\n", [message("\ufffd")]),
        (b"data: a:b: c\n\n", [message("a:b: c")]),
        (b" data: a\n\n", []),
    ],
)
def test_the_rules(stream: bytes, events: list[ServerEvent]) -> None:
    assert decode(stream) == events
    assert decode(*(bytes([byte]) for byte in stream)) == events


def test_an_event_is_given_out_as_soon_as_its_last_byte_is_there() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\r\r") == [message("a")]
    assert decoder.feed(b"\ndata: b\n") == []
    assert decoder.feed(b"\n") == [message("b")]


def chunked(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


_PIECES = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b"data: ", b"data", b"event: x", b": c", b"id: 1", b"\xef\xbb\xbf", "é😀\u2028".encode()]
)


@given(st.lists(_PIECES | st.binary(max_size=4)).map(b"".join), st.lists(st.integers(0, 10_000), max_size=12))
def test_any_chunking_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    assert decode(*chunked(stream, cuts)) == decode(stream)
    assert decode(*(bytes([byte]) for byte in stream)) == decode(stream)


@given(
    st.lists(st.tuples(st.sampled_from(["message", "stdout", "x y"]), st.text())), st.sampled_from(["\r", "\n", "\r\n"])
)
def test_what_is_written_by_the_rules_is_read_again(events: list[tuple[str, str]], end: str) -> None:
    stream, expected = "", []
    for name, text in events:
        data = text.encode("utf-8", "replace").decode().replace("\r", "")
        lines = "".join(f"data: {line}{end}" for line in data.split("\n"))
        stream += f"event: {name}{end}{lines}{end}"
        expected.append(ServerEvent(name, data))
    assert decode(stream.encode()) == expected


def test_an_event_without_end_is_refused() -> None:
    decoder = SseDecoder(max_event_bytes=100)
    decoder.feed(b"data: " + b"x" * 90)
    with pytest.raises(WorkerError) as caught:
        decoder.feed(b"x" * 20)
    assert caught.value.code == "worker_invalid"


def test_many_lines_of_one_event_count_together() -> None:
    decoder = SseDecoder(max_event_bytes=100)
    with pytest.raises(WorkerError):
        decoder.feed(b"data: x\n" * 20)


def test_the_cap_is_for_one_event_and_comments_are_none() -> None:
    decoder = SseDecoder(max_event_bytes=100)
    for _ in range(50):
        assert decoder.feed(b": ping\n") == []
        assert decoder.feed(b"data: " + b"x" * 50 + b"\n\n") == [message("x" * 50)]
