"""Frames: how a sandbox process talks to the runner, and the runner to the Worker.

A frame is ``type: u8, length: u32 big-endian, payload``. The executor inside the sandbox writes 1 to 4 and 7
(`src/executor/frames.ts`); the runner passes all but 4 on and writes 5 and 6 itself, so that nothing inside a
sandbox can say how its run ended or that it has started.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

STDOUT = 1
STDERR = 2
FILE = 3
EXIT = 4
VERDICT = 5
BOOTED = 6
OMITTED = 7

_HEADER = struct.Struct(">BI")

#: The largest payload: one file at the limit of what a run may save (`LIMITS.savedBytes`), with its path.
MAX_PAYLOAD = 10 * 1024 * 1024 + 64 * 1024 + 2


class Frame(NamedTuple):
    type: int
    payload: bytes


class FrameError(ValueError):
    """The bytes are no frames: too long, or cut in the middle."""


def encode_frame(kind: int, payload: bytes) -> bytes:
    return _HEADER.pack(kind, len(payload)) + payload


def encode_json_frame(kind: int, value: dict[str, Any]) -> bytes:
    import json

    return encode_frame(kind, json.dumps(value).encode())


def read_frames(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """Cuts a byte stream into frames, however it was chunked. Raises FrameError."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        start = 0
        while len(held) - start >= _HEADER.size:
            kind, size = _HEADER.unpack_from(held, start)
            if size > MAX_PAYLOAD:
                raise FrameError("a frame is too long")
            end = start + _HEADER.size + size
            if len(held) < end:
                break
            yield Frame(kind, bytes(held[start + _HEADER.size : end]))
            start = end
        del held[:start]
    if held:
        raise FrameError("the last frame was cut")
