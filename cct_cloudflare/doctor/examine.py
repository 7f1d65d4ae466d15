"""Makes all looks at once, each with a deadline, and gives what they found in their order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from cct_cloudflare.doctor.check import Check, Finding, Status, fail
from cct_cloudflare.doctor.context import Context
from cct_cloudflare.doctor.probes import GROUPS, Probe
from cct_cloudflare.errors import CctError


def examine(context: Context, groups: tuple[tuple[str, tuple[Probe, ...]], ...] = GROUPS) -> Iterator[Check]:
    """Every check, each as soon as it and those before it are there. Programs that were asked have ended afterwards.

    A look that takes too long, or that breaks, is a failed check and keeps none of the others.
    """
    looks = [(group, _Look(probe, context)) for group, probes in groups for probe in probes]
    try:
        for _, look in looks:
            look.start()
        for group, look in looks:
            yield Check(look.probe.name, group, look.wait())
    finally:
        context.programs.close()


class _Look:
    def __init__(self, probe: Probe, context: Context) -> None:
        self.probe = probe
        self._context = context
        self._finding: Finding | None = None
        # A thread that hangs in the system, say in name resolution, must not keep the process.
        self._thread = threading.Thread(target=self._look, name=f"cct-doctor-{probe.name}", daemon=True)

    def start(self) -> None:
        self._deadline = time.monotonic() + self.probe.seconds
        self._thread.start()

    def wait(self) -> Finding:
        self._thread.join(max(0.0, self._deadline - time.monotonic()))
        return self._finding or _took_too_long(self.probe.seconds)

    def _look(self) -> None:
        try:
            self._finding = self.probe.look(self._context)
        except CctError as error:
            self._finding = Finding(Status.FAIL, error.message, error.hint)
        except TimeoutError:
            self._finding = _took_too_long(self.probe.seconds)
        except Exception as error:  # noqa: BLE001 - one broken look must not hide what the others found
            self._finding = fail(
                f"This check broke: {type(error).__name__}: {error}.", "This is a fault of cct; please report it."
            )


def _took_too_long(seconds: float) -> Finding:
    return fail(f"There was no answer within {seconds:.0f} seconds.", "Run cct doctor again; something hangs there.")
