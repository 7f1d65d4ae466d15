"""What a deploy would do, decided and shown before anything is done. Asks Cloudflare, and changes nothing."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cct_cloudflare import config
from cct_cloudflare.deploy.login import Account
from cct_cloudflare.deploy.project import CONTAINER_KIND, Binding, WorkerConfig
from cct_cloudflare.deploy.refusals import is_not_there, refusal
from cct_cloudflare.deploy.request import DEFAULT_URL_WORD
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.deployments import (
    Deployment,
    Rotation,
    deployment_of,
    is_same,
    known_deployments,
    rotation_of,
)
from cct_cloudflare.errors import ConfigError

#: What a Worker costs, in a phrase; the figures are Cloudflare's and change.
COST_CLASS = "Workers Paid plan (Dynamic Workers need it); Claude's tokens are paid with your Anthropic key"

KEY_NAME = config.KEY_VARIABLE
TOKEN_NAME = config.TOKEN_VARIABLE

SecretAction = Literal["set", "keep", "leave"]


@dataclass(frozen=True)
class SecretPlan:
    """`set` sends `value`; `keep` sends the one that is known, again; `leave` sends nothing, known or not.

    `why` is for people.
    """

    name: str
    action: SecretAction
    why: str
    value: str | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "action": self.action, "why": self.why}


@dataclass(frozen=True)
class Existing:
    """What the account has under the Worker's name: nothing (`is_there` False), or a Worker with these secrets."""

    is_there: bool
    secrets: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DeployPlan:
    """`account` and `existing` are None in a dry run, which needs no login. `environment` is "" for the default one.

    `is_foreign` says that the account has a Worker of this name that cct has not deployed, as far as can be seen.
    `url` is where it answered last, or, with `own_url`, where the user says that it answers. `leaves` is the Worker
    that was the project's own until now and stays on Cloudflare under its other name, or in its other account.
    """

    project: Path
    name: str
    environment: str
    account: Account | None
    existing: Existing | None
    is_foreign: bool
    bindings: tuple[Binding, ...]
    secrets: tuple[SecretPlan, ...]
    edited: tuple[str, ...]
    url: str | None
    own_url: bool
    leaves: Deployment | None = None

    @property
    def cost(self) -> str:
        """What the Worker costs, as a phrase for people."""
        has_containers = any(binding.kind == CONTAINER_KIND for binding in self.bindings)
        return f"{COST_CLASS}; containers are billed while they run" if has_containers else COST_CLASS

    def to_json(self) -> dict[str, Any]:
        return {
            "worker": self.name,
            "environment": self.environment or None,
            "account": {"id": self.account.id, "name": self.account.name} if self.account else None,
            "exists": self.existing.is_there if self.existing else None,
            "url": self.url,
            "bindings": [{"name": binding.name, "kind": binding.kind} for binding in self.bindings],
            "secrets": [secret.to_json() for secret in self.secrets],
            "editedFiles": list(self.edited),
            "leaves": self.leaves.name if self.leaves else None,
            "cost": self.cost,
        }


def look(wrangler: Wrangler, name: str, environment: str) -> Existing:
    """What the account has under this name, whatever wrangler.toml says. Raises CctError."""
    # With an environment wrangler takes the name without it, and adds it.
    base = name.removesuffix(f"-{environment}") if environment else name
    wanted = environment if base != name else ""
    outcome = wrangler.run("secret", "list", "--format=json", f"--name={base}", environment=wanted)
    if outcome.code != 0:
        if is_not_there(outcome):
            return Existing(is_there=False)
        raise refusal(outcome, "looking for an earlier Worker of this name")
    try:
        listed = json.loads(outcome.stdout)
    except ValueError:
        raise refusal(outcome, "reading the names of the Worker's secrets") from None
    names = (secret.get("name") for secret in listed if isinstance(secret, dict))
    return Existing(is_there=True, secrets=frozenset(name for name in names if isinstance(name, str)))


