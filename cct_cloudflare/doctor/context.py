"""What is looked at, and what several looks share: asked once, by whichever comes first."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from cct_cloudflare import config
from cct_cloudflare.claude_api import Catalog, list_models
from cct_cloudflare.doctor.files import PrivateFile, private_files
from cct_cloudflare.doctor.node import Node, find_nodes
from cct_cloudflare.doctor.programs import Programs
from cct_cloudflare.errors import CctError
from cct_cloudflare.place import chosen_worker
from cct_cloudflare.sandbox.client import Health, WorkerClient
from cct_cloudflare.sandbox.session import ModelAccess

_T = TypeVar("_T")

#: Seconds for one answer over the network, from which mostly comes one in a tenth of a second.
NETWORK_SECONDS = 5.0


class Once(Generic[_T]):
    """A value that the first caller computes, in whatever thread, and all others wait for. An error is kept as well."""

    def __init__(self, compute: Callable[[], _T]) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._outcome: _T | CctError | None = None
        self._is_there = False

    def get(self) -> _T:
        with self._lock:
            if not self._is_there:
                try:
                    self._outcome = self._compute()
                except CctError as error:
                    self._outcome = error
                self._is_there = True
        if isinstance(self._outcome, CctError):
            raise self._outcome
        return self._outcome  # type: ignore[return-value]  # what `compute` gave


@dataclass(frozen=True)
class Timed(Generic[_T]):
    """An answer and this machine's clock in the middle between asking and getting it."""

    answer: _T
    here: datetime.datetime


class Context:
    """What one examination looks at.

    `project` is the folder of the project, `worker_url` what `--worker-url` says, `local` whether runs stay here
    whatever Worker is configured. `offline` asks nothing over the network; `online` also asks the package index.
    `clock` gives the time, in UTC.
    """

    def __init__(
        self,
        project: Path,
        *,
        worker_url: str | None = None,
        local: bool = False,
        offline: bool = False,
        online: bool = False,
        clock: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC),
    ) -> None:
        self.project = project
        self.offline = offline
        self.online = online
        self.clock = clock
        self.programs = Programs()
        #: As they were before anything was read: reading one of them takes other users' rights away.
        self.private_files: tuple[PrivateFile, ...] = private_files()
        self.nodes: Once[tuple[Node, ...]] = Once(lambda: find_nodes(self.programs))
        #: The deployed Worker that a run would use; None for this machine.
        self.target: Once[config.WorkerTarget | None] = Once(lambda: chosen_worker(worker_url, project, local=local))
        #: What that Worker says of itself; only to be asked for where there is one.
        self.health: Once[Timed[Health]] = Once(self._ask_health)
        self.key: Once[config.Key] = Once(lambda: config.find_anthropic_key(project))
        #: The models that the key reaches.
        self.catalog: Once[Timed[Catalog]] = Once(self._ask_catalog)

    def worker_client(self, target: config.WorkerTarget) -> WorkerClient:
        return WorkerClient(
            target.url,
            target.token,
            connect_timeout=NETWORK_SECONDS,
            open_timeout=NETWORK_SECONDS,
            silence_timeout=NETWORK_SECONDS,
        )

    def _ask_health(self) -> Timed[Health]:
        target = self.target.get()
        assert target is not None  # noqa: S101 - what the caller has looked at
        with self.worker_client(target) as client:
            return self._timed(client.health)

    def _ask_catalog(self) -> Timed[Catalog]:
        access = ModelAccess.from_environment(self.key.get().value)
        return self._timed(lambda: list_models(access.key, access.base_url, timeout=NETWORK_SECONDS))

    def _timed(self, ask: Callable[[], _T]) -> Timed[_T]:
        before = self.clock()
        answer = ask()
        return Timed(answer, before + (self.clock() - before) / 2)
