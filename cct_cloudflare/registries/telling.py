"""How somebody who waits is told of what is done meanwhile."""

from __future__ import annotations

from collections.abc import Callable

#: Is given a sentence, safe to print.
Note = Callable[[str], None]
#: Is given how much is done, and of how much.
Progress = Callable[[int, int], None]


def ignore(_: str) -> None:
    """Nobody is told."""
