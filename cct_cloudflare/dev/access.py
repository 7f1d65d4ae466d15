"""What the Worker of `cct dev` is given: its token, and the key where there is one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cct_cloudflare.config import TOKEN_VARIABLE, checked_token, find_anthropic_key
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.sandbox.session import ModelAccess


@dataclass(frozen=True)
class Token:
    """`from_environment`: it is the user's own, perhaps also that of a deployed Worker, so it is not shown."""

    value: str = field(repr=False)
    from_environment: bool


def find_token(environ: Mapping[str, str] | None = None) -> Token:
    """`CCT_TOKEN` of the environment, which `cct --worker-url` would send; else a new one. Raises ConfigError."""
    environ = os.environ if environ is None else environ
    if value := environ.get(TOKEN_VARIABLE):
        return Token(checked_token(value, TOKEN_VARIABLE), from_environment=True)
    return Token(secrets.token_urlsafe(32), from_environment=False)


def find_access(project: Path) -> ModelAccess | None:
    """Access to Claude; None where no key is to be found. Raises ConfigError for one that cannot be used."""
    try:
        return ModelAccess.from_environment(find_anthropic_key(project).value)
    except ConfigError as error:
        if error.code == "key_missing":
            return None
        raise
