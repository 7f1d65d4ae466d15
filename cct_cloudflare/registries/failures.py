"""The two ways in which a source that lies elsewhere fails, as errors that say what to do next."""

from __future__ import annotations

from cct_cloudflare.errors import WorkerError


def unreachable(message: str, *, hint: str = "Check the address and your connection, and try again.") -> WorkerError:
    """It could not be asked, or did not answer; the same again may help."""
    return WorkerError(message, hint=hint, code="registry_unreachable")


def invalid(message: str, *, hint: str = "") -> WorkerError:
    """It answered with what cannot be used."""
    return WorkerError(message, hint=hint, code="registry_invalid")
