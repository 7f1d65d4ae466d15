"""Runs every measurement, prints a table, and writes `bench/results/latest.json`."""

from __future__ import annotations

import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import commands, doctor, history, overlap, sandboxes
from bench.measure import Row


def main() -> int:
    console = Console(width=120)
    found: list[Row] = []
    for part in (commands, doctor, history, sandboxes, overlap):
        for row in part.rows():
            found.append(row)
            console.print(f"[dim]measured[/dim] {row.name}")
    console.print(_table(found))
    results = Path(__file__).with_name("results")
    results.mkdir(exist_ok=True)
    report = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "rows": [row.to_json() for row in found],
    }
    (results / "latest.json").write_text(json.dumps(report, indent=2) + "\n")
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
