"""Every look that there is, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cct_cloudflare.doctor import claude, files, machine, project, runtime, versions, worker
from cct_cloudflare.doctor.check import Finding
from cct_cloudflare.doctor.context import NETWORK_SECONDS, Context


@dataclass(frozen=True)
class Probe:
    """`look` may raise CctError, which is a failure, and TimeoutError. After `seconds` nobody waits for it any more."""

    name: str
    look: Callable[[Context], Finding]
    seconds: float = 10.0


#: Name resolution has no limit of its own; one question may follow another.
_NETWORK = 2 * NETWORK_SECONDS + 1

GROUPS: tuple[tuple[str, tuple[Probe, ...]], ...] = (
    (
        "This machine",
        (
            Probe("python", machine.look_at_cct),
            Probe("newest", versions.look_at_newest, versions.VERSION_SECONDS + 1),
            Probe("path", machine.look_at_command),
            Probe("platform", machine.look_at_platform),
            Probe("node", machine.look_at_node, 12.0),
            Probe("npm", machine.look_at_npm, 18.0),
            Probe("docker", machine.look_at_docker),
            Probe("proxy", machine.look_at_proxy),
            Probe("space", machine.look_at_space),
            Probe("clock", worker.look_at_clock, _NETWORK),
        ),
    ),
    (
        "Claude",
        (
            Probe("endpoint", claude.look_at_endpoint),
            Probe("key", claude.look_at_key),
            Probe("key-valid", claude.look_at_key_validity, _NETWORK),
            Probe("model", claude.look_at_models, _NETWORK),
        ),
    ),
    (
        "Runs on this machine",
        (
            Probe("workerd", runtime.look_at_local_worker, 20.0),
            Probe("leftovers", runtime.look_at_leftovers),
        ),
    ),
    (
        "Worker project",
        (
            Probe("project", project.look_at_project),
            Probe("source", project.look_at_source),
            Probe("wrangler", project.look_at_wrangler),
            Probe("login", project.look_at_login, project.LOGIN_SECONDS + 12),
        ),
    ),
    (
        "Deployed Worker",
        (
            Probe("worker", worker.look_at_worker, _NETWORK),
            Probe("worker-version", worker.look_at_worker_version, _NETWORK),
            Probe("token", worker.look_at_token, _NETWORK + NETWORK_SECONDS),
        ),
    ),
    (
        "Your files",
        (
            Probe("private-files", files.look_at_private_files),
            Probe("history", files.look_at_history),
        ),
    ),
)
