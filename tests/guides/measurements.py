"""The published measurements as a table of the guides."""

from __future__ import annotations

import json
from typing import Any

from bench.publish import PUBLISHED

#: What a row is called where no reader knows the bench; a row without an entry keeps its name.
_MEANINGS = {
    "Scaffold of an empty project": "Rendering this project",
    "cct --demo, less the model's own time": "A whole `cct` run in Python, without the time that the model takes",
    "cct monitor --demo, likewise": "The same, observed by `cct monitor`",
    "JavaScript, fresh sandbox": "A JavaScript program through the local Worker, sandbox included",
    "Python, from nothing": "A Python program through the local Worker, sandbox included",
    "Python, a booted spare waiting": "The same, with a sandbox that was started ahead of need",
    "200 runs, 4 at a time, each": "Each of 200 JavaScript programs, 4 at a time",
    "End of generation to first output, JavaScript": "From Claude's last word to the first output, JavaScript",
    "End of generation to first output, Python": "From Claude's last word to the first output, Python",
}


def published() -> dict[str, Any]:
    """`docs/measurements.json`: date, machine, rows."""
    report: dict[str, Any] = json.loads(PUBLISHED.read_text())
    return report


def measurements_section() -> str:
    """Where and when it was measured, and a row for each time; what is no time (`…`) is left out."""
    report = published()
    rows = "\n".join(
        f"| {name_of(row)} | {row['median_ms']:,g} ms | {row['p95_ms']:,g} ms | {row['runs']} |"
        for row in report["rows"]
        if not row["name"].startswith("…")
    )
    return (
        f"Measured on {report['date'][:10]} on {report['machine']}, by the bench of cct's own repository.\n\n"
        f"| what | median | 95th percentile | runs |\n| --- | --- | --- | --- |\n{rows}"
    )


def name_of(row: dict[str, Any]) -> str:
    """How the guides call a row."""
    name = str(row["name"])
    return _MEANINGS.get(name, f"`{name}`" if name.startswith("cct ") else name)
