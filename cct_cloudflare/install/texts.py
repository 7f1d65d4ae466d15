"""Bytes of a file, for people who compare."""

from __future__ import annotations


def as_text(content: bytes | None) -> str | None:
    """The text of a file; a word about it when it is none. None for no file."""
    if content is None:
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return f"({len(content):,} bytes that are no text)"
    return text if "\0" not in text else f"({len(content):,} bytes that are no text)"
