"""The last results become the published ones, from which the guides' tables are made."""

from __future__ import annotations

import json
import sys
from pathlib import Path

LATEST = Path(__file__).with_name("results") / "latest.json"
PUBLISHED = Path(__file__).resolve().parent.parent / "docs" / "measurements.json"


def publish(latest: Path = LATEST, published: Path = PUBLISHED) -> int:
    """Copies the results. Those that missed a limit are not: either the machine was busy, or something is to be mended.

    Returns an exit status, and says on stderr why nothing was published.
    """
    if not latest.is_file():
        print(f"There are no results in {latest}; measure first: make bench", file=sys.stderr)
        return 1
    report = json.loads(latest.read_text())
    if missed := [row["name"] for row in report["rows"] if not row["reached"]]:
        print(f"Not published, because a limit was missed: {', '.join(missed)}", file=sys.stderr)
        return 1
    published.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    print(f"Published {len(report['rows'])} rows to {published}. Now: python -m tests.guides", file=sys.stderr)
    return 0
