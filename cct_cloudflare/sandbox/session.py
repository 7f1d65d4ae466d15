"""Where a run happens: the local Worker, started for it, or a deployed one. Both are used through a `WorkerClient`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cct_cloudflare.config import WorkerTarget, agreed
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.sandbox.client import WorkerClient
from cct_cloudflare.sandbox.toolchain import Progress, check_platform, ensure_runtime
from cct_cloudflare.scaffold.layout import target_of
from cct_cloudflare.scaffold.source import WorkerSource, is_pristine, read_worker_source

#: Asks the user whether a project's own Worker source may run with the key; None means that nobody can be asked.
AskConsent = Callable[[Path], bool]


@dataclass(frozen=True)
class ModelAccess:
    """What the local Worker needs to reach Claude."""

    key: str = field(repr=False)
    #: None is Anthropic's own API.
    base_url: str | None = None

    @classmethod
    def from_environment(cls, key: str, environ: Mapping[str, str] | None = None) -> ModelAccess:
        """`ANTHROPIC_BASE_URL` counts when the user's environment has it, never from a project's files."""
        environ = os.environ if environ is None else environ
        return cls(key, environ.get("ANTHROPIC_BASE_URL") or None)

    def to_environment(self) -> dict[str, str]:
        base = {} if self.base_url is None else {"ANTHROPIC_BASE_URL": self.base_url}
        return {"ANTHROPIC_API_KEY": self.key, **base}


def trusted_source(project: Path, *, trust_project: bool, ask: AskConsent | None) -> WorkerSource | None:
    """The Worker source to run for a project: None for what cct itself renders, the project's own after consent.

    Consent is remembered outside the project, for this path and these bytes. Raises ConfigError
    (`untrusted_project`) when it was not given.
    """
    if is_pristine(project):
        return None
    target = target_of(project)
    source = read_worker_source(target)
    if not agreed({project: source.hash}, given=trust_project, ask=ask and (lambda: ask(target))):
        raise ConfigError(
            f"The Worker source in {target} is not what cct renders, so it did not get your key.",
            code="untrusted_project",
            hint="Read it, then allow it with --trust-project; or restore it with: cct init --force",
        )
    return source


@contextmanager
def local_session(
    access: ModelAccess | None,
    *,
    source: WorkerSource | None = None,
    language: str | None = None,
    progress: Progress = lambda _: None,
) -> Iterator[WorkerClient]:
    """Starts the local Worker, installing what it needs the first time, and ends it on the way out.

    `access` is None for runs that ask no model. With a `language`, a sandbox for it starts at once, beside the Worker.
    """
    from cct_cloudflare.sandbox.local import local_worker

    check_platform()
    runtime = ensure_runtime(progress, source)
    kind = {"python": "python", "javascript": "javascript", "typescript": "javascript"}.get(language or "")
    with (
        local_worker(
            runtime,
            environment=access.to_environment() if access else {},
            first={kind: 1} if kind else {},
        ) as worker,
        WorkerClient(worker.url, worker.token, uds=worker.socket) as client,
    ):
        yield client


def check_token(target: WorkerTarget) -> str:
    """The token of a deployed Worker. Raises ConfigError when none is known."""
    if target.token is None:
        raise ConfigError(
            f"No token is known for {target.origin}.",
            code="unauthorized",
            hint="Set CCT_TOKEN to the token that this Worker was deployed with.",
        )
    return target.token


@contextmanager
def remote_session(target: WorkerTarget) -> Iterator[WorkerClient]:
    """A deployed Worker. Raises ConfigError without a token for it."""
    with WorkerClient(target.url, check_token(target)) as client:
        yield client
