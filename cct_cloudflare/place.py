"""Where a prompt is run: a deployed Worker, or this machine with access to Claude or with the scripted model."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cct_cloudflare import config, deployments
from cct_cloudflare.errors import UsageError
from cct_cloudflare.run import RunPlan
from cct_cloudflare.sandbox.client import WorkerClient
from cct_cloudflare.sandbox.session import (
    AskConsent,
    ModelAccess,
    check_token,
    local_session,
    remote_session,
    trusted_source,
)
from cct_cloudflare.sandbox.toolchain import Progress


@dataclass(frozen=True)
class Place:
    """`target` is a deployed Worker; without one it is this machine, where `access` None is the scripted model."""

    target: config.WorkerTarget | None = None
    access: ModelAccess | None = None

    @property
    def is_demo(self) -> bool:
        return self.target is None and self.access is None

    @property
    def is_this_machine(self) -> bool:
        """Whether Claude is asked from here: a deployed Worker has a default model of its own, a script has none."""
        return self.access is not None

    @property
    def label(self) -> str:
        """For people: the Worker's origin, or "this machine"."""
        return self.target.origin if self.target else "this machine"


def chosen_worker(worker_url: str | None, project: Path | None = None, *, local: bool) -> config.WorkerTarget | None:
    """The deployed Worker that is meant, or None for this machine.

    It is the one that is named, else the one that was deployed from `project`. Raises UsageError, ConfigError.
    """
    if not local:
        named = config.worker_target(worker_url)
        own = deployments.current_url(project) if named is None and project is not None else None
        return named if own is None else config.worker_target(own)
    if worker_url is not None:
        raise UsageError("--local is this machine; --worker-url names another.", hint="Give one of them.")
    return None


def choose_place(
    plan: RunPlan, project: Path, *, worker_url: str | None, local: bool = False, key: str | None, demo: bool
) -> Place:
    """Everything that can be missing is asked for here, before anything is written. Raises UsageError, ConfigError."""
    if demo:
        _check_demo(plan, is_remote=worker_url is not None)
        return Place()
    target = chosen_worker(worker_url, project, local=local)
    if target is not None:
        check_token(target)
        return Place(target=target)
    return this_machine(plan, project, key=key, demo=False)


def this_machine(plan: RunPlan, project: Path, *, key: str | None, demo: bool) -> Place:
    """This machine, whatever Worker is configured. Raises UsageError, ConfigError."""
    if demo:
        _check_demo(plan, is_remote=False)
        return Place()
    access = ModelAccess.from_environment(config.find_anthropic_key(project, key).value)
    return Place(access=replace(access, base_url=plan.api_url.value) if plan.api_url else access)


@contextlib.contextmanager
def model_access(place: Place) -> Iterator[ModelAccess]:
    """What this machine needs to ask the place's model; the scripted one runs as long as the context is open."""
    if place.access is not None:
        yield place.access
        return
    from cct_cloudflare.scripted import ScriptedModel

    with ScriptedModel() as model:
        yield ModelAccess("scripted-model-needs-no-key", model.url)


@contextlib.contextmanager
def open_place(
    place: Place,
    project: Path,
    *,
    trust_project: bool = False,
    ask: AskConsent | None = None,
    progress: Progress = lambda _: None,
) -> Iterator[WorkerClient]:
    """The Worker of this place, ready to be asked; what was started for it ends on the way out."""
    with contextlib.ExitStack() as stack:
        if place.target is not None:
            yield stack.enter_context(remote_session(place.target))
            return
        source = trusted_source(project, trust_project=trust_project, ask=ask)
        access = stack.enter_context(model_access(place))
        yield stack.enter_context(local_session(access, source=source, progress=progress))


def _check_demo(plan: RunPlan, *, is_remote: bool) -> None:
    from cct_cloudflare import scripted

    if is_remote:
        raise UsageError("--demo runs on this machine; --worker-url names another.", hint="Give one of them.")
    if scripted.find(plan.execute.question) is None:
        known = "\n".join(["It knows:", *scripted.prompts()])
        raise UsageError("The scripted model of --demo does not know this prompt.", hint=known)
