"""The steps of a deploy, in an order in which an interruption loses nothing.

Every step can be done again, so that resuming is the same command: what is known is written down before it is used
(the Worker before it is uploaded, its token before it is sent), and a Worker without its secrets serves nobody.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cct_cloudflare import config
from cct_cloudflare.deploy import proof
from cct_cloudflare.deploy.planning import TOKEN_NAME, DeployPlan
from cct_cloudflare.deploy.refusals import refusal
from cct_cloudflare.deploy.request import DeployRequest
from cct_cloudflare.deploy.wrangler import Outcome, Wrangler
from cct_cloudflare.deployments import Deployment, make_current, remember
from cct_cloudflare.errors import CctError, ConfigError, WorkerError
from cct_cloudflare.sandbox.toolchain import Progress


@dataclass(frozen=True)
class Deployed:
    """`version` is Cloudflare's ID of the uploaded version, `deployment` what `/health` tells. Both are shown."""

    name: str
    environment: str
    url: str
    deployment: str
    version: str | None
    worker_version: str
    store: Path
    new_token: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "worker": self.name,
            "environment": self.environment or None,
            "url": self.url,
            "deployment": self.deployment,
            "versionId": self.version,
            "version": self.worker_version,
            "newToken": self.new_token,
            "tokenStore": str(self.store),
        }


def deploy(
    plan: DeployPlan,
    request: DeployRequest,
    wrangler: Wrangler,
    progress: Progress,
    patience: proof.Patience | None = None,
) -> Deployed:
    """Carries out the plan. Raises CctError, which says what was done and what was not; for Ctrl-C its code is
    `interrupted`."""
    patience = patience or proof.STANDARD
    deployment = secrets.token_hex(8)
    account = plan.account.id if plan.account else None
    known = Deployment(plan.environment, plan.name, account, plan.url, plan.own_url)
    with _Ledger(request.command()) as ledger:
        remember(plan.project, known)
        with ledger.step("upload the Worker", "uploaded the Worker"):
            progress(f"Building and uploading {plan.name}")
            before = proof.answering_now(plan.url) if plan.url is not None else None
            uploaded = _upload(plan, wrangler, deployment)
        url = plan.url if plan.own_url else _address(uploaded) or plan.url
        if url is None:
            raise ConfigError(
                "Cloudflare named no address of the Worker: workers.dev is switched off, and its route is a pattern.",
                hint="Say where it answers with --url https://…",
                code="deploy_missing",
            )
        token, is_new = _token(plan, url)
        store = config.store_worker(url, token)
        remember(plan.project, replace(known, url=url))
        with ledger.step("set its secrets", "set its secrets"):
            progress("Setting its secrets")
            _set_secrets(plan, token, wrangler)
        with ledger.step("see it answer", "saw it answer"):
            health = proof.wait_for_deployment(url, deployment, progress, patience, before)
        with ledger.step("run a program in it", "ran a program in it"):
            proof.prove(url, token, progress, patience)
        make_current(plan.project, plan.environment)
    return Deployed(
        name=plan.name,
        environment=plan.environment,
        url=url,
        deployment=deployment,
        version=_text(uploaded, "version_id"),
        worker_version=health.version,
        store=store,
        new_token=is_new,
    )


def _upload(plan: DeployPlan, wrangler: Wrangler, deployment: str) -> Outcome:
    outcome = wrangler.run("deploy", "--var", f"CCT_DEPLOYMENT:{deployment}", environment=plan.environment)
    if outcome.code != 0:
        raise refusal(outcome, "uploading the Worker")
    if _text(outcome, "version_id") is None:
        raise WorkerError(
            "wrangler ended without deploying anything.",
            hint="Its own words may say why: npx wrangler deploy, in .claude/sandbox/cloudflare.",
            code="deploy_failed",
        )
    return outcome


def _address(outcome: Outcome) -> str | None:
    """The Worker's URL: its workers.dev name, else its first custom domain. A route is a pattern and no address."""
    entry = outcome.entry("deploy") or {}
    targets = [target for target in entry.get("targets") or [] if isinstance(target, str)]
    hosts = [target.removesuffix(" (custom domain)") for target in targets]
    wanted = [host for host in hosts if host.endswith(".workers.dev")]
    wanted += [host for host, target in zip(hosts, targets, strict=True) if host != target]
    return config.checked_worker_url(f"https://{wanted[0].removeprefix('https://')}") if wanted else None


def _token(plan: DeployPlan, url: str) -> tuple[str, bool]:
    """The token to set, and whether it was made just now."""
    planned = next(secret for secret in plan.secrets if secret.name == TOKEN_NAME)
    if planned.value is not None:
        return planned.value, False
    # Cloudflare's answer may name an address that an interrupted deploy has stored a token for.
    known = config.worker_target(url)
    if known is not None and known.token is not None:
        return known.token, False
    return secrets.token_urlsafe(32), True


def _set_secrets(plan: DeployPlan, token: str, wrangler: Wrangler) -> None:
    sent = [secret for secret in plan.secrets if secret.action != "leave"]
    values = {secret.name: token if secret.name == TOKEN_NAME else secret.value for secret in sent}
    if values:
        put_secrets(wrangler, plan.environment, values)


def put_secrets(wrangler: Wrangler, environment: str, values: dict[str, str | None]) -> None:
    """Sets secrets, and removes those that are None, at once. They travel on stdin alone. Raises CctError."""
    outcome = wrangler.run("secret", "bulk", environment=environment, stdin=json.dumps(values))
    if outcome.code != 0:
        raise refusal(outcome, "setting the Worker's secrets")


def _text(outcome: Outcome, name: str) -> str | None:
    value = (outcome.entry("deploy") or {}).get(name)
    return value if isinstance(value, str) and value else None


class _Ledger:
    """What was done and what was not, told by whatever ends the deploy early."""

    def __init__(self, command: str) -> None:
        self._command = command
        self._done: list[str] = []
        self._left = ["upload the Worker", "set its secrets", "see it answer", "run a program in it"]

    def __enter__(self) -> _Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, CctError):
            hint = f"{error.hint} Resume with: {self._command}" if error.hint else f"Resume with: {self._command}"
            # What wrangler or the network said need not be a sentence.
            message = error.message if error.message.endswith((".", "!", "?")) else f"{error.message}."
            raise type(error)(
                f"{message} {self._account()}", hint=hint, code=error.code, retryable=error.retryable
            ) from error
        if isinstance(error, KeyboardInterrupt):
            raise CctError(
                f"Interrupted. {self._account()}", hint=f"Resume with: {self._command}", code="interrupted"
            ) from error

    @contextlib.contextmanager
    def step(self, todo: str, done: str) -> Iterator[None]:
        yield
        self._left.remove(todo)
        self._done.append(done)

    def _account(self) -> str:
        done = ", ".join(self._done) or "nothing for certain"
        return f"Done: {done}. Not done: {', '.join(self._left) or 'nothing'}."
