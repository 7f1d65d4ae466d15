"""Changes a Worker's token with no gap: for a while it accepts two, and clients change over in between.

    1. the new token is written down, then set as CCT_TOKEN_NEXT; the Worker accepts both
    2. once it does, this user's clients use the new one
    3. it becomes CCT_TOKEN, CCT_TOKEN_NEXT goes, and the old one is refused

Each state is written down before the step that leads to it, so that a rotation that was cut short goes on with the
token that it had begun with.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cct_cloudflare import config
from cct_cloudflare.deploy import proof
from cct_cloudflare.deploy.deploying import put_secrets
from cct_cloudflare.deploy.planning import TOKEN_NAME
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.deployments import Deployment, Rotation, rotation_of, set_rotation
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.sandbox.toolchain import Progress

NEXT_NAME = "CCT_TOKEN_NEXT"


@dataclass(frozen=True)
class KnownWorker:
    url: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Rotated:
    """`finished` is False when the old token still counts, as `keep_old` asks for."""

    url: str
    store: Path
    finished: bool

    def to_json(self) -> dict[str, Any]:
        return {"url": self.url, "finished": self.finished, "tokenStore": str(self.store)}


def rotate(
    project: Path,
    deployment: Deployment,
    wrangler: Wrangler,
    progress: Progress,
    *,
    keep_old: bool = False,
    patience: proof.Patience | None = None,
) -> Rotated:
    """Rotates the token of a deployed Worker, or goes on with a rotation that has begun.

    With `keep_old` the old token goes on to count until the next rotation, which then ends this one. Raises ConfigError
    for a Worker whose token is not known here, WorkerError, and what wrangler refuses.
    """
    patience = patience or proof.STANDARD
    url = target_of(deployment).url
    environment = deployment.environment
    state = rotation_of(project, environment)
    if state is None or state.previous is None:
        old = target_of(deployment).token
        new = (state.next if state is not None else None) or secrets.token_urlsafe(32)
        set_rotation(project, environment, Rotation(next=new))
        progress("Giving the Worker a second token")
        put_secrets(wrangler, environment, {NEXT_NAME: new})
        proof.wait_for_token(url, new, accepted=True, progress=progress, patience=patience)
        store = config.store_worker(url, new)
        state = Rotation(previous=old)
        set_rotation(project, environment, state)
        if keep_old:
            return Rotated(url, store, finished=False)
    new = _stored_token(url)
    old = state.previous or new
    progress("Taking the old token away")
    put_secrets(wrangler, environment, {TOKEN_NAME: new, NEXT_NAME: None})
    if old != new:
        proof.wait_for_token(url, old, accepted=False, progress=progress, patience=patience)
    proof.wait_for_token(url, new, accepted=True, progress=progress, patience=patience)
    set_rotation(project, environment, None)
    return Rotated(url, config.store_worker(url, new), finished=True)


def target_of(deployment: Deployment) -> KnownWorker:
    """Where a deployed Worker answers, and its token. Raises ConfigError where one of them is not known here."""
    target = config.worker_target(deployment.url) if deployment.url is not None else None
    if target is None or target.token is None:
        raise ConfigError(
            f"The {'URL' if target is None else 'token'} of {deployment.name} is not known on this machine.",
            hint="cct deploy deploys it again and sets a new token; or set CCT_TOKEN to the one that it has.",
            code="deploy_missing",
        )
    return KnownWorker(target.url, target.token)


def _stored_token(url: str) -> str:
    """The one that `rotate` has stored: what CCT_TOKEN says may be the old one."""
    target = config.worker_target(url, environ={})
    if target is None or target.token is None:
        raise ConfigError(
            "The token of a rotation that had begun is gone from this machine.",
            hint="cct deploy sets a new one.",
            code="deploy_missing",
        )
    return target.token
