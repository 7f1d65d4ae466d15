"""The yes that changes to a `.claude` need, and the one of its own that risky content needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from cct_cloudflare.components.names import printable
from cct_cloudflare.errors import UnsafeError
from cct_cloudflare.install.describing import Account


class NoConsentError(UnsafeError):
    """There are risks, and nobody has said yes to them; `told` has all of them."""

    code = "unsafe_component"

    def __init__(self, message: str, told: Sequence[Account], *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.told = tuple(told)

    def to_json(self) -> dict[str, Any]:
        risks = [{"component": account.ref, **risk.to_json()} for account in self.told for risk in account.risks]
        return {**super().to_json(), "risks": risks}


def ask_consent(question: str, told: Sequence[Account], *, trust: bool, can_ask: bool, done: str) -> None:
    """Asks `question`, and again about the risks in `told`, whose lines have been shown; `done` is like `installed`.

    Raises UnsafeError (`unsafe_component`) for risks where nobody can be asked, and click.Abort when the user declines.
    """
    risky = [account for account in told if account.risks]
    if risky and not trust and not can_ask:
        names = ", ".join(printable(account.ref) for account in risky[:5]) + (" …" if len(risky) > 5 else "")
        raise NoConsentError(
            f"{names}: {risky[0].risks[0].what}; nothing was {done}.",
            risky,
            hint="--dry-run shows all that it would do; --trust takes it, and --yes does not.",
        )
    if not can_ask:
        return
    click.confirm(question, default=True, abort=True, err=True)
    if risky and not trust:
        click.confirm(
            "What is marked with ! above acts by itself, or weakens a protection. Do you trust it?",
            default=False,
            abort=True,
            err=True,
        )
