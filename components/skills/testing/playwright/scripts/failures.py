"""Reduces Playwright's JSON report to what failed and why.

    python3 failures.py REPORT.json [--limit N]

Exit status: 0 nothing failed (flaky tests are listed all the same), 1 something failed, 2 the file is no such report.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

LINES = 14
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


class Failure(NamedTuple):
    name: str
    status: str
    tries: int
    error: str
    place: str
    files: tuple[str, ...]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Reduces Playwright's JSON report to what failed and why.")
    parser.add_argument("report", type=Path)
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many different errors (default: 20)")
    options = parser.parse_args(argv)
    try:
        document = json.loads(options.report.read_text(encoding="utf-8"))
        stats, errors = document["stats"], [message(error) for error in document.get("errors", ())]
        found = [failure for suite in document["suites"] for failure in failures(suite, ())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        print(
            f"{options.report}: it is no JSON report of Playwright ({type(error).__name__}: {error})", file=sys.stderr
        )
        return 2
    print("\n".join(report(stats, errors, found, options.limit)))
    return 1 if errors or any(failure.status == "failed" for failure in found) else 0


def failures(suite: dict[str, Any], titles: tuple[str, ...]) -> Iterator[Failure]:
    # The outermost suite is the file, which the place of the test names already.
    inner = titles if suite["title"] == suite.get("file") else (*titles, suite["title"])
    for spec in suite.get("specs", ()):
        for test in spec["tests"]:
            if test["status"] in ("unexpected", "flaky"):
                yield failure(spec, test, " › ".join((*inner, spec["title"])))
    for child in suite.get("suites", ()):
        yield from failures(child, inner)


def failure(spec: dict[str, Any], test: dict[str, Any], title: str) -> Failure:
    failed = [result for result in test["results"] if result["status"] not in ("passed", "skipped")]
    last = failed[-1] if failed else {}
    at = last.get("errorLocation") or {}
    return Failure(
        name=f"{spec['file']}:{spec['line']} › {title} [{test['projectName']}]",
        status="failed" if test["status"] == "unexpected" else "flaky",
        tries=len(test["results"]),
        error=message(last["error"]) if last.get("error") else last.get("status", "it passed, and should have failed"),
        place=f"{relative(at['file'])}:{at['line']}" if at else "",
        # A retry has the trace, the first try has not: what all of them left is of use.
        files=tuple(relative(item["path"]) for result in failed for item in result["attachments"] if "path" in item),
    )


def message(error: dict[str, Any]) -> str:
    text = error.get("message") or error.get("value") or "no message"
    lines = [plain(line) for line in ANSI.sub("", text).strip().splitlines()]
    return "\n".join(lines if len(lines) <= LINES else [*lines[:LINES], "…"])


def report(stats: dict[str, Any], errors: list[str], found: list[Failure], limit: int) -> Iterator[str]:
    counts = {"passed": "expected", "failed": "unexpected", "flaky": "flaky", "skipped": "skipped"}
    yield ", ".join(f"{stats[key]} {label}" for label, key in counts.items())
    for error in errors:
        yield f"\noutside of a test:\n{indented(error)}"
    groups: dict[tuple[str, str], list[Failure]] = {}
    for one in found:
        groups.setdefault((one.status, one.error), []).append(one)
    ranked = sorted(groups.items(), key=lambda entry: (entry[0][0] != "failed", -len(entry[1])))
    for (status, error), members in ranked[:limit]:
        yield ""
        for member in members[:limit]:
            tries = f", {member.tries} tries" if member.tries > 1 else ""
            yield f"{status}{tries}: {plain(member.name)}" + (f", at {plain(member.place)}" if member.place else "")
        if len(members) > limit:
            yield f"… and {len(members) - limit} more with this error"
        yield indented(error)
        yield from (f"    {plain(file)}" for file in members[0].files)
    if len(ranked) > limit:
        yield f"\n{len(ranked) - limit} more errors were left out"


def indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def relative(path: str) -> str:
    here = f"{Path.cwd()}{os.sep}"
    return path[len(here) :] if path.startswith(here) else path


def plain(text: str) -> str:
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


if __name__ == "__main__":
    sys.exit(main())