def make_plan(
    project: Path,
    worker: WorkerConfig,
    environment: str,
    *,
    account: Account | None = None,
    existing: Existing | None = None,
    edited: tuple[str, ...] = (),
    url: str | None = None,
    with_key: bool = True,
    key: str | None = None,
) -> DeployPlan:
    """`key` was typed by the user, and counts before all others. `url` is where the Worker will answer, when it is not
    the address that Cloudflare gives it; it is remembered, and DEFAULT_URL_WORD forgets it.

    Raises UsageError for an environment that is not there, and ConfigError: `key_missing` when a key is wanted and
    neither found here nor on the Worker.
    """
    worker.check_environment(environment)
    name = worker.worker_name(environment)
    this = Deployment(environment, name, account.id if account else None)
    own = deployment_of(project, environment)
    leaves = own if own is not None and not is_same(own, this) else None
    known = (known for known in known_deployments(project) if known.environment == environment)
    before = next((deployment for deployment in known if is_same(deployment, this)), None)
    deployment = _where(before, name, environment, url)
    return DeployPlan(
        project=project,
        name=name,
        environment=environment,
        account=account,
        existing=existing,
        is_foreign=_is_foreign(existing, before),
        bindings=worker.bindings(environment),
        secrets=(
            _plan_key(project, existing, key, with_key=with_key),
            _plan_token(
                (deployment.url, before.url if before else None),
                existing,
                rotation_of(project, environment) if before is not None and leaves is None else None,
            ),
        ),
        edited=edited,
        url=deployment.url,
        own_url=deployment.own_url,
        leaves=leaves,
    )


def check_name(plan: DeployPlan, *, replace: bool) -> None:
    """Raises ConfigError (`deploy_name_taken`) when deploying would replace somebody else's Worker."""
    if plan.is_foreign and not replace:
        raise ConfigError(
            f"The account has a Worker {plan.name!r} already, and it has no {TOKEN_NAME}: cct has not deployed it.",
            hint="Choose another name with --name, or replace that Worker with --replace.",
            code="deploy_name_taken",
        )


def _is_foreign(existing: Existing | None, before: Deployment | None) -> bool:
    # One without a token that this user did begin to deploy is what an interrupted deploy leaves.
    return existing is not None and existing.is_there and TOKEN_NAME not in existing.secrets and before is None


def _plan_key(project: Path, existing: Existing | None, typed: str | None, *, with_key: bool) -> SecretPlan:
    has_key = existing is not None and KEY_NAME in existing.secrets
    if not with_key:
        return SecretPlan(
            KEY_NAME, "leave", "the Worker has one" if has_key else "as asked: only /run works without one"
        )
    try:
        key = config.find_anthropic_key(project, typed)
    except ConfigError as error:
        if error.code != "key_missing":
            raise
        if has_key:
            return SecretPlan(KEY_NAME, "leave", "none is known here; the Worker keeps its own")
        if existing is None:
            return SecretPlan(KEY_NAME, "leave", "none is known here: a deploy would ask for it")
        raise ConfigError(
            "No Anthropic API key was found, and the Worker has none.",
            hint=f"Set {KEY_NAME} and run the same command again; or deploy without one: --no-key",
            code="key_missing",
        ) from error
    why = "the one that you typed" if key.source == "flag" else f"from {config.KEY_SOURCES[key.source]}"
    return SecretPlan(KEY_NAME, "set", why, key.value)


def _where(before: Deployment | None, name: str, environment: str, url: str | None) -> Deployment:
    """Where the Worker answers, as far as it is known before it is deployed."""
    if url is not None and url != DEFAULT_URL_WORD:
        return Deployment(environment, name, url=config.checked_worker_url(url), own_url=True)
    if before is None or (url == DEFAULT_URL_WORD and before.own_url):
        return Deployment(environment, name)
    return before


def _plan_token(addresses: tuple[str | None, ...], existing: Existing | None, rotation: Rotation | None) -> SecretPlan:
    given = os.environ.get(TOKEN_NAME)
    if given:
        token = config.checked_token(given, TOKEN_NAME)
        return SecretPlan(TOKEN_NAME, "set", f"from {TOKEN_NAME} in the environment", token)
    for address in addresses:
        known = config.worker_target(address) if address is not None else None
        if known is None or known.token is None:
            continue
        # The Worker has the known one beside the old one, which must go on to count.
        is_rotated = rotation is not None and rotation.previous is not None
        if is_rotated and (existing is None or TOKEN_NAME in existing.secrets):
            why = "left as it is, with the old one beside it, until cct secret rotate ends that"
            return SecretPlan(TOKEN_NAME, "leave", why, known.token)
        return SecretPlan(TOKEN_NAME, "keep", "the one that you have already", known.token)
    if existing is not None and TOKEN_NAME in existing.secrets:
        return SecretPlan(
            TOKEN_NAME,
            "set",
            "a new one: the Worker's own is not known here, and whoever uses it will need the new one",
        )
    return SecretPlan(TOKEN_NAME, "set", "a new one, made for this Worker")
