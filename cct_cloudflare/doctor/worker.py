"""The deployed Worker that runs go to: reachable, up to date, open to this token; and the clock."""

from __future__ import annotations

import datetime

from cct_cloudflare.doctor.check import Finding, fail, ok, skip, warn
from cct_cloudflare.doctor.context import Context
from cct_cloudflare.doctor.versions import version_numbers
from cct_cloudflare.errors import CctError
from cct_cloudflare.plain import plain_line
from cct_cloudflare.resources import worker_json
from cct_cloudflare.sandbox.program import Program

#: Seconds by which clocks may differ; beyond, certificates and logins begin to fail.
MAX_SKEW = 60.0

_NONE = "No deployed Worker is chosen."
_OFFLINE = "Not asked: --offline."
_SILENT = "The Worker cannot be reached."

#: Refused at once for what it is, by a Worker that takes the token; nothing runs and nothing is paid.
_NO_PROGRAM = Program("python", "main.py", ())
_REFUSALS = ("invalid_request", "unsafe_path")


def look_at_worker(context: Context) -> Finding:
    """Raises WorkerError for a Worker that does not answer as one, and what is wrong with its URL."""
    target = context.target.get()
    if target is None:
        return skip("None is chosen (--worker-url, CLOUDFLARE_WORKER_URL): runs happen on this machine.")
    if context.offline:
        return skip(_OFFLINE)
    health = context.health.get().answer
    if health.status != "ok":
        return warn(
            f"{target.origin} says that it is {plain_line(health.status)!r}.", "cct logs shows what happens there."
        )
    return ok(f"{target.origin} answers.")


def look_at_worker_version(context: Context) -> Finding:
    if context.target.get() is None:
        return skip(_NONE)
    if context.offline:
        return skip(_OFFLINE)
    try:
        there = context.health.get().answer.version
    except CctError:
        return skip(_SILENT)
    ours = packaged_version()
    if there == ours:
        return ok(f"The Worker has version {ours}, as this cct renders it.")
    if version_numbers(there) > version_numbers(ours):
        return warn(
            f"The Worker has version {plain_line(there)}, and this cct knows {ours}.",
            "Upgrade cct: pip install --upgrade cct-cloudflare",
        )
    return warn(f"The Worker has version {plain_line(there)}; this cct renders {ours}.", "cct deploy")


def look_at_token(context: Context) -> Finding:
    """Whether the Worker takes the token: sends it something that only a Worker which does would call wrong."""
    target = context.target.get()
    if target is None:
        return skip(_NONE)
    if target.token is None:
        return fail(
            f"No token is known for {target.origin}.", "Set CCT_TOKEN to the token that this Worker was deployed with."
        )
    if context.offline:
        return skip(f"A token is known for {target.origin}; not tried: --offline.")
    try:
        context.health.get()
    except CctError:
        return skip(_SILENT)
    try:
        with context.worker_client(target) as client:
            next(client.run(_NO_PROGRAM), None)
    except CctError as error:
        if error.code in ("unauthorized", "not_configured"):
            return fail(error.message, error.hint)
        if error.code not in _REFUSALS:
            return warn(f"Whether the Worker takes the token is not clear: {error.message}", error.hint)
    return ok("The Worker takes the token.")


def look_at_clock(context: Context) -> Finding:
    """This machine's clock against that of the Worker, or else of Claude's API."""
    if context.offline:
        return skip(_OFFLINE)
    found = _other_clock(context)
    if found is None:
        return skip("No other clock could be asked.")
    whose, there, here = found
    seconds = (here - there).total_seconds()
    if abs(seconds) <= MAX_SKEW:
        return ok(f"This machine's clock agrees with that of {whose}.")
    return warn(
        f"This machine's clock is {_duration(abs(seconds))} {'ahead of' if seconds > 0 else 'behind'} that of {whose}.",
        "Let the system set it (Linux: timedatectl set-ntp true); certificates and logins depend on it.",
    )


def packaged_version() -> str:
    """The version of the Worker that this cct renders."""
    return str(worker_json("package.json")["version"])


def _other_clock(context: Context) -> tuple[str, datetime.datetime, datetime.datetime] | None:
    """Whose it is, what it showed, and what this machine's showed at that moment."""
    try:
        if context.target.get() is not None:
            health = context.health.get()
            there = _time(health.answer.timestamp)
            return None if there is None else ("the Worker", there, health.here)
        context.key.get()
        catalog = context.catalog.get()
    except CctError:
        return None
    there = catalog.answer.server_time
    return None if there is None else ("Claude's API", there, catalog.here)


def _time(text: str | None) -> datetime.datetime | None:
    try:
        time = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}s"
    return f"{seconds:.0f} seconds"
