"""The guides of a rendered project, taken apart: headings, fenced blocks, and the command lines in these."""

from __future__ import annotations

import itertools
import re
import shlex
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt

from cct_cloudflare.scaffold.render import render
from cct_cloudflare.scaffold.settings import ScaffoldSettings

GUIDES = ("README.md", "QUICKSTART.md", "SANDBOX_DEBUGGING.md", "claude-code-sandbox.md")
_SHELLS = frozenset({"sh", "bash", "console"})


@dataclass(frozen=True)
class Block:
    """A fenced block; `heading` is the nearest one above it, `line` where it starts in the page."""

    page: str
    language: str
    text: str
    heading: str
    line: int


@dataclass(frozen=True)
class Command:
    """One command line of a block, as it stands there and as words; `line` counts in the page."""

    page: str
    line: int
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text, comments=True)

    @property
    def id(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Table:
    """A table, its cells as they are written; `heading` is the nearest one above it, without the signs of code."""

    heading: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@cache
def project_files() -> dict[str, bytes]:
    return render(ScaffoldSettings())


def page_text(page: str) -> str:
    return project_files()[page].decode()


@cache
def headings(page: str) -> tuple[str, ...]:
    """The text of each heading, without the signs that mark code."""
    tokens = MarkdownIt("commonmark").parse(page_text(page))
    return tuple(
        after.content.replace("`", "") for token, after in itertools.pairwise(tokens) if token.type == "heading_open"
    )


@cache
def tables(page: str) -> tuple[Table, ...]:
    found: list[Table] = []
    rows: list[tuple[str, ...]] = []
    heading = ""
    tokens = MarkdownIt("commonmark").enable("table").parse(page_text(page))
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[index + 1].content.replace("`", "")
        elif token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            end = next(at for at in range(index, len(tokens)) if tokens[at].type == "tr_close")
            rows.append(tuple(cell.content for cell in tokens[index:end] if cell.type == "inline"))
        elif token.type == "table_close":
            found.append(Table(heading, rows[0], tuple(rows[1:])))
    return tuple(found)


@cache
def blocks(page: str) -> tuple[Block, ...]:
    found, heading = [], ""
    tokens = MarkdownIt("commonmark").parse(page_text(page))
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = tokens[index + 1].content
        elif token.type == "fence":
            line = token.map[0] + 1 if token.map else 0
            found.append(Block(page, token.info.strip(), token.content, heading, line))
    return tuple(found)


def commands(page: str) -> list[Command]:
    """Every command line of the shell blocks; in a `console` block those behind `$ `, the rest being output."""
    return [command for block in blocks(page) if block.language in _SHELLS for command in _commands(block)]


def _commands(block: Block) -> list[Command]:
    found: list[Command] = []
    pending, start = "", 0
    for number, raw in enumerate(block.text.splitlines(), start=block.line + 1):
        line = raw
        if not pending:
            if block.language == "console":
                if not raw.startswith("$ "):
                    continue
                line = raw[2:]
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            start = number
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        found.append(Command(block.page, start, re.sub(r"\s+", " ", pending) if "'" not in pending else pending))
        pending = ""
    return found
