"""Groups the lines of logs into patterns, and counts them.

    python3 patterns.py [--match REGEX] [--ignore REGEX] [--baseline FILE] [--rare] [--top N] FILE ...

`-` is standard input; what is compressed with gzip is read, too. Memory is bounded however large the log is. Exit
status: 0, 1 when no line was left to group, 2 when a file cannot be read.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

LINE = 2_000
PATTERNS = 50_000
SHOWN = 300
OFTEN = 3

# In this order: what is found first is not looked at again.
VARIABLE = re.compile(
    r"""
      (?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?(?:Z|[+-]\d\d:?\d\d))?
              |\d{4}/\d\d/\d\d[ ]\d\d:\d\d:\d\d|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\s[+-]\d{4})?
              |\b[A-Z][a-z]{2}\s{1,2}\d{1,2}\s\d\d:\d\d:\d\d|\b\d\d:\d\d:\d\d(?:[.,]\d+)?)
    | (?P<id>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b
              |\b(?=[a-fA-F]*\d)(?=\d*[a-fA-F])[0-9a-fA-F]{8,}\b|\b0x[0-9a-fA-F]+\b)
    | (?P<mail>(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)
    | (?P<url>\bhttps?://[^\s"'<>)\]]+)
    | (?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b(?::\d+)?|\[(?=[^\]]*:)[0-9a-fA-F:.]{3,}\](?::\d+)?)
    | (?P<text>"[^"\n]*"|(?<!\w)'[^'\n]*'(?!\w))
    | (?P<path>(?<![\w<])/[\w.@%+-]+(?:/[\w.@%+-]*)+|\b[A-Za-z]:\\[^\s:"]+)
    | (?P<n>(?<![A-Za-z])[-+]?\d[\d.,_]*(?:[eE][-+]?\d+)?)
    """,
    re.VERBOSE,
)
CONTINUED = re.compile(r"\s|Caused by:|\.\.\. \d+ more")


class UnreadableError(Exception):
    """The message names the file."""


class Pattern(NamedTuple):
    hits: int
    first: int
    last: int
    example: str


class Summary(NamedTuple):
    lines: int
    patterns: dict[str, Pattern]
    lost: int
    """Lines whose pattern was new when there was no room for another one."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Groups the lines of logs into patterns, and counts them.")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a log; - is standard input")
    parser.add_argument("--match", type=regex, metavar="REGEX", help="only lines in which this is found")
    parser.add_argument("--ignore", type=regex, metavar="REGEX", help="leave out lines in which this is found")
    parser.add_argument("--baseline", metavar="FILE", help="show what this log does not have, or has more rarely")
    parser.add_argument("--rare", action="store_true", help="the rarest first")
    parser.add_argument("--top", type=int, default=30, metavar="N", help="how many patterns to show (default: 30)")
    options = parser.parse_args(argv)
    try:
        found = summarize(lines_of(options.files), options.match, options.ignore)
        baseline = None
        if options.baseline is not None:
            baseline = summarize(lines_of([options.baseline]), options.match, options.ignore)
    except UnreadableError as error:
        print(error, file=sys.stderr)
        return 2
    report = compared(found, baseline, options) if baseline is not None else listed(found, options)
    with contextlib.suppress(BrokenPipeError):
        for line in report:
            print(line)
    return 0 if found.patterns else 1


def regex(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a regular expression: {error}") from error


def lines_of(files: list[str]) -> Iterator[str]:
    """The lines of all files, one after the other, each cut to `LINE` characters."""
    for name in files:
        try:
            with opened(name) as file:
                while data := file.readline(4 * LINE):
                    whole = data
                    while not data.endswith(b"\n") and (data := file.readline(4 * LINE)):
                        pass
                    yield whole.decode("utf-8", "replace").rstrip("\r\n")[:LINE]
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableError(f"{name}: {error}") from error


def opened(name: str) -> contextlib.AbstractContextManager[BinaryIO]:
    if name == "-":
        return contextlib.nullcontext(sys.stdin.buffer)
    with Path(name).open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    return gzip.open(name) if compressed else Path(name).open("rb")  # type: ignore[return-value]


def summarize(lines: Iterator[str], match: re.Pattern[str] | None, ignore: re.Pattern[str] | None) -> Summary:
    patterns: dict[str, Pattern] = {}
    total = lost = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip() or CONTINUED.match(line):
            continue
        if (match and not match.search(line)) or (ignore and ignore.search(line)):
            continue
        total += 1
        key = masked(line)
        known = patterns.get(key)
        if known is not None:
            patterns[key] = known._replace(hits=known.hits + 1, last=number)
        elif len(patterns) < PATTERNS:
            patterns[key] = Pattern(1, number, number, line)
        else:
            lost += 1
    return Summary(total, patterns, lost)


def masked(line: str) -> str:
    return " ".join(VARIABLE.sub(lambda found: f"<{found.lastgroup}>", line).split())


def listed(found: Summary, options: argparse.Namespace) -> Iterator[str]:
    order = 1 if options.rare else -1
    ranked = sorted(found.patterns.values(), key=lambda pattern: (order * pattern.hits, pattern.first))
    yield f"{found.lines} lines, {len(found.patterns)} patterns" + (f", {found.lost} not grouped" if found.lost else "")
    for pattern in ranked[: options.top]:
        yield row(pattern)
    if len(ranked) > options.top:
        rest = sum(pattern.hits for pattern in ranked[options.top :])
        yield f"{len(ranked) - options.top} more patterns with {rest} lines"


def compared(found: Summary, baseline: Summary, options: argparse.Namespace) -> Iterator[str]:
    new = [pattern for key, pattern in found.patterns.items() if key not in baseline.patterns]
    more = []
    for key, pattern in found.patterns.items():
        before = baseline.patterns.get(key)
        if before is not None:
            times = (pattern.hits / found.lines) / (before.hits / baseline.lines)
            if times >= OFTEN:
                more.append((times, before.hits, pattern))
    yield f"{found.lines} lines against {baseline.lines}"
    yield f"\nNew: {len(new)} patterns"
    for pattern in sorted(new, key=lambda pattern: pattern.first)[: options.top]:
        yield row(pattern)
    yield f"\nMore frequent: {len(more)} patterns"
    for times, count, pattern in sorted(more, key=lambda entry: -entry[0])[: options.top]:
        yield f"{row(pattern)}  [{times:.1f} times the share; {count} before]"


def row(pattern: Pattern) -> str:
    lines = f"line {pattern.first}" if pattern.hits == 1 else f"lines {pattern.first}-{pattern.last}"
    return f"{pattern.hits:>8}  {lines}: {plain(pattern.example)}"


def plain(text: str) -> str:
    """Short, and with nothing in it that could steer a terminal."""
    line = "".join(char if char.isprintable() else " " if char == "\t" else f"\\x{ord(char):02x}" for char in text)
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


if __name__ == "__main__":
    sys.exit(main())
