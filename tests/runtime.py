"""The real thing, for tests: `cct` as a process of its own, and the local Worker with its sandboxes.

The toolchain, the bundles and the Python snapshot are made once, in `.work/test-cache`, for all tests and workers.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from cct_cloudflare.sandbox.client import WorkerClient
from cct_cloudflare.sandbox.events import Event, Output, RunResult
from cct_cloudflare.sandbox.local import LocalWorker, local_worker
from cct_cloudflare.sandbox.program import Program, ProgramFile
from cct_cloudflare.sandbox.toolchain import LocalRuntime, ensure_runtime
from cct_cloudflare.scripted import Reply, ReplyFile, ScriptedModel
from tests import canary
from tests.canary import KEY as KEY
from tests.canary import TOKEN as TOKEN

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".work" / "test-cache"

#: What npm has downloaded for it, so that a test can install again without the network.
NPM_CACHE = CACHE / "npm"

#: npm's settings of whoever runs the tests: the same registry, or the downloads would not be found again.
NPM_SETTINGS = Path.home() / ".npmrc"

#: The prompt of replies that `reply` makes.
PROMPT = "Write the program of this test."

#: Only against a test that would never end; nothing is asserted about time.
PATIENCE = 180.0

#: Between two looks at the processes of a run, in seconds.
_LOOK_INTERVAL = 0.02


@pytest.fixture(scope="session")
def runtime() -> LocalRuntime:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(CACHE))
        patch.setenv("npm_config_cache", str(NPM_CACHE))
        CACHE.mkdir(parents=True, exist_ok=True)
        return ensure_runtime(lambda _: None)


@dataclass(frozen=True)
class Finished:
    """How a `cct` ended; `raw` and `raw_err` are what it wrote, byte for byte."""

    code: int
    raw: bytes
    raw_err: bytes

    def __post_init__(self) -> None:
        canary.check("what cct wrote", self.raw, self.raw_err)

    @property
    def stdout(self) -> str:
        return self.raw.decode()

    @property
    def stderr(self) -> str:
        return self.raw_err.decode()

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object of `--json`; anything else on stdout is an error."""
        value = json.loads(self.raw)
        assert isinstance(value, dict)
        return value


