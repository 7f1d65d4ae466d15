"""One streamed message of Claude's, read strictly: a program comes out of it or a Failure, never a part of one."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any, NoReturn

from cct_cloudflare.direct.failures import ApiProblem, Failure, from_api, quote
from cct_cloudflare.direct.request import languages, tool_name
from cct_cloudflare.limits import PROGRAM_FILES
from cct_cloudflare.sandbox.events import Generation
from cct_cloudflare.sandbox.program import Program, ProgramFile
from cct_cloudflare.sandbox.sse import ServerEvent

#: More than any model can write.
_MAX_PROGRAM = 8 * 1024 * 1024
#: A preview that goes on for longer than this falls silent: it reads all that came so far for every piece.
_MAX_PREVIEW = 1024 * 1024
#: How much of an answer in prose an error quotes.
_PROSE = 300
_MAX_PATH = 1024


class Reply:
    """Feed it every event in order, then ask for the result; both raise Failure. `key` is never repeated."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._preview = Preview()
        self._block: object = None  # the index of the content block that carries the program
        self._json: list[str] = []
        self._size = 0
        self._prose = ""
        self._closed = False
        self._stop_reason: object = None
        self._explanation = ""
        self.input_tokens = 0
        self.output_tokens = 0
        #: When Claude began to write, be it only thoughts (`time.monotonic`); None before.
        self.began: float | None = None
        #: Whether nothing more is to come.
        self.ended = False

    def feed(self, event: ServerEvent) -> list[Generation]:
        """What the event adds to what can be shown already."""
        takers: dict[str, Callable[[dict[str, Any]], list[Generation] | None]] = {
            "message_start": self._start,
            "content_block_start": self._open,
            "content_block_delta": self._append,
            "content_block_stop": self._close,
            "message_delta": self._stop,
            "message_stop": self._end,
            "error": self._fail,
        }
        take = takers.get(event.name)
        # Pings, events without a name and kinds that came after this was written.
        if take is None:
            return []
        try:
            body = json.loads(event.data)
        except (ValueError, RecursionError):
            _malformed()
        return take(_object(body)) or []

    def result(self) -> Program:
        """The whole program, once the stream has ended."""
        if not self.ended:
            raise Failure("model_interrupted", "Claude's reply ended before it was complete.", transient=True)
        match self._stop_reason:
            case "tool_use" | "end_turn":
                pass
            case "max_tokens":
                raise Failure("model_truncated", "Claude reached the limit of tokens before the program was complete.")
            case "model_context_window_exceeded":
                raise Failure(
                    "model_truncated", "The prompt and the program do not fit into the model's context window."
                )
            case "refusal":
                raise Failure("model_refused", self._in_prose("Claude declined to write this program"))
            case None:
                raise Failure("model_interrupted", "Claude's reply ended without saying why.", transient=True)
            case _:
                raise Failure("model_invalid", "Claude stopped for a reason that a program does not have.")
        if self._block is None:
            raise Failure("model_empty", self._in_prose("Claude answered without a program"))
        if not self._closed:
            raise Failure("model_interrupted", "Claude's program ended before it was complete.")
        return parse_program("".join(self._json))

    def _start(self, body: dict[str, Any]) -> None:
        self._count(_object(body.get("message")).get("usage"))

    def _open(self, body: dict[str, Any]) -> None:
        block, index = _object(body.get("content_block")), body.get("index")
        if not isinstance(index, int):
            _malformed()
        self.began = self.began or time.monotonic()
        if block.get("type") != "tool_use":
            return
        if block.get("name") != tool_name():
            raise Failure("model_invalid", "Claude called a tool that it was not given.")
        if self._block is not None:
            raise Failure("model_invalid", "Claude handed over more than one program.")
        self._block = index

    def _append(self, body: dict[str, Any]) -> list[Generation]:
        delta, index = _object(body.get("delta")), body.get("index")
        kind = delta.get("type")
        if kind == "text_delta" and isinstance(delta.get("text"), str) and len(self._prose) < _PROSE:
            self._prose += delta["text"]
        if kind != "input_json_delta" or self._block is None or index != self._block:
            return []
        piece = delta.get("partial_json")
        if not isinstance(piece, str) or self._closed:
            _malformed()
        self._json.append(piece)
        self._size += len(piece)
        if self._size > _MAX_PROGRAM:
            raise Failure("model_invalid", "Claude's program is longer than a program can be.")
        return self._preview.feed(piece)

    def _close(self, body: dict[str, Any]) -> None:
        if self._block is not None and body.get("index") == self._block:
            self._closed = True

    def _stop(self, body: dict[str, Any]) -> None:
        delta = _object(body.get("delta"))
        self._stop_reason = delta.get("stop_reason")
        details = delta.get("stop_details")
        if isinstance(details, dict) and isinstance(details.get("explanation"), str):
            self._explanation = details["explanation"]
        self._count(body.get("usage"))

    def _end(self, _: dict[str, Any]) -> None:
        self.ended = True

    def _fail(self, body: dict[str, Any]) -> NoReturn:
        raise from_api(ApiProblem.of_body(body), self._key)

    def _count(self, usage: object) -> None:
        """Counts are totals, not increments; a later event may leave some out."""
        if not isinstance(usage, dict):
            return

        def of(name: str) -> int | None:
            value = usage.get(name)
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
                return None
            return int(value) if value >= 0 else None

        given = of("input_tokens")
        if given is not None:
            cached = (of("cache_creation_input_tokens") or 0) + (of("cache_read_input_tokens") or 0)
            self.input_tokens = max(self.input_tokens, given + cached)
        written = of("output_tokens")
        self.output_tokens = self.output_tokens if written is None else written

    def _in_prose(self, sentence: str) -> str:
        said = quote((self._explanation or self._prose)[:_PROSE], self._key)
        return f"{sentence}: {said}" if said else f"{sentence}."


