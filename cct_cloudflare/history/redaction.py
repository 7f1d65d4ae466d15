"""Secrets that this process knows are taken out of what is kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

#: Whatever stands in these is a secret, whether or not this run uses it.
_VARIABLES = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CCT_TOKEN", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY")

#: Anything shorter may be a word that a prompt has by chance.
_LEAST = 8

PLACEHOLDER = "[redacted]"


class Redactor:
    """Replaces every known secret in a text; `found` tells whether there was one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one secret may be the beginning of another.
        self._secrets = sorted({secret for secret in secrets if len(secret) >= _LEAST}, key=len, reverse=True)
        self.found = False

    @classmethod
    def of(cls, secrets: Iterable[str], environ: Mapping[str, str] | None = None) -> Redactor:
        """Knows `secrets` and those of the environment."""
        environ = os.environ if environ is None else environ
        return cls([*secrets, *(environ.get(name, "") for name in _VARIABLES)])

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                self.found = True
                text = text.replace(secret, PLACEHOLDER)
        return text

    def hides(self, data: bytes) -> bool:
        """Whether binary data has a secret in it: there is no replacing one there."""
        if any(secret.encode("utf-8", "surrogatepass") in data for secret in self._secrets):
            self.found = True
            return True
        return False
