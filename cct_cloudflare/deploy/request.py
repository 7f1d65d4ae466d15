"""What the flags of `cct deploy` say, and the command line that says the same."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.config import checked_worker_url
from cct_cloudflare.errors import ConfigError, UsageError

#: What `--url` takes to go back to the address that Cloudflare gives.
DEFAULT_URL_WORD = "default"


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

    def __post_init__(self) -> None:
        """Raises UsageError for a URL at which no Worker can be asked."""
        if self.url is None or self.url == DEFAULT_URL_WORD:
            return
        try:
            checked_worker_url(self.url)
        except ConfigError as error:
            raise UsageError(error.message.replace("The Worker's URL", "--url"), hint=error.hint) from error

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
