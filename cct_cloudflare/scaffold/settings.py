"""What a project chooses about its Worker."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cct_cloudflare.errors import UsageError

# Workers run with the behaviour of this date; it must not be later than the pinned workerd's own date.
COMPATIBILITY_DATE = "2026-11-01"

# A name becomes a DNS label of at most 63 characters, and environments append up to "-development".
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")


@dataclass(frozen=True)
class ScaffoldSettings:
    """`name` is the Worker's name on Cloudflare: 1 to 50 lowercase letters, digits and inner dashes.

    Raises UsageError for a name that Cloudflare would not take.
    """

    name: str = "cct-sandbox"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"{self.name[:80]!r} cannot be the name of a Worker.",
                hint="Use 1 to 50 lowercase letters, digits and dashes; a dash neither first nor last.",
            )