class Preview:
    """Reads the JSON of a program while it arrives and says what can be shown already.

    What is saved is the complete text, parsed when it has ended; so JSON that is wrong makes this fall silent.
    """

    def __init__(self) -> None:
        self._text = bytearray()
        self._shown: list[int] = []  # characters of each file that were given out
        self._silent = False

    def feed(self, piece: str) -> list[Generation]:
        if self._silent:
            return []
        from jiter import from_json

        try:
            self._text += piece.encode()
            if len(self._text) > _MAX_PREVIEW:
                self._silent = True
                return []
            value = from_json(bytes(self._text), partial_mode="trailing-strings") if self._text.strip() else None
        except ValueError:
            self._silent = True
            return []
        files = value.get("files") if isinstance(value, dict) else None
        return self._news(files) if isinstance(files, list) else []

    def _news(self, files: list[Any]) -> list[Generation]:
        news: list[Generation] = []
        # A file is done when another follows; before the first unfinished one nothing changes any more.
        for at in range(max(0, len(self._shown) - 1), len(files)):
            file = files[at]
            content = file.get("content") if isinstance(file, dict) else None
            # The path may be cut as well, until the next property has begun.
            if not isinstance(content, str) or not isinstance(file.get("path"), str) or next(iter(file)) != "path":
                continue
            self._shown.extend([0] * (at + 1 - len(self._shown)))
            if delta := content[self._shown[at] :]:
                self._shown[at] = len(content)
                news.append(Generation(file["path"], delta))
        return news


def parse_program(text: str) -> Program:
    """The program that the complete JSON text describes.

    Raises Failure: `model_empty` when there is none, `model_invalid` when it is not a whole, consistent program.
    """
    if not text.strip():
        raise Failure("model_empty", "Claude called the tool without a program.")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Failure("model_invalid", "Claude's program was not valid JSON.") from None
    if not isinstance(value, dict):
        _misshapen()
    language, entrypoint, files = value.get("language"), value.get("entrypoint"), value.get("files")
    if not isinstance(language, str) or language not in languages():
        _misshapen("language")
    if not isinstance(entrypoint, str) or not _is_path(entrypoint):
        _misshapen("entrypoint")
    if not isinstance(files, list) or len(files) > PROGRAM_FILES:
        _misshapen("files")
    if not files:
        raise Failure("model_empty", "Claude's program has no files.")
    parsed = tuple(_file(file, f"files.{at}") for at, file in enumerate(files))
    if not any(file.path == entrypoint for file in parsed):
        raise Failure("model_invalid", "Claude's program starts with a file that it does not have.")
    return Program(language, entrypoint, parsed)


def _file(value: object, where: str) -> ProgramFile:
    if not isinstance(value, dict) or not _is_path(value.get("path")) or not isinstance(value.get("content"), str):
        _misshapen(where)
    path, content = value["path"], value["content"]
    try:
        content.encode()
    except UnicodeEncodeError:
        raise Failure("model_invalid", f"The content of {json.dumps(path)} is not valid Unicode.") from None
    return ProgramFile(path, content)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_PATH


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else _malformed()


def _malformed() -> NoReturn:
    raise Failure("model_failed", "Claude's API sent an event that makes no sense.")


def _misshapen(where: str = "") -> NoReturn:
    at = f" at {where}" if where else ""
    raise Failure("model_invalid", f"Claude's program does not have the shape it must have{at}.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
