"""Takes a Worker away from Cloudflare, and everything that this machine remembers of it."""

from __future__ import annotations

from pathlib import Path

from cct_cloudflare import config
from cct_cloudflare.deploy.refusals import is_not_there, refusal
from cct_cloudflare.deploy.wrangler import Wrangler
from cct_cloudflare.deployments import Deployment, forget
from cct_cloudflare.sandbox.toolchain import Progress


def destroy(project: Path, deployment: Deployment, wrangler: Wrangler, progress: Progress) -> bool:
    """Removes the Worker with its secrets and Durable Objects; False when the account had none of that name.

    What is remembered here goes only after it is certain that the Worker has gone. Raises CctError.
    """
    progress(f"Removing {deployment.name}")
    outcome = wrangler.run("delete", environment=deployment.environment)
    was_there = not (outcome.code != 0 and is_not_there(outcome))
    if was_there and outcome.code != 0:
        raise refusal(outcome, "removing the Worker")
    if deployment.url is not None:
        config.forget_worker(deployment.url)
    forget(project, deployment.environment)
    return was_there
