"""Checks the form of a changelog (Keep a Changelog, Semantic Versioning), or prints the section of one version.

    python3 check.py CHANGELOG.md [--print VERSION]

Exit status: 0, 1 when something was found, 2 when the file cannot be read or has no such version.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

SECTIONS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?"
)
RELEASE = re.compile(r"\[?(?P<name>[^\]\s]+)\]?(?:\([^)]*\))?(?:\s+[-–—]\s+(?P<date>\S+))?(?P<rest>.*)")
LINK = re.compile(r"\[([^\]]+)\]:\s*\S+")
FENCE = re.compile(r" {0,3}(```+|~~~+)")

Key = tuple[Any, ...]  # what versions are ordered by


class Line(NamedTuple):
    number: int
    text: str


class Release(NamedTuple):
    line: int
    name: str
    date: str | None
    linked: bool
    lines: list[Line]
    """What stands below its heading, code included."""
    outside: list[Line]
    """The same without what stands in code."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Checks the form of a changelog.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--print", metavar="VERSION", dest="version", help="print what changed in this version instead")
    options = parser.parse_args(argv)
    try:
        text = options.file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 2
    releases, links = parse(text)
    if options.version is not None:
        return print_release(releases, options.version, options.file)
    problems = sorted(check(text, releases, links))
    for line, message in problems:
        print(f"{options.file}:{line}: {message}")
    return 1 if problems else 0


def parse(text: str) -> tuple[list[Release], set[str]]:
    """The releases in the order of the file, and the names that a link is defined for, in lower case."""
    releases: list[Release] = []
    links: set[str] = set()
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        mark = FENCE.match(line)
        in_code = bool(fence) or mark is not None
        if mark is not None and not fence:
            fence = mark[1]
        elif mark is not None and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        heading = re.match(r"##\s+(.*\S)", line) if not in_code else None
        link = LINK.match(line) if not in_code else None
        if heading:
            found = RELEASE.fullmatch(heading[1])
            name, date = (found["name"], found["date"]) if found else (heading[1], None)
            releases.append(Release(number, name, date, heading[1].startswith("["), [], []))
        elif link:
            links.add(link[1].lower())
        elif releases:
            releases[-1].lines.append(Line(number, line))
            if not in_code:
                releases[-1].outside.append(Line(number, line))
    return releases, links


def check(text: str, releases: list[Release], links: set[str]) -> list[tuple[int, str]]:
    problems: list[tuple[int, str]] = []
    if not re.match(r"\s*# \S", text):
        problems.append((1, "it does not begin with a title (# Changelog)"))
    if not releases:
        problems.append((1, "it has no version (## [1.0.0] - 2026-01-31)"))
    seen: dict[str, int] = {}
    newer: tuple[str, Key] | None = None
    later: tuple[str, datetime.date] | None = None
    for position, release in enumerate(releases):
        name = release.name.lower()
        if name in seen:
            problems.append((release.line, f"{release.name} stands in line {seen[name]} already"))
        seen.setdefault(name, release.line)
        if release.linked and links and name not in links:
            problems.append((release.line, f"[{release.name}] has no link at the end of the file"))
        problems += check_sections(release)
        if name == "unreleased":
            if position != 0:
                problems.append((release.line, "Unreleased is not the first"))
            continue
        key = version_key(release.name)
        if key is None:
            problems.append((release.line, f"{release.name!r} is not a semantic version"))
        else:
            if newer is not None and key > newer[1]:
                problems.append((release.line, f"{release.name} is newer than {newer[0]}, which stands above it"))
            newer = (release.name, key)
        date = parse_date(release.date)
        if date is None:
            problems.append((release.line, f"{release.name} has no date of the form YYYY-MM-DD after a dash"))
        else:
            # Two branches may be maintained at once: a patch of an old one comes later than a new one's release.
            if later is not None and date > later[1] and same_branch(release.name, later[0]):
                problems.append((release.line, f"{release.name} is dated after {later[0]}, which stands above it"))
            later = (release.name, date)
    return problems


def check_sections(release: Release) -> list[tuple[int, str]]:
    problems: list[tuple[int, str]] = []
    current: Line | None = None
    filled = True
    seen: set[str] = set()
    for line in release.outside:
        heading = re.match(r"###\s+(.*\S)", line.text)
        if heading:
            if current is not None and not filled:
                problems.append((current.number, f"{current.text} has no entry"))
            current, filled = Line(line.number, heading[1]), False
            if heading[1] not in SECTIONS:
                problems.append((line.number, f"{heading[1]!r} is none of {', '.join(SECTIONS)}"))
            if heading[1] in seen:
                problems.append((line.number, f"{heading[1]} comes twice in {release.name}"))
            seen.add(heading[1])
        elif re.match(r"[-*+]\s", line.text):
            if current is None:
                problems.append((line.number, "an entry stands outside of a section"))
            filled = True
        elif line.text.strip():
            filled = True
    if current is not None and not filled:
        problems.append((current.number, f"{current.text} has no entry"))
    return problems


def version_key(name: str) -> Key | None:
    """Orders versions as semver.org, section 11, says; None for what is none."""
    found = SEMVER.fullmatch(name[1:] if name[:1] in "vV" else name)
    if found is None:
        return None
    release = tuple(int(part) for part in found.group(1, 2, 3))
    if found[4] is None:
        return (*release, 1)
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in found[4].split("."))
    return (*release, 0, parts)


def same_branch(one: str, other: str) -> bool:
    first, second = version_key(one), version_key(other)
    return first is not None and second is not None and first[:2] == second[:2]


def parse_date(text: str | None) -> datetime.date | None:
    if text is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def print_release(releases: list[Release], version: str, file: Path) -> int:
    wanted = version.lower().lstrip("v")
    for release in releases:
        if release.name.lower().lstrip("v") == wanted:
            print("\n".join(line.text for line in release.lines).strip())
            return 0
    print(f"{file}: it has no version {version}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
