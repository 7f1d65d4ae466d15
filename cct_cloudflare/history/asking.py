"""What the history is told of a run before it begins, put together from the values of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cct_cloudflare.history.record import THIS_MACHINE, Asked, Kind, UsedComponent

if TYPE_CHECKING:
    from cct_cloudflare.components.model import Component
    from cct_cloudflare.config import WorkerTarget
    from cct_cloudflare.place import Place
    from cct_cloudflare.run import RunPlan
    from cct_cloudflare.sandbox.program import Program


def asked_by_plan(plan: RunPlan, place: Place, project: Path, *, kind: Kind = "execute") -> Asked:
    """What a plan asks at a place. Reads the components' files, for their hashes."""
    target, access = place.target, place.access
    return Asked(
        kind=kind,
        project=project,
        place=place.label,
        worker_url=target.url if target else None,
        demo=place.is_demo,
        prompt=plan.prompt,
        request=plan.execute,
        components=_components(plan),
        api_url=plan.api_url.value if plan.api_url else None,
        secrets=_secrets(target, access.key if access else None),
    )


def asked_by_program(
    program: Program,
    target: WorkerTarget | None,
    project: Path,
    *,
    timeout_ms: int | None = None,
    sandbox: str | None = None,
) -> Asked:
    """What a run of one's own program asks: no model, and this machine unless there is a Worker."""
    return Asked(
        kind="run",
        project=project,
        place=target.origin if target else THIS_MACHINE,
        worker_url=target.url if target else None,
        program=program,
        timeout_ms=timeout_ms,
        sandbox=sandbox,
        secrets=_secrets(target, None),
    )


def _components(plan: RunPlan) -> tuple[UsedComponent, ...]:
    if plan.recorded is not None:
        return plan.recorded
    packages = (
        UsedComponent(
            kind=package.item.kind.value, name=package.item.name, source=package.item.source, sha256=package.digest
        )
        for package in plan.packages
    )
    return (*(used_component(component) for component in plan.merged.components), *packages)


def used_component(component: Component) -> UsedComponent:
    return UsedComponent(
        kind=component.kind.value,
        name=component.name,
        source=component.source,
        sha256=component_hash(component),
    )


def component_hash(component: Component) -> str | None:
    """What tells whether an agent or command has changed; None for one whose file has gone."""
    return component.digest or file_hash(component.path)


def file_hash(path: Path) -> str | None:
    """The SHA-256 of a file's bytes, None for one that cannot be read."""
    import hashlib

    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _secrets(target: WorkerTarget | None, key: str | None) -> tuple[str, ...]:
    token = target.token if target else None
    return tuple(secret for secret in (key, token) if secret)
