"""Several runs of one prompt, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cct_cloudflare.errors import CctError, Exit
from cct_cloudflare.monitor.observe import Observation


@dataclass(frozen=True, slots=True)
class Series:
    """The runs that came to a result, and the error that ended the series before its end."""

    runs: tuple[Observation, ...]
    error: CctError | None = None

    @property
    def exit_code(self) -> int:
        """The error's, else that of the worst run."""
        if self.error is not None:
            return self.error.exit_code
        return max((run.result.exit_code for run in self.runs), default=Exit.OK)


def observe_series(count: int, run: Callable[[int], Observation]) -> Series:
    """Calls `run` with 1 up to `count`. What ends the first run is raised.

    An error, or Ctrl-C, in a later one ends the series; the runs before it were paid for, so they are kept.
    """
    runs: list[Observation] = []
    for number in range(1, count + 1):
        try:
            seen = run(number)
            runs.append(seen)
            if seen.unsaved is not None:
                return Series(tuple(runs), seen.unsaved)
        except CctError as error:
            if not runs:
                raise
            return Series(tuple(runs), error)
        except KeyboardInterrupt:
            if not runs:
                raise
            return Series(tuple(runs), CctError("Interrupted.", code="interrupted"))
    return Series(tuple(runs))
