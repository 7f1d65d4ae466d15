"""One look of the doctor, as it is made among all."""

from __future__ import annotations

from pathlib import Path

from cct_cloudflare.doctor import Check, Context, examine
from cct_cloudflare.doctor.probes import GROUPS


def look(context: Context | Path, name: str) -> Check:
    """The check of this name alone; of a project when that is given."""
    if isinstance(context, Path):
        context = Context(context)
    wanted = [(group, tuple(probe for probe in probes if probe.name == name)) for group, probes in GROUPS]
    [check] = examine(context, tuple(wanted))
    return check


def told(check: Check) -> tuple[str, str, str]:
    """Status, detail, fix."""
    return check.status.value, check.finding.detail, check.finding.fix


def script(path: Path, text: str) -> Path:
    """A program that a test puts in the place of another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path
