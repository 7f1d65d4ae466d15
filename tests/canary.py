"""A key and a token that no test may find where they must not be, and the looking.

Every test that needs a key or a token uses KEY and TOKEN. Looked through, for each of them: what every `cct` writes
(`Finished`), argument lists and environments of all processes below the commands that a test starts (`Sampler`), the
files that are left (`search`), and whatever a test prints or logs (the hooks below). One hit fails the test.

What may hold them: the environment of a command that a test starts, which the user has put there; of the gateway and of
wrangler, which are the ones that need them; the user's own 0600 files, and the `.env` that a user wrote.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

KEY = "sk-ant-api03-CANARY-0a1b2c3d4e5f"
TOKEN = "CANARY-5f4e3d2c1b0a"

#: What is looked for: the end of each, which also shows where its beginning was cut off.
NEEDLES = (b"0a1b2c3d4e5f", b"5f4e3d2c1b0a")

#: Between two looks at the processes, in seconds.
_LOOK_INTERVAL = 0.1
_MAX_FILE = 64 * 1024 * 1024
#: Files of the user's configuration that keep secrets, and must then be for the user alone.
_STORES = ".config/cct-cloudflare"


class LeakError(AssertionError):
    """A canary was seen where it must not be. What was seen is not repeated."""


def sings(text: str | bytes) -> bool:
    """Whether a canary is in it."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return any(needle in data for needle in NEEDLES)


def check(what: str, *texts: str | bytes) -> None:
    """Raises LeakError when a canary is in one of the texts; `what` says where they were."""
    if any(map(sings, texts)):
        raise LeakError(f"a canary key or token is in {what}")


def search(folders: Iterable[Path], *, home: Path | None = None, project: Path | None = None) -> list[str]:
    """The files below `folders` that hold a canary and may not, as lines for people; names count as well."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if sings(str(path.relative_to(folder))):
                found.append(f"the name of a file in {path.parent}")
            if path.is_symlink() or not path.is_file() or _may_hold(path, home, project):
                continue
            with contextlib.suppress(OSError):
                if path.stat().st_size <= _MAX_FILE and sings(path.read_bytes()):
                    found.append(f"the file {path}")
    return found


def _may_hold(path: Path, home: Path | None, project: Path | None) -> bool:
    if project is not None and path == project / ".env":
        return True
    with contextlib.suppress(OSError):
        return home is not None and path.parent == home / _STORES and path.stat().st_mode & 0o777 == 0o600
    return False


# Processes


_WRANGLER = ("/wrangler/bin/wrangler.js", "/wrangler/wrangler-dist/cli.js", "/.bin/wrangler")


def _role(words: list[str]) -> str | None:
    """What may have a canary in its environment, proven by its command line; never in the command line itself."""
    if "workerd" in Path(words[0]).name and any("gateway" in word for word in words[1:]):
        return "gateway"
    if "node" in Path(words[0]).name and any(word.endswith(_WRANGLER) for word in words[1:]):
        return "wrangler"
    return None


class Sampler:
    """Looks at the processes below this one, again and again, while the context is open; leaving it raises LeakError.

    The commands that a test starts itself have what the test gave them; all below those is looked at.
    """

    def __init__(self, below: int | None = None) -> None:
        self._top = psutil.Process(below)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="canary", daemon=True)
        self.leaks: set[str] = set()

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self.leaks:
            raise LeakError("; ".join(sorted(self.leaks)))

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_INTERVAL):
            self.look()

    def look(self) -> None:
        """Once through all of them."""
        with contextlib.suppress(psutil.Error):
            for command in self._top.children():
                with contextlib.suppress(psutil.Error):
                    for process in command.children(recursive=True):
                        with contextlib.suppress(psutil.Error, OSError):
                            self._judge(process)

    def _judge(self, process: psutil.Process) -> None:
        words, parent = process.cmdline(), process.parent()
        # Until it has become what it is started for, a process is its parent, environment and all.
        if not words or (parent is not None and parent.cmdline() == words):
            return
        environment = [f"{name}={value}" for name, value in process.environ().items()]
        if process.cmdline() != words:
            return
        if any(map(sings, words)):
            self.leaks.add(f"a canary is in the command line of {Path(words[0]).name}")
        elif _role(words) is None and any(map(sings, environment)):
            names = [name for name, _, value in (entry.partition("=") for entry in environment) if sings(value)]
            self.leaks.add(f"a canary is in {', '.join(names)} of the environment of: {' '.join(words)[:300]}")


@contextlib.contextmanager
def guarded(*folders: Path, home: Path | None = None, project: Path | None = None) -> Iterator[None]:
    """Processes are watched meanwhile, and the folders searched at the end."""
    with Sampler():
        yield
    found = search(folders, home=home, project=project)
    if found:
        raise LeakError("a canary key or token is in " + "; ".join(found))


# What tests print and log


def leaking_sections(sections: Iterable[tuple[str, str]]) -> list[str]:
    """The names of the captured sections (stdout, stderr, log) that hold a canary."""
    return [name for name, text in sections if sings(text)]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    names = leaking_sections(report.sections)
    if names and report.passed:
        report.outcome = "failed"
        report.longrepr = f"a canary key or token is in: {', '.join(names)}"
    return report


def watch_captures(patch: pytest.MonkeyPatch) -> None:
    """What a test reads of its own captured output is looked at, too: it is in no section of the report any more."""
    read = pytest.CaptureFixture.readouterr

    def readouterr(self: pytest.CaptureFixture[Any]) -> Any:
        captured = read(self)
        check("what the test has printed", captured.out, captured.err)
        return captured

    patch.setattr(pytest.CaptureFixture, "readouterr", readouterr)
