"""Texts of several origins in one prompt, each in a section that it cannot end early."""

from __future__ import annotations


def section(tag: str, attribute: str, value: str, text: str) -> str:
    """`text`, unchanged, between `<tag attribute="value">` and its end; the tag grows until no text can end it."""
    while f"</{tag}>" in text:
        tag += "_"
    newline = "" if text.endswith("\n") else "\n"
    return f'<{tag} {attribute}="{value}">\n{text}{newline}</{tag}>'


def trim(text: str) -> str:
    """Without the blank lines before it and the white space after it; its first line keeps its indentation."""
    lines = text.splitlines(keepends=True)
    first = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    return "".join(lines[first:]).rstrip()
