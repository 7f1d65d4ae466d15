"""Takes a Worker away from Cloudflare, and everything that this machine remembers of it."""

from __future__ import annotations

from pathlib import Path

from cct_cloudflare import config
from cct_cloudflare.deploy.planning import TOKEN_NAME, look
from cct_cloudflare.deploy.refusals import is_not_there, refusal
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.deployments import Deployment, forget, is_same, known_deployments
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.sandbox.toolchain import Progress


def destroy(project: Path, deployment: Deployment, wrangler: Wrangler, progress: Progress) -> bool:
    """Removes the Worker with its secrets and Durable Objects; False when the account had none of that name.

    What is remembered here goes only after it is certain that the Worker has gone. Raises CctError, ConfigError
    (`deploy_name_taken`) among it for a Worker that is neither remembered here nor protected by cct's token.
    """
    is_remembered = _is_remembered(project, deployment)
    if not is_remembered:
        progress(f"Looking for {deployment.name}")
        existing = look(wrangler, deployment.name, deployment.environment)
        if not existing.is_there:
            return False
        if TOKEN_NAME not in existing.secrets:
            raise ConfigError(
                f"The account's Worker {deployment.name!r} has no {TOKEN_NAME}: cct has not deployed it, so it was not "
                "removed.",
                hint=f"If it is to go: npx wrangler delete --name {deployment.name}, in {wrangler.folder}.",
                code="deploy_name_taken",
            )
    progress(f"Removing {deployment.name}")
    outcome = wrangler.run("delete", f"--name={deployment.name}", environment=deployment.environment)
    was_there = not (outcome.code != 0 and is_not_there(outcome))
    if was_there and outcome.code != 0:
        raise refusal(outcome, "removing the Worker")
    if not is_remembered:
        return was_there
    forget(project, deployment)
    # An address of the user's own may lead to the next Worker by now.
    if deployment.url is not None and all(other.url != deployment.url for other in known_deployments(project)):
        config.forget_worker(deployment.url)
    return was_there


def _is_remembered(project: Path, deployment: Deployment) -> bool:
    """Whether this is the Worker that was deployed from the project, and not one that only has the name it has now."""
    return any(
        known.environment == deployment.environment and is_same(known, deployment)
        for known in known_deployments(project)
    )
