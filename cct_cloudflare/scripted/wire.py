"""Messages and their streams, in the shapes in which Claude's API sends them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from cct_cloudflare.scripted.catalog import AnyReply
from cct_cloudflare.scripted.faults import Fault, StreamFault

#: Lengths of the pieces of a tool's input, over and over: as uneven as the real ones, and as ready to cut an
#: escape sequence in two.
_PIECES = (1, 7, 3, 18, 2, 11, 29, 5)
#: A fault that spoils the last block does it behind this share of the block.
_SPOILED_AFTER = 0.6


def event(kind: str, **data: object) -> bytes:
    """One server-sent event."""
    body = json.dumps({"type": kind, **data}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {body}\n\n".encode()


PING = event("ping")


def error_body(error_type: str, message: str, error_code: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"type": error_type, "message": message}
    if error_code is not None:
        error["details"] = {"error_code": error_code}
    return {"type": "error", "error": error, "request_id": f"req_{secrets.token_hex(12)}"}


def tokens(text: str) -> int:
    """A rough count: four characters are one token."""
    return max(1, len(text) // 4)


@dataclass(frozen=True)
class Call:
    """What one request is answered with."""

    model: str
    input_tokens: int
    reply: AnyReply
    #: The name of the tool that is called; without one the reply is prose.
    tool: str | None
    fault: Fault


@dataclass(frozen=True)
class End:
    """How the bytes of a stream end: `cut` breaks the connection, `stall` and `pings` do not end it at all."""

    how: StreamFault | None


def _envelope(call: Call) -> dict[str, Any]:
    return {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": call.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 1,
        },
    }


def _stop_reason(call: Call) -> str:
    match call.fault.stream:
        case "refusal":
            return "refusal"
        case "max_tokens":
            return "max_tokens"
        case "empty":
            return "end_turn"
        case _:
            return "tool_use" if call.tool else "end_turn"


def _content(call: Call) -> list[dict[str, Any]]:
    if call.fault.stream in ("empty", "refusal"):
        return []
    if call.tool is None:
        return [{"type": "text", "text": call.reply.prose()}]
    blocks: list[dict[str, Any]] = []
    if call.reply.remark:
        blocks.append({"type": "text", "text": call.reply.remark})
    name = f"toolu_{secrets.token_hex(12)}"
    return [*blocks, {"type": "tool_use", "id": name, "name": call.tool, "input": json.loads(call.reply.tool_input())}]


def message(call: Call) -> dict[str, Any]:
    """The reply in one piece, for a request without `stream`."""
    content = _content(call)
    stop_reason = _stop_reason(call)
    usage = {**_envelope(call)["usage"], "output_tokens": tokens(json.dumps(content))}
    return {**_envelope(call), "content": content, "stop_reason": stop_reason, "usage": usage}


def stream(call: Call) -> Iterator[bytes | End]:
    """The reply as server-sent events, one per item; the last item is an End when the stream has none of its own."""
    fault = call.fault.stream
    yield event("message_start", message=_envelope(call))
    yield PING
    blocks = _content(call)
    for index, block in enumerate(blocks):
        # The remark before a program stays whole: it is the answer itself that a fault spoils.
        for item in _block(index, block, fault if index == len(blocks) - 1 else None):
            yield item
            if isinstance(item, End):
                return
    if fault == "no-stop":
        yield End(fault)
        return
    delta: dict[str, Any] = {"stop_reason": _stop_reason(call), "stop_sequence": None}
    if fault == "refusal":
        delta["stop_details"] = {"type": "refusal", "category": None, "explanation": call.fault.message}
    yield event("message_delta", delta=delta, usage={"output_tokens": tokens(json.dumps(blocks))})
    yield event("message_stop")


def _block(index: int, block: dict[str, Any], fault: StreamFault | None) -> Iterator[bytes | End]:
    prose = block["type"] == "text"
    text: str = block["text"] if prose else json.dumps(block["input"], ensure_ascii=False)
    blank: dict[str, Any] = {"text": ""} if prose else {"input": {}}
    yield event("content_block_start", index=index, content_block={**block, **blank})
    for piece in pieces(text[: int(len(text) * _SPOILED_AFTER)] if _spoils(fault) else text):
        if fault == "unknown":
            yield event("weather_report", sky="blue")
            yield event("content_block_delta", index=index, delta={"type": "unheard_of_delta", "value": 1})
        kind, name = ("text_delta", "text") if prose else ("input_json_delta", "partial_json")
        yield event("content_block_delta", index=index, delta={"type": kind, name: piece})
    if fault == "cut":
        yield b'event: content_block_delta\ndata: {"type":"content_block_delta","ind'
    elif fault == "error":
        yield event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    elif fault == "malformed":
        yield b'event: content_block_delta\ndata: {"type":"content_block_delta", oops\n\n'
    if fault in ("cut", "error", "stall", "pings"):
        yield End(fault)
        return
    yield event("content_block_stop", index=index)


def _spoils(fault: StreamFault | None) -> bool:
    """Whether the last block stays incomplete."""
    return fault in ("cut", "stall", "pings", "error", "malformed", "max_tokens", "invalid-json")


def pieces(text: str) -> Iterator[str]:
    """`text` in pieces of uneven length; together they are the text."""
    at = 0
    for size in cycle(_PIECES):
        if at >= len(text):
            return
        yield text[at : at + size]
        at += size
