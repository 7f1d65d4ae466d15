from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.sandbox.frames import EXIT, MAX_PAYLOAD, STDOUT, Frame, FrameError, encode_frame, read_frames

frames = st.lists(st.builds(Frame, st.integers(0, 255), st.binary(max_size=200)), max_size=8)


@given(frames, st.data())
def test_any_chunking_gives_the_same_frames(written: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(encode_frame(*frame) for frame in written)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    chunks = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]
    assert list(read_frames(chunks)) == written


@given(frames.filter(bool), st.data())
def test_a_cut_stream_is_an_error(written: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(encode_frame(*frame) for frame in written)
    whole_ends = {0}
    for frame in written:
        whole_ends.add(max(whole_ends) + 5 + len(frame.payload))
    end = data.draw(st.integers(0, len(stream)).filter(lambda at: at not in whole_ends))
    with pytest.raises(FrameError):
        list(read_frames([stream[:end]]))


def test_a_frame_that_is_too_long_is_refused_before_it_is_read() -> None:
    header = bytes([STDOUT]) + (MAX_PAYLOAD + 1).to_bytes(4, "big")
    with pytest.raises(FrameError):
        next(read_frames([header]))


def test_frames_before_a_broken_one_are_given_out() -> None:
    stream = read_frames([encode_frame(EXIT, b"\0\0\0\3"), b"\1"])
    assert next(stream) == Frame(EXIT, b"\0\0\0\3")
    with pytest.raises(FrameError):
        next(stream)
