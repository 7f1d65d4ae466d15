"""What a run in the sandbox leaves out of the components that it was given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotApplied:
    """A part of a component that a run in the sandbox leaves out. All texts are safe to print.

    `component` is a ref (`hook/git/guard-main`), `what` a place in it (`hooks.PreToolUse`, `scripts/a.py`).
    """

    component: str
    what: str
    why: str

    def to_json(self) -> dict[str, str]:
        return {"component": self.component, "what": self.what, "why": self.why}


def told(parts: Iterable[NotApplied]) -> list[str]:
    """A line for each component and reason."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        grouped.setdefault((part.component, part.why), []).append(part.what)
    return [f"{component}: {', '.join(what)} ({why})" for (component, why), what in grouped.items()]
