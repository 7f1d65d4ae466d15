"""The model that a component asks for."""

from __future__ import annotations

import re

from cct_cloudflare import pricing

_NO_MODEL = frozenset({"", "inherit", "default"})
# A full name has one of these marks in it; a mistyped alias has not.
_FULL_NAME = re.compile(r"(?=[^-.:/]+[-.:/])[A-Za-z0-9@][\w.:/@-]{1,127}")


class UnknownModelError(Exception):
    """What a component names is no model."""


def model_of(wanted: str | None) -> str | None:
    """The full name of what `wanted` (an alias or a full name) means; None where it leaves the choice to others.

    Raises UnknownModelError.
    """
    # Claude Code's suffix for a long context window, `sonnet[1m]`, chooses no other model.
    name = (wanted or "").strip().removesuffix("[1m]")
    if name.casefold() in _NO_MODEL:
        return None
    model = pricing.resolve_model(name)
    if model == name and not _FULL_NAME.fullmatch(name):
        raise UnknownModelError
    return model
