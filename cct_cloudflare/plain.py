"""Text that nobody vouches for, made harmless for a terminal. Pure: text in, text out."""

from __future__ import annotations

import re
from enum import Enum, auto

# All that a terminal may act upon: C0 but for newline and tab, DEL, C1, marks that reorder a line, lone surrogates.
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\U000e0000-\U000e007f\ud800-\udfff]"
)
_STRING_END = re.compile("[\x07\x9c\x1b\x18\x1a\n]")
_STRING_STARTS = frozenset("]PX^_")  # after ESC: OSC, DCS, SOS, PM, APC
_C1_STRING_STARTS = frozenset("\x9d\x90\x98\x9e\x9f")


class _State(Enum):
    TEXT = auto()
    ESCAPE = auto()  # after ESC
    CONTROL = auto()  # in a control sequence: parameters up to a final letter
    STRING = auto()  # in a string for the terminal: a title, the clipboard
    STRING_ESCAPE = auto()  # after ESC in such a string


class PlainStream:
    """Takes text in any chunking, also one that cuts a control sequence; what comes out depends on the text alone.

    Control sequences vanish, colours too. A carriage return becomes a line break, since it could write over what was
    shown; the one of a CRLF goes. A string for the terminal that is never ended takes the rest of its line.
    """

    def __init__(self) -> None:
        self._state = _State.TEXT
        self._after_return = False

    def feed(self, text: str) -> str:
        if self._state is _State.TEXT and not self._after_return and not _ACTIVE.search(text):
            return text
        out: list[str] = []
        at = 0
        while at < len(text):
            if self._state is _State.TEXT:
                at = self._text(text, at, out)
            elif self._state is _State.STRING:
                at = self._string(text, at)
            else:
                at = self._sequence(text, at)
        return "".join(out)

    def end(self) -> str:
        """What was held back until it was clear that nothing follows."""
        held = "\n" if self._after_return else ""
        self._state, self._after_return = _State.TEXT, False
        return held

    def _text(self, text: str, at: int, out: list[str]) -> int:
        if self._after_return:
            self._after_return = False
            out.append("\n")
            if text[at] == "\n":
                return at + 1
        found = _ACTIVE.search(text, at)
        if found is None:
            out.append(text[at:])
            return len(text)
        out.append(text[at : found.start()])
        character = found[0]
        if character == "\r":
            self._after_return = True
        elif character == "\x1b":
            self._state = _State.ESCAPE
        elif character == "\x9b":
            self._state = _State.CONTROL
        elif character in _C1_STRING_STARTS:
            self._state = _State.STRING
        elif "\ud800" <= character <= "\udfff":
            out.append("\ufffd")
        elif character in "\u2028\u2029":
            out.append("\n")
        return found.end()

    def _string(self, text: str, at: int) -> int:
        found = _STRING_END.search(text, at)
        if found is None:
            return len(text)
        if found[0] == "\x1b":
            self._state = _State.STRING_ESCAPE
            return found.end()
        self._state = _State.TEXT
        return found.start() if found[0] == "\n" else found.end()

    def _sequence(self, text: str, at: int) -> int:
        """One character of a sequence; one that does not belong there ends it and is looked at again."""
        character = text[at]
        if self._state is _State.STRING_ESCAPE and character != "\\":
            self._state = _State.ESCAPE  # the string was broken off by a sequence of its own
        if self._state is _State.STRING_ESCAPE:
            self._state = _State.TEXT
        elif self._state is _State.ESCAPE:
            if character == "[":
                self._state = _State.CONTROL
            elif character in _STRING_STARTS:
                self._state = _State.STRING
            elif " " <= character <= "/":
                return at + 1  # an intermediate: the final character follows
            else:
                self._state = _State.TEXT
                return at + 1 if "0" <= character <= "~" else at
        elif not " " <= character <= "?":
            self._state = _State.TEXT
            return at + 1 if "@" <= character <= "~" else at
        return at + 1


def plain(text: str) -> str:
    """`text` without anything that a terminal would act upon; newlines and tabs stay."""
    stream = PlainStream()
    return stream.feed(text) + stream.end()


def plain_code(line: str) -> str:
    """The same for a line of a file, whose spaces and tabs say something."""
    return plain(line).replace("\n", " ")


def plain_line(text: str) -> str:
    """The same on one line, for a name or a sentence within a line of ours."""
    return " ".join(plain(text).split())
