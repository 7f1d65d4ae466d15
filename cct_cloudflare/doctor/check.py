"""What looking at one thing comes to."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Is told one short line per step of something that takes a while.
Progress = Callable[[str], None]

#: Mends what was found and says, in one sentence, what it did. Raises CctError.
Repair = Callable[[Progress], str]


class Status(enum.StrEnum):
    OK = "ok"
    WARN = "warn"
    """Works, but will not for long, or not everywhere."""
    FAIL = "fail"
    """The main job cannot be done until this is mended."""
    SKIP = "skip"
    """Not looked at, or not there and not needed; `detail` says why."""


@dataclass(frozen=True)
class Finding:
    """`detail` is one sentence about what is there, `fix` what to do about it. Neither holds a key or token.

    `repair` is there when cct can do it by itself, without asking and without losing anything of the user's.
    """

    status: Status
    detail: str
    fix: str = ""
    repair: Repair | None = None


@dataclass(frozen=True)
class Check:
    """A finding and what it is about; `name` is stable, for machines."""

    name: str
    group: str
    finding: Finding

    @property
    def status(self) -> Status:
        return self.finding.status

    @property
    def repair(self) -> Repair | None:
        return self.finding.repair

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "group": self.group,
            "status": self.status.value,
            "detail": self.finding.detail,
            "fix": self.finding.fix,
            "fixable": self.repair is not None,
        }


def ok(detail: str) -> Finding:
    return Finding(Status.OK, detail)


def skip(detail: str, fix: str = "", repair: Repair | None = None) -> Finding:
    return Finding(Status.SKIP, detail, fix, repair)


def warn(detail: str, fix: str, repair: Repair | None = None) -> Finding:
    return Finding(Status.WARN, detail, fix, repair)


def fail(detail: str, fix: str, repair: Repair | None = None) -> Finding:
    return Finding(Status.FAIL, detail, fix, repair)
