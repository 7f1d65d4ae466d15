"""One `cct dev`: the first Worker, the ones that follow it, and the end of all of them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cct_cloudflare.config import agreed, session_worker
from cct_cloudflare.dev.builds import builds_folder
from cct_cloudflare.dev.changes import Snapshot, looks, read_snapshot
from cct_cloudflare.dev.front import Front, Served, open_front
from cct_cloudflare.dev.ports import Listening
from cct_cloudflare.errors import CctError, ConfigError, WorkerError
from cct_cloudflare.place import Place, model_access
from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.session import AskConsent, ModelAccess
from cct_cloudflare.sandbox.toolchain import LocalRuntime, build_runtime, ensure_runtime, installed_runtime
from cct_cloudflare.scaffold.layout import target_of
from cct_cloudflare.scaffold.source import WorkerSource, packaged_worker_source

_MAX_LOG_LINE = 8 * 1024

#: Windows lacks the last one; there the command ends before any of them matters.
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))


@dataclass(frozen=True)
class DevRequest:
    project: Path
    token: str = field(repr=False)
    #: None serves what asks no model. With `demo` it does not matter.
    access: ModelAccess | None = None
    demo: bool = False
    #: Consent for a source that is not cct's own; `ask` is None when nobody can be asked.
    trust_project: bool = False
    ask: AskConsent | None = None


@dataclass(frozen=True)
class Note:
    """What is being done that takes a while."""

    text: str


@dataclass(frozen=True)
class Ready:
    """The first Worker answers. It comes once."""

    url: str
    target: Path


@dataclass(frozen=True)
class Loaded:
    """A change of the project answers from now on."""

    seconds: float


@dataclass(frozen=True)
class Failed:
    """A change could not be loaded; what answered before still does."""

    error: CctError


@dataclass(frozen=True)
class Logged:
    """One line that the Worker logged."""

    text: str


DevEvent = Note | Ready | Loaded | Failed | Logged | Served

#: Is called from several threads.
Report = Callable[[DevEvent], None]


def develop(
    request: DevRequest, listening: Listening, report: Report, is_over: Callable[[], bool] = lambda: False
) -> None:
    """Serves the Worker of a rendered project until SIGINT, SIGTERM or SIGHUP, or until `is_over`, which is asked about
    once a second.

    Meanwhile `cct --worker-url` knows the token by itself. Raises what keeps the first Worker from starting, and
    KeyboardInterrupt for a signal that comes before it is ready; after that a signal is the way to end.
    """
    target = target_of(request.project)
    with _signals_interrupt(), contextlib.ExitStack() as stack:
        front = stack.enter_context(open_front(listening.sockets, report))
        workers = stack.enter_context(_open_workers(request, front, report))
        snapshot = read_snapshot(target)
        workers.check(snapshot)
        workers.load(snapshot)
        stack.enter_context(session_worker(listening.url, request.token))
        stack.callback(_ignore_signals)
        with contextlib.suppress(KeyboardInterrupt):
            report(Ready(listening.url, target))
            _follow(target, workers, snapshot, report, is_over)


def _follow(target: Path, workers: _Workers, snapshot: Snapshot, report: Report, is_over: Callable[[], bool]) -> None:
    """Loads every change of the project, once, until it is over."""
    problem = ""
    for _ in looks(target):
        if is_over():
            return
        try:
            workers.look_after()
            latest = read_snapshot(target)
            if latest == snapshot:
                problem = ""
                continue
        except CctError as error:
            # An editor may be in the middle of replacing a file: what is still so at the next look is told.
            if problem == error.message:
                report(Failed(error))
            problem = "told" if problem in (error.message, "told") else error.message
            continue
        problem, snapshot = "", latest
        try:
            workers.check(latest)
            began = time.monotonic()
            workers.load(latest)
        except CctError as error:
            report(Failed(error))
        else:
            report(Loaded(time.monotonic() - began))


class _Consent:
    """A project's own source gets the key, so somebody must have agreed to run it.

    Whoever agreed to a changed source in this session is taken to be the one who goes on changing it.
    """

    def __init__(self, request: DevRequest) -> None:
        self._project = request.project
        self._ask = request.ask
        self._given = request.trust_project

    def check(self, source: WorkerSource) -> None:
        """Raises ConfigError (`untrusted_project`)."""
        if source == packaged_worker_source():
            return
        target, ask = target_of(self._project), self._ask
        self._given = agreed({self._project: source.hash}, given=self._given, ask=ask and (lambda: ask(target)))
        if not self._given:
            raise ConfigError(
                f"The Worker source in {target} is not what cct renders, so it was not started.",
                code="untrusted_project",
                hint="Read it, then allow it: cct dev --trust-project; or restore it: cct init --force",
            )


@dataclass(frozen=True)
class _Running:
    snapshot: Snapshot
    runtime: LocalRuntime
    socket: Path
    #: Ends it.
    stack: contextlib.ExitStack


@dataclass
class _Workers:
    """The Worker of the moment, and those before it that still have requests under way."""

    request: DevRequest
    environment: Mapping[str, str]
    builds: Path
    front: Front
    report: Report
    running: list[_Running] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._consent = _Consent(self.request)

    def check(self, snapshot: Snapshot) -> None:
        """Raises CctError for a state of the project that may not be loaded; may ask somebody for consent."""
        if not snapshot.source.files:
            raise ConfigError(
                f"There is no Worker source in {target_of(self.request.project)} any more.",
                hint="Render it again: cct init",
            )
        self._consent.check(snapshot.source)

    def load(self, snapshot: Snapshot) -> None:
        """Puts a Worker of this state of the project in the place of the last. Raises CctError, and leaves the last."""
        self._put(snapshot, self._runtime(snapshot.source))

    def look_after(self) -> None:
        """Ends the Workers that nobody waits for, and starts the last one again if it has ended by itself."""
        *earlier, latest = self.running
        for worker in earlier:
            if not self.front.busy(worker.socket):
                self._end(worker)
        if self.front.has_lost(latest.socket):
            self.report(Note("The Worker has ended by itself; starting it again"))
            self._put(latest.snapshot, latest.runtime)

    def close(self) -> None:
        for worker in self.running[::-1]:
            self._end(worker)

    def _put(self, snapshot: Snapshot, runtime: LocalRuntime) -> None:
        with contextlib.ExitStack() as stack:
            socket = stack.enter_context(self._logged_worker(runtime, snapshot.variables))
            self.running.append(_Running(snapshot, runtime, socket, stack.pop_all()))
        self.front.point(socket)

    @contextlib.contextmanager
    def _logged_worker(self, runtime: LocalRuntime, variables: Mapping[str, str]) -> Iterator[Path]:
        read_fd, write_fd = os.pipe()
        told = threading.Thread(target=_tell_log, args=(read_fd, self.report), name="log", daemon=True)
        told.start()
        try:
            with contextlib.ExitStack() as stack:
                environment = {**variables, **self.environment}
                try:
                    worker = stack.enter_context(
                        local_worker(runtime, environment=environment, token=self.request.token, log=write_fd)
                    )
                except WorkerError as error:
                    # Its log is on the screen by then.
                    raise WorkerError(error.message, hint="The Worker's log, above, says why.") from error
                finally:
                    os.close(write_fd)
                if worker.socket is None:
                    raise RuntimeError("a local Worker without a port has a socket")
                yield worker.socket
        finally:
            told.join()  # also tells why it did not start, before anybody says that it did not

    def _runtime(self, source: WorkerSource) -> LocalRuntime:
        def progress(text: str) -> None:
            self.report(Note(text))

        if not self.running:
            return ensure_runtime(progress, source)
        for worker in self.running:
            if worker.snapshot.source == source:
                return worker.runtime
        made = installed_runtime(source)
        if made is not None:
            return made
        out = Path(tempfile.mkdtemp(dir=self.builds))
        try:
            return build_runtime(progress, source, out, before=self.running[-1].runtime)
        except BaseException:
            shutil.rmtree(out, ignore_errors=True)
            raise

    def _end(self, worker: _Running) -> None:
        worker.stack.close()
        self.running.remove(worker)
        folder = worker.runtime.gateway.parent
        if folder.parent == self.builds and all(other.runtime != worker.runtime for other in self.running):
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _open_workers(request: DevRequest, front: Front, report: Report) -> Iterator[_Workers]:
    with contextlib.ExitStack() as stack:
        access = request.access
        if request.demo:
            access = stack.enter_context(model_access(Place()))
        builds = stack.enter_context(builds_folder())
        workers = _Workers(request, access.to_environment() if access else {}, builds, front, report)
        stack.callback(workers.close)
        yield workers


def _tell_log(pipe_fd: int, report: Report) -> None:
    with os.fdopen(pipe_fd, "rb") as pipe:
        while line := pipe.readline(_MAX_LOG_LINE):
            report(Logged(line.decode("utf-8", "replace").rstrip("\n")))


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Every signal that asks for an end is a KeyboardInterrupt, unless whoever started cct ignores it (nohup)."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in _ENDING_SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    """It is ending already; nothing may break that off."""
    for number in _ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
