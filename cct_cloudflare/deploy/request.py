"""What the flags of `cct deploy` say, and the command line that says the same."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class DeployRequest:
    """What the flags say. `environment` is "" for the default one; `name`, `account` and `url` None are left open."""

    project: Path
    environment: str = ""
    name: str | None = None
    account: str | None = None
    url: str | None = None
    with_key: bool = True
    replace: bool = False
    trust_project: bool = False
    #: As it was typed; None for the current folder.
    directory: Path | None = None

    def command(self) -> str:
        """The command line that means the same, to be shown."""
        words = ["cct", "deploy"]
        words += ["--directory", str(self.directory)] if self.directory else []
        for flag, value in (
            ("--name", self.name),
            ("--env", self.environment),
            ("--account", self.account),
            ("--url", self.url),
        ):
            words += [flag, value] if value else []
        words += [] if self.with_key else ["--no-key"]
        words += ["--replace"] if self.replace else []
        words += ["--trust-project"] if self.trust_project else []
        return shlex.join(words)
