"""Members and entries put into a JSONC tree and taken out again, in the style of the file around them.

Taking out is the exact reverse of putting in, from the text alone: a new member stands at the end, with a comma
before it where there was no trailing comma and with one after it where there was, behind the comments that end the
line before it. So members that came in any order may leave in any order. The one thing that the text cannot tell is
how a container looked before it got its first member; that is for the caller to remember.
"""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cct_cloudflare.merging.jsonc import Container, Document, Item, Node, parse_node, pieces

#: Lists of scalars up to this width stand on one line.
LINE = 100

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BREAK = re.compile(r"\r\n|\n|\r")
_SAME_LINE_COMMENT = re.compile(r"[ \t]*/[/*]")


@dataclass(frozen=True, slots=True)
class Style:
    """`newline` between lines, `unit` of indentation, `colon` between a key and its value."""

    newline: str = "\n"
    unit: str = "  "
    colon: str = ": "

    @property
    def gap(self) -> str:
        """Between two entries on one line."""
        return " " if " " in self.colon else ""


@dataclass(frozen=True, slots=True)
class Spot:
    """A node in its surroundings: `indent` is that of its line; `tall` says that what is put in gets its own line."""

    node: Node
    indent: str = ""
    tall: bool = True

    @property
    def container(self) -> Container:
        assert isinstance(self.node, Container)  # noqa: S101  # callers have looked
        return self.node

    def child(self, item: Item) -> Spot:
        if _has_break(item.lead):
            return Spot(item.value, indent_of(item.lead))
        return Spot(item.value, self.indent, tall=False)


def style_of(document: Document) -> Style:
    root = document.root
    inside = _trivia(root) if isinstance(root, Container) else ()
    texts = itertools.chain(inside, (document.tail, document.head))
    found = next((match.group() for text in texts if (match := _BREAK.search(text))), "\n")
    if not isinstance(root, Container) or not root.items:
        return Style(found)
    first = root.items[0]
    unit = indent_of(first.lead) if _has_break(first.lead) else ""
    colon = first.colon if set(first.colon) <= {":", " "} and first.colon else ": "
    return Style(found, unit or "  ", colon)


def append(spot: Spot, value: Any, style: Style, key: str | None = None) -> Item:
    """Puts `value` last into the container at `spot`, under `key` when that is an object, and gives its item."""
    box = spot.container
    item = Item("", Container("["), key)
    if box.items:
        tall, indent = _follow(spot, item, style)
    else:
        tall, indent = _open(spot, item, style)
    item.value = parse_node(_text(value, style, indent) if tall else flat(value, style))
    if key is not None:
        item.raw_key, item.colon = quoted(key), style.colon
    box.items.append(item)
    return item


def _follow(spot: Spot, item: Item, style: Style) -> tuple[bool, str]:
    """Places `item` after the last one; whether it has a line of its own, and that line's indentation."""
    box = spot.container
    last = box.items[-1]
    item.comma, last.comma = last.comma, True
    trail, rest = _split_line(box.tail)
    if _has_break(last.lead):
        indent, tall = indent_of(last.lead), True
        gap = style.newline + indent
    else:
        indent, tall = spot.indent, False
        gap = last.lead if len(box.items) > 1 and "/" not in last.lead else style.gap
        if _ends_in_line_comment(trail):
            gap = style.newline + indent + style.unit
    item.lead, box.tail = trail + gap, rest
    return tall, indent


def _open(spot: Spot, item: Item, style: Style) -> tuple[bool, str]:
    box = spot.container
    said, blank = _split_comments(box.tail)
    if spot.tall or _has_break(box.tail):
        indent = spot.indent + style.unit
        item.lead = said + style.newline + indent
        box.tail = style.newline + spot.indent
        return True, indent
    item.lead = said + (blank or " ") if said else blank
    box.tail = blank
    return False, spot.indent


