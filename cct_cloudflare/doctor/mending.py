"""What `cct doctor --fix` does: the repairs that lose nothing of the user's and need no question."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cct_cloudflare.doctor.check import Check, Progress
from cct_cloudflare.errors import CctError


@dataclass(frozen=True)
class Mended:
    """`said` is what was done, or why it could not be."""

    name: str
    success: bool
    said: str

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "success": self.success, "detail": self.said}


def mend(checks: Iterable[Check], progress: Progress) -> list[Mended]:
    """Does every repair that there is, one after the other; one that fails keeps none of the others."""
    done = []
    for check in checks:
        if check.repair is None:
            continue
        try:
            done.append(Mended(check.name, True, check.repair(progress)))
        except CctError as error:
            done.append(Mended(check.name, False, f"{error.message} {error.hint}".strip()))
    return done
