"""Whether a deployed Worker answers as it should, asked over the network like any other client.

A new deployment reaches Cloudflare's places one after the other, and a new name under workers.dev gets its DNS entry
and certificate meanwhile. So what does not answer yet is asked again, until patience ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from cct_cloudflare.errors import WorkerError
from cct_cloudflare.sandbox.client import Health, WorkerClient
from cct_cloudflare.sandbox.events import RunResult
from cct_cloudflare.sandbox.program import Program, ProgramFile
from cct_cloudflare.sandbox.toolchain import Progress

#: What an answer of another deployment, or of a name that is not set up yet, may look like.
_NOT_YET = frozenset({"worker_unreachable", "worker_invalid", "worker_silent", "not_found"})

_GREETING = "cct was here\n"


@dataclass(frozen=True)
class Patience:
    """`seconds` in all, `pause` between two questions; `in_a_row` answers that must agree, since places differ.

    `overtaken` is for how many seconds another new deployment answers before it counts as the one that stays.
    """

    seconds: float = 180.0
    pause: float = 0.5
    in_a_row: int = 3
    overtaken: float = 15.0


STANDARD = Patience()


def answering_now(url: str) -> Health | None:
    """What answers there now; None where nothing does, or no Worker of cct's."""
    try:
        with WorkerClient(url, None) as client:
            return client.health()
    except WorkerError:
        return None


def wait_for_deployment(
    url: str, deployment: str, progress: Progress, patience: Patience = STANDARD, before: Health | None = None
) -> Health:
    """Waits until `/health` tells this deployment. Raises WorkerError (`deploy_unconfirmed`) when it does not.

    `before` is what answered before the upload. A deployment that is neither this one nor that one, and goes on to
    answer, is somebody's who has deployed meanwhile: this one will not come back.
    """
    found: list[Health] = []
    earlier = [] if before is None else [before.deployment]
    since: float | None = None

    def ask() -> str | None:
        nonlocal since
        with WorkerClient(url, None) as client:
            health = client.health()
        if health.deployment == deployment:
            since = None
            found.append(health)
            return None
        if not earlier:
            earlier.append(health.deployment)
        if health.deployment in earlier:
            since = None
            return "an earlier deployment answers"
        since = time.monotonic() if since is None else since
        if time.monotonic() - since >= patience.overtaken:
            raise WorkerError(
                f"Another deployment than this one answers at {url}: somebody has deployed this Worker meanwhile.",
                hint="If yours is to stay, run the same command again.",
                code="deploy_unconfirmed",
            )
        return "another deployment answers"

    progress(f"Waiting for {url} to answer with this deployment")
    _until(ask, url, patience)
    return found[-1]


def prove(url: str, token: str, progress: Progress, patience: Patience = STANDARD) -> RunResult:
    """One authorised run of a small program. Raises WorkerError: the Worker's own, such as `sandbox_unavailable`, or
    `deploy_unconfirmed` when the token is not accepted in time, or when the program's output is not its own."""
    results: list[RunResult] = []
    program = Program("javascript", "main.js", (ProgramFile("main.js", f"console.log({_GREETING.strip()!r})"),))

    def ask() -> str | None:
        with WorkerClient(url, token) as client:
            results.extend(event for event in client.run(program) if isinstance(event, RunResult))
        return None

    progress("Running a program in its sandbox, as proof")
    # Secrets arrive like a deployment of their own, and others may be using the Worker.
    not_yet = {"unauthorized", "not_configured", "too_many_runs"}
    _until(ask, url, Patience(patience.seconds, patience.pause, in_a_row=1), also=not_yet)
    result = results[-1]
    if not result.success or result.output != _GREETING:
        reason = result.error or "its output is not its own"
        raise WorkerError(
            f"{url} ran a small program, and it did not end as it should: {reason}",
            hint="Look at the Worker's log with cct logs, then run the same command again.",
            code="deploy_unconfirmed",
        )
    return result


def wait_for_token(
    url: str,
    token: str,
    *,
    accepted: bool,
    progress: Progress,
    patience: Patience = STANDARD,
) -> None:
    """Waits until the Worker accepts this token, or refuses it. Raises WorkerError (`deploy_unconfirmed`)."""
    progress("Waiting for the new token to be accepted" if accepted else "Waiting for the old token to be refused")
    wrong = "the new token is not accepted yet" if accepted else "the old token is still accepted"
    _until(lambda: None if accepts(url, token) is accepted else wrong, url, patience)


def accepts(url: str, token: str) -> bool:
    """Whether the Worker takes this token, found out without a run. Raises WorkerError."""
    # A program without files: whoever may ask is told that it is not valid.
    with WorkerClient(url, token) as client:
        try:
            for _ in client.run(Program("javascript", "main.js", ())):
                break
        except WorkerError as error:
            if error.code in ("unauthorized", "not_configured"):
                return False
            if error.code != "invalid_request":
                raise
    return True


def _until(ask: Callable[[], str | None], url: str, patience: Patience, also: set[str] | None = None) -> None:
    """Asks until the answer is None `in_a_row` times. An answer that is not final is a reason to ask again."""
    deadline = time.monotonic() + patience.seconds
    agreed = 0
    while True:
        try:
            reason = ask()
        except WorkerError as error:
            if error.code not in _NOT_YET | (also or set()):
                raise
            reason = error.message.rstrip(".")
        agreed = agreed + 1 if reason is None else 0
        if agreed >= patience.in_a_row:
            return
        if time.monotonic() >= deadline:
            raise WorkerError(
                f"The deployed Worker was not seen to answer as it should within {patience.seconds:.0f} seconds: "
                f"{reason or 'its answers change'}.",
                hint=f"It may only need more time: look at {url}/health, then run the same command again.",
                code="deploy_unconfirmed",
            )
        time.sleep(patience.pause)