def replace(spot: Spot, item: Item, value: Any, style: Style) -> None:
    """Gives `item`, which is in the container at `spot`, another value."""
    child = spot.child(item)
    item.value = parse_node(_text(value, style, child.indent) if child.tall else flat(value, style))


def remove(box: Container, item: Item) -> None:
    """Takes `item` out. Comments around it stay."""
    index = next(index for index, other in enumerate(box.items) if other is item)
    following = box.items[index + 1] if index + 1 < len(box.items) else None
    after = following.lead if following else box.tail
    if _SAME_LINE_COMMENT.match(after):
        # Somebody wrote a remark behind it, which would otherwise slide behind what stands before.
        kept, after = item.lead + _split_comments(item.gap)[0], after.lstrip(" \t")
    elif following is not None and not index and "/" not in item.lead + item.gap + after:
        kept, after = item.lead, ""
    else:
        kept = _split_comments(item.lead)[0] + _split_comments(item.gap)[0]
    if following is None and not item.comma and index:
        previous = box.items[index - 1]
        previous.comma = False
        kept, previous.gap = previous.gap + kept, ""
    if _ends_in_line_comment(kept) and not _BREAK.match(after.lstrip(" \t")):
        found = _BREAK.search(item.lead + after)
        after = (found.group() if found else "\n") + after
    del box.items[index]
    if following is not None:
        following.lead = kept + after
    else:
        box.tail = kept + after


def flat(value: Any, style: Style) -> str:
    """A value on one line."""
    return escaped(json.dumps(value, ensure_ascii=False, separators=("," + style.gap, style.colon)))


def quoted(text: str) -> str:
    return escaped(json.dumps(text, ensure_ascii=False))


def escaped(text: str) -> str:
    """What an editor would not show (a bidi control, half a surrogate pair) is written as its escape."""
    if text.isprintable():
        return text
    return "".join(_escape(char) if unicodedata.category(char) in _UNSEEN else char for char in text)


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _text(value: Any, style: Style, indent: str) -> str:
    """A value over several lines, the first of which begins at `indent`."""
    if not isinstance(value, dict | list) or not value:
        return flat(value, style)
    if isinstance(value, list) and not any(isinstance(entry, dict | list) for entry in value):
        line = flat(value, style)
        if len(indent) + len(line) <= LINE:
            return line
    inner = indent + style.unit
    if isinstance(value, dict):
        parts = [f"{quoted(key)}{style.colon}{_text(entry, style, inner)}" for key, entry in value.items()]
        opening, closing = "{", "}"
    else:
        parts = [_text(entry, style, inner) for entry in value]
        opening, closing = "[", "]"
    lines = f",{style.newline}{inner}".join(parts)
    return f"{opening}{style.newline}{inner}{lines}{style.newline}{indent}{closing}"


def _trivia(node: Node) -> Iterator[str]:
    if isinstance(node, Container):
        for item in node.items:
            yield item.lead
            yield from _trivia(item.value)
            yield item.gap
        yield node.tail


def _has_break(trivia: str) -> bool:
    return "\n" in trivia or "\r" in trivia


def indent_of(lead: str) -> str:
    """The white space at the start of the last line of `lead`."""
    line = _BREAK.split(lead)[-1]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _split_line(trivia: str) -> tuple[str, str]:
    """Up to the end of the last comment on this line, and what follows."""
    return _split(trivia, stop_at_break=True)


def _split_comments(trivia: str) -> tuple[str, str]:
    """Up to the end of the last comment, and the white space that follows."""
    return _split(trivia, stop_at_break=False)


def _split(trivia: str, *, stop_at_break: bool) -> tuple[str, str]:
    at = end = 0
    for piece in pieces(trivia):
        at += len(piece)
        if piece.startswith("/"):
            end = at
        elif stop_at_break and _has_break(piece):
            break
    return trivia[:end], trivia[end:]


def _ends_in_line_comment(trivia: str) -> bool:
    found = pieces(trivia)
    return bool(found) and found[-1].startswith("//")
