"""The local Worker of a session: started by the first call that needs it, kept warm, ended with the session."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare import config
from cct_cloudflare.errors import CctError, WorkerError
from cct_cloudflare.sandbox.client import WorkerClient
from cct_cloudflare.sandbox.local import LocalWorker, local_worker
from cct_cloudflare.sandbox.session import ModelAccess, trusted_source
from cct_cloudflare.sandbox.toolchain import check_platform, ensure_runtime
from cct_cloudflare.scaffold.layout import target_of
from cct_cloudflare.scaffold.source import WorkerSource

#: Seconds that a start has to come to its end before the session ends without it.
_END_PATIENCE = 2.0


@dataclass(frozen=True)
class _Running:
    worker: LocalWorker
    stack: contextlib.ExitStack


class Workers:
    """Thread-safe. Usually one Worker serves all: one that has the key, if there is one, also runs given programs.

    A second one is started only where the first has another key than a call needs, or none.
    """

    def __init__(self, project: Path) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._running: dict[ModelAccess | None, _Running] = {}

    @contextlib.contextmanager
    def client(
        self, *, access: ModelAccess | None, tell: Callable[[str], None] = lambda _: None
    ) -> Iterator[WorkerClient]:
        """A connection to it, for one call. With `access`, it is one that asks Claude.

        Raises ConfigError (`untrusted_project`, `toolchain`, …) and WorkerError.
        """
        with self._lock:
            running = self._find(access, tell)
        worker = running.worker
        try:
            with WorkerClient(worker.url, worker.token, uds=worker.socket) as client:
                yield client
        except WorkerError as error:
            if error.code == "worker_unreachable":
                self._forget(running)
            raise

    def close(self) -> None:
        """Ends what is running, and all runs with it.

        One that is still being installed or started is not waited for: it ends with this process.
        """
        if not self._lock.acquire(timeout=_END_PATIENCE):
            return
        try:
            while self._running:
                self._running.popitem()[1].stack.close()
        finally:
            self._lock.release()

    def _find(self, access: ModelAccess | None, tell: Callable[[str], None]) -> _Running:
        if access is not None:
            running = self._running.get(access)
            return running or self._start(access, self._source(), tell)
        for running in self._running.values():
            return running
        try:
            access = ModelAccess.from_environment(config.find_anthropic_key(self._project).value)
            source = self._source()
        except CctError:
            # A given program needs neither: it runs on the Worker that cct itself renders.
            access, source = None, None
        return self._start(access, source, tell)

    def _source(self) -> WorkerSource | None:
        if not target_of(self._project).exists():
            return None  # nothing was rendered, so there is nothing but what cct itself renders
        return trusted_source(self._project, trust_project=False, ask=None)

    def _start(self, access: ModelAccess | None, source: WorkerSource | None, tell: Callable[[str], None]) -> _Running:
        check_platform()
        runtime = ensure_runtime(tell, source)
        with contextlib.ExitStack() as stack:
            environment = access.to_environment() if access else {}
            worker = stack.enter_context(local_worker(runtime, environment=environment))
            running = self._running[access] = _Running(worker, stack.pop_all())
        return running

    def _forget(self, running: _Running) -> None:
        """One that is not there any more is started anew by the next call."""
        with self._lock:
            for access, known in list(self._running.items()):
                if known is running:
                    del self._running[access]
                    running.stack.close()