@dataclass
class Cct:
    """Starts `cct` in `project` with an environment of its own, and sees that nothing of it stays behind."""

    home: Path
    project: Path
    #: Where it makes its temporary folders; empty whenever no cct runs.
    temporary: Path
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.environment = {
            "PATH": os.defpath,
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(CACHE),
            "TMPDIR": str(self.temporary),
            "LANG": "C.UTF-8",
        }

    def __call__(self, *argv: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Finished:
        process = self.start(*argv, env=env)
        try:
            out, err = process.communicate(stdin, timeout=PATIENCE)
        finally:
            process.kill()
            process.wait()
        assert self.left_behind() == []
        return Finished(process.returncode, out, err)

    def start(self, *argv: str | Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*argv),
            cwd=self.project,
            env={**self.environment, **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    @staticmethod
    def command(*argv: str | Path) -> list[str]:
        return [str(Path(sys.executable).with_name("cct")), *map(str, argv)]

    def left_behind(self) -> list[str]:
        """Folders and processes of this cct's sessions; every `workerd` names its folder on its command line."""
        folders = [str(path) for path in self.temporary.iterdir()]
        return folders + [" ".join(command) for command in commands() if any(str(self.temporary) in a for a in command)]

    def files(self) -> dict[str, bytes]:
        """What lies in the project beside the rendered Worker: a path with slashes and its bytes."""
        found = sorted(path for path in self.project.rglob("*") if path.is_file() or path.is_symlink())
        names = {path.relative_to(self.project).as_posix(): path for path in found}
        return {name: path.read_bytes() for name, path in names.items() if not name.startswith(".claude/")}


def commands() -> list[list[str]]:
    """The command line of every process of this machine that can be looked at."""
    return [process.info["cmdline"] for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"]]


@pytest.fixture
def cct(home: Path, tmp_path: Path, runtime: LocalRuntime) -> Iterator[Cct]:
    del runtime  # it only has to be there
    # Not below tmp_path: the path of a Unix socket in it has 104 bytes at most.
    temporary = Path(tempfile.mkdtemp(prefix="cct-test-", dir="/tmp"))
    project = tmp_path / "project"
    project.mkdir()
    try:
        with canary.guarded(project, temporary, home, home=home, project=project):
            yield Cct(home, project, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def reply(files: Mapping[str, str], *, language: str = "javascript", entrypoint: str | None = None) -> Reply:
    """What the scripted model answers to PROMPT; the first file starts unless `entrypoint` says otherwise."""
    return _reply(list(files.items()), language, entrypoint)


def reply_of(files: Sequence[tuple[str, str]], *, language: str = "javascript", entrypoint: str | None = None) -> Reply:
    """The same with files in pairs, of which several may have one path."""
    return _reply(files, language, entrypoint)


def _reply(files: Sequence[tuple[str, str]], language: str, entrypoint: str | None) -> Reply:
    return Reply(PROMPT, language, entrypoint or files[0][0], tuple(ReplyFile(*file) for file in files))


def ask(cct: Cct, model: ScriptedModel, *argv: str | Path, prompt: str = PROMPT) -> Finished:
    """`cct --sandbox cloudflare --prompt …` with Claude's part played by `model`."""
    return cct("--sandbox", "cloudflare", "--yes", "--prompt", prompt, *argv, env=access(model))


def access(model: ScriptedModel) -> dict[str, str]:
    """The environment in which cct takes `model` for Claude."""
    return {"ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": KEY}


@dataclass(frozen=True)
class Ran:
    """What a client of the Worker saw of one run."""

    events: list[Event]

    def __post_init__(self) -> None:
        if isinstance(last := self.events[-1], RunResult):
            canary.check("the result of a run", last.output, last.error or "")

    @property
    def result(self) -> RunResult:
        result = self.events[-1]
        assert isinstance(result, RunResult)
        return result

    @property
    def seen(self) -> str:
        """stdout as it came, event by event."""
        return "".join(event.text for event in self.events if isinstance(event, Output) and event.stream == "stdout")

    @property
    def files(self) -> dict[str, bytes]:
        return {file.path: file.data for file in self.result.files}


@dataclass(frozen=True)
class Sandbox:
    """Runs programs on a local Worker, without `cct`."""

    worker: LocalWorker

    def run(self, program: Program, timeout_ms: int | None = None) -> Ran:
        with self.client() as client:
            return Ran(list(client.run(program, timeout_ms)))

    def client(self) -> WorkerClient:
        return WorkerClient(self.worker.url, self.worker.token, uds=self.worker.socket)

    def javascript(self, source: str, timeout_ms: int | None = None, **files: str) -> Ran:
        return self.run(program("main.js", source, **files), timeout_ms)

    def typescript(self, source: str, timeout_ms: int | None = None, **files: str) -> Ran:
        return self.run(program("main.ts", source, **files), timeout_ms)

    def python(self, source: str, timeout_ms: int | None = None, **files: str) -> Ran:
        return self.run(program("main.py", source, **files), timeout_ms)

    def processes(self) -> list[psutil.Process]:
        """The sandboxes that are alive: all that the supervisor has started but the gateway."""
        found = []
        for child in psutil.Process(self.worker.supervisor_pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if not any("external-addr" in word for word in child.cmdline()):
                    found.append(child)
        return found

    def check_well(self) -> None:
        """The last run has left nothing alive, and the next one is fine."""
        assert wait_until(lambda: self.processes() == [])
        assert self.javascript("console.log('well')").result.output == "well\n"


def program(entrypoint: str, source: str, **files: str) -> Program:
    """A program of one language, which the entrypoint's suffix tells; other files are given as `name_py="…"`."""
    language = {"py": "python", "js": "javascript", "ts": "typescript"}[entrypoint.rsplit(".", 1)[1]]
    others = (ProgramFile(".".join(name.rsplit("_", 1)), content) for name, content in files.items())
    return Program(language, entrypoint, (ProgramFile(entrypoint, source), *others))


@pytest.fixture(scope="module")
def sandbox(runtime: LocalRuntime) -> Iterator[Sandbox]:
    with local_worker(runtime, environment={"ANTHROPIC_API_KEY": KEY}, token=TOKEN) as worker, canary.Sampler():
        yield Sandbox(worker)


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Everything that a cct has started, directly or not."""
    return psutil.Process(process.pid).children(recursive=True)


def find_process(process: subprocess.Popen[bytes], word: str) -> psutil.Process:
    """The process among those that a cct has started whose command line has `word`, as soon as it is there."""
    found: list[psutil.Process] = []

    def look() -> bool:
        assert process.poll() is None, "cct has ended"
        for child in family(process):
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(word in part for part in child.cmdline()):
                    found.append(child)
        return bool(found)

    assert wait_until(look)
    return found[0]


def end(process: subprocess.Popen[bytes], how: signal.Signals) -> Finished:
    """Sends a signal to a cct and waits for it and for everything that it had started to end."""
    started = family(process)
    process.send_signal(how)
    out, err = process.communicate(timeout=PATIENCE)
    _, alive = psutil.wait_procs(started, timeout=PATIENCE)
    assert alive == []
    return Finished(process.returncode, out, err)


def wait_until(condition: Callable[[], bool]) -> bool:
    """Looks at what another process does until it is so; False only when a test would otherwise never end."""
    never = threading.Event()
    return any(condition() or never.wait(_LOOK_INTERVAL) for _ in range(int(PATIENCE / _LOOK_INTERVAL)))
