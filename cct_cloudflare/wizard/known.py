"""What this machine knows already. Reads, and writes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare import config, deployments
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.scaffold.layout import target_of


@dataclass(frozen=True)
class Known:
    """`key_fault` says why the key that was found cannot be used; `usual_worker` is the one of the environment."""

    key: config.Key | None = None
    key_fault: str = ""
    usual_worker: str | None = None
    workers: tuple[str, ...] = ()
    rendered: bool = False

    @property
    def is_first_time(self) -> bool:
        return not (self.key or self.workers or self.usual_worker or self.rendered)


def look(project: Path, environ: Mapping[str, str] | None = None) -> Known:
    """Raises ConfigError where the user's own files cannot be read."""
    environ = os.environ if environ is None else environ
    key, fault = None, ""
    try:
        key = config.find_anthropic_key(project, environ=environ)
    except ConfigError as error:
        if error.code != "key_missing":
            fault = error.message
    named = config.worker_target(environ=environ)
    return Known(
        key=key,
        key_fault=fault,
        usual_worker=named.url if named else deployments.current_url(project),
        workers=config.stored_workers(),
        rendered=target_of(project).is_dir(),
    )
