"""Runs every measurement, prints a table, and writes `bench/results/latest.json`.

`python -m bench --publish` measures nothing: it makes the last results the published ones, `docs/measurements.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from bench import catalog, commands, deploy, doctor, history, overlap, registries, sandboxes
from bench.measure import Row
from bench.publish import LATEST, publish


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument(
        "--publish", action="store_true", help="publish the last results; the guides' tables are of them"
    )
    return publish() if parser.parse_args().publish else measure()


def measure() -> int:
    # People's Python keeps what it compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    console = Console(width=120)
    found: list[Row] = []
    for part in (commands, catalog, deploy, doctor, history, registries, sandboxes, overlap):
        for row in part.rows():
            found.append(row)
            console.print(f"[dim]measured[/dim] {row.name}")
    console.print(_table(found))
    LATEST.parent.mkdir(exist_ok=True)
    report = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": (
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
        ),
        "rows": [row.to_json() for row in found],
    }
    LATEST.write_text(json.dumps(report, indent=2) + "\n")
    return 0 if all(row.reached for row in found) else 1


def _table(found: list[Row]) -> Table:
    table = Table(title="cct, medians", title_justify="left")
    for heading in ("", "median", "p95", "reference", "measured", "limit", ""):
        table.add_column(heading, justify="left" if heading in ("", "reference") else "right")
    for row in found:
        unit = "×" if row.reference_ms is not None else ""
        table.add_row(
            row.name,
            f"{row.median_ms:g}",
            f"{row.p95_ms:g}",
            f"{row.reference} ({row.reference_ms:g})" if row.reference else "",
            f"{row.measured:.2f}{unit}" if unit else f"{row.measured:g}",
            f"{row.limit:g}{unit}",
            "[green]reached[/green]" if row.reached else "[red]missed[/red]",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
