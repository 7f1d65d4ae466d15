"""A git repository at one commit, read with the git CLI and never checked out: no file of it is written as a file, so
no filter, hook, attribute or link of it can do anything.

What git is told: no hooks, no submodules, no questions, no protocol but the address's own, no redirects, one commit
deep. What it fetched lies in a bare repository in the cache, so that the same commit needs no network again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Generator, Mapping
from functools import cached_property
from pathlib import Path

from cct_cloudflare.config import cache_dir
from cct_cloudflare.errors import ConfigError, WorkerError
from cct_cloudflare.folder_lock import folder_lock
from cct_cloudflare.plain import plain_line
from cct_cloudflare.registries.address import Address
from cct_cloudflare.registries.failures import invalid, unreachable
from cct_cloudflare.registries.telling import Note, Progress
from cct_cloudflare.registries.tree import MAX_BATCH, MAX_FILE, MAX_PATHS, Stat, is_wanted

_MAX_REPOSITORY = 512 * 1024 * 1024
#: A few trees that hold each other many times over come to billions of paths.
_MAX_ENTRIES = 1_000_000
_BLOCK = 65_536
_FETCH_SECONDS = 300.0
_POLL_SECONDS = 0.1
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "http.followRedirects=false",
    "protocol.version=2",
)
#: What would point git at another repository, or another program.
_DROPPED = re.compile(
    r"GIT_(?:DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|NAMESPACE|PREFIX|"
    r"CEILING_DIRECTORIES|SHALLOW_FILE|TRACE.*|EXTERNAL_DIFF|PROXY_COMMAND|ALLOW_PROTOCOL)"
)


class GitTree:
    is_remote = False

    def __init__(self, repository: Path, commit: str) -> None:
        self._repository = repository
        self._commit = commit

    @property
    def revision(self) -> str:
        return self._commit

    def paths(self) -> Mapping[str, Stat]:
        return self._paths

    @cached_property
    def _paths(self) -> dict[str, Stat]:
        found: dict[str, Stat] = {}
        entries = _entries(self._repository, "ls-tree", "-r", "-l", "-z", "--full-tree", self._commit)
        with contextlib.closing(entries):
            for count, line in enumerate(entries, 1):
                facts, _, name = line.partition(b"\t")
                mode, _, rest = facts.partition(b" ")
                # Links (120000) and submodules (160000) are no files.
                if mode in (b"100644", b"100755"):
                    with contextlib.suppress(UnicodeDecodeError, ValueError):
                        path = name.decode()
                        if is_wanted(path):
                            found[path] = Stat(int(rest.split()[-1]), mode == b"100755")
                if len(found) > MAX_PATHS or count > _MAX_ENTRIES:
                    raise invalid(f"The repository has more than {MAX_PATHS:,} files.")
        return found

    def read(
        self, paths: Collection[str], *, limit: int = MAX_FILE, progress: Progress | None = None
    ) -> dict[str, bytes]:
        existing = [path for path in paths if path in self._paths]
        for path in existing:
            if self._paths[path].size > limit:
                raise invalid(f"{plain_line(path)} is larger than {limit / 1024 / 1024:.3g} MiB.")
        if sum(self._paths[path].size for path in existing) > MAX_BATCH:
            raise invalid(f"Its files are larger than {MAX_BATCH >> 20} MiB together.", hint="Ask for less at once.")
        if not existing:
            return {}
        names = "".join(f"{self._commit}:{path}\n" for path in existing).encode()
        data = _git(self._repository, "cat-file", "--batch=%(objectsize)", given=names)
        found, at = {}, 0
        for path in existing:
            line_end = data.index(b"\n", at)
            size = int(data[at:line_end])
            found[path] = data[line_end + 1 : line_end + 1 + size]
            at = line_end + size + 2
        if progress is not None:
            progress(len(paths), len(paths))
        return found


def open_git(address: Address, revision: str | None, *, offline: bool, stale: bool, note: Note) -> GitTree:
    """The repository at `revision`, or at the newest commit of the address's ref.

    `stale`: where it cannot be reached, the commit that was fetched last does, and `note` is told.
    Raises ConfigError without git, WorkerError `registry_unreachable` or `registry_invalid`.
    """
    git_program()
    repository = cache_dir() / "registries" / "git" / hashlib.sha256(address.target.encode()).hexdigest()[:32]
    last = f"refs/cct/last/{hashlib.sha256((address.ref or '').encode()).hexdigest()[:32]}"
    if revision is not None and _has(repository, revision):
        return GitTree(repository, revision)
    if offline:
        commit = None if revision else _resolve(repository, last)
        if commit is None:
            raise unreachable(f"{plain_line(address.text)} is not in the cache.", hint="Run it once with a network.")
        return GitTree(repository, commit)
    _prepare(repository)
    with folder_lock(repository, patience=_FETCH_SECONDS + 10, waiting=lambda: note(_waiting(address))):
        if revision is not None and _has(repository, revision):
            return GitTree(repository, revision)  # another cct was first
        try:
            commit = _fetch(repository, address, revision or address.ref or "HEAD")
        except _FetchError as error:
            kept = _resolve(repository, last) if stale and revision is None else None
            if kept is None:
                raise unreachable(
                    f"git cannot fetch {plain_line(address.text)}: {error}.",
                    hint="Check the address, --ref and your rights; try it with: git ls-remote ADDRESS",
                ) from error
            note(f"{plain_line(address.text)} cannot be reached. What was fetched before is used.")
            return GitTree(repository, kept)
        if revision is not None and commit != revision:
            raise invalid(f"{plain_line(address.text)} gave another commit than {revision}.")
        _git(repository, "update-ref", f"refs/cct/pins/{commit}", commit)
        if revision is None:
            _git(repository, "update-ref", last, commit)
    return GitTree(repository, commit)


def _waiting(address: Address) -> str:
    return f"Another cct fetches {plain_line(address.text)} just now. Waiting for it."


def git_program() -> str:
    found = shutil.which("git")
    if found is None:
        raise ConfigError("git is not installed, or not on PATH.", hint="Install git; a folder needs none.")
    return found


class _FetchError(Exception):
    """The message is git's own last line, safe to print."""


def _prepare(repository: Path) -> None:
    if (repository / "HEAD").is_file():
        return
    repository.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = repository.with_name(f".{repository.name}.{secrets.token_hex(4)}.tmp")
    # No template: it may hold hooks.
    _run([git_program(), "init", "--quiet", "--bare", "--template=", str(fresh)])
    try:
        fresh.rename(repository)
    except OSError:  # another cct was first
        shutil.rmtree(fresh, ignore_errors=True)
        if not (repository / "HEAD").is_file():
            raise


def _fetch(repository: Path, address: Address, wanted: str) -> str:
    incoming = f"refs/cct/incoming/{secrets.token_hex(8)}"
    protocols = _protocols(address.target)
    command = [*_command(repository), "-c", "protocol.allow=never"]
    command += [word for protocol in protocols for word in ("-c", f"protocol.{protocol}.allow=always")]
    command += ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
    command += ["--", address.target, f"+{wanted}:{incoming}"]
    environment = {**_environment(), "GIT_ALLOW_PROTOCOL": ":".join(protocols)}
    if not _is_set(repository, "core.sshCommand"):
        environment.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    )
    try:
        fault = _await(process, repository)
        said = process.communicate()[1]
    except BaseException:
        process.kill()
        process.communicate()
        raise
    if process.returncode or fault:
        raise _FetchError(fault or _last_line(said))
    commit = _resolve(repository, incoming)
    _git(repository, "update-ref", "-d", incoming)
    if commit is None:
        raise _FetchError("what it gave is no commit")
    return commit


def _await(process: subprocess.Popen[bytes], repository: Path) -> str:
    """Waits for its end; why it was ended, where it was. git itself knows no bound for what it fetches."""
    deadline = time.monotonic() + _FETCH_SECONDS
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_SECONDS)
            return ""
        if time.monotonic() > deadline:
            process.kill()
            return f"it takes longer than {_FETCH_SECONDS:.0f} seconds"
        if _size(repository) > _MAX_REPOSITORY:
            process.kill()
            return f"it is larger than {_MAX_REPOSITORY >> 20} MiB"


def _size(folder: Path) -> int:
    total = 0
    for where, _, files in os.walk(folder / "objects"):
        for name in files:
            with contextlib.suppress(OSError):
                total += (Path(where) / name).stat().st_size
    return total


def _protocols(url: str) -> tuple[str, ...]:
    """What git may speak to reach an address; a user's own `url.….insteadOf` may exchange https and ssh."""
    scheme = url.partition("://")[0].lower() if "://" in url else "ssh"
    return ("https", "ssh") if scheme in ("https", "ssh") else (scheme,)


def _is_set(repository: Path, name: str) -> bool:
    command = [*_command(repository), "config", "--get", name]
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, env=_environment()).returncode == 0


def _has(repository: Path, commit: str) -> bool:
    return bool(_COMMIT.fullmatch(commit)) and _resolve(repository, commit) == commit


def _resolve(repository: Path, name: str) -> str | None:
    if not (repository / "HEAD").is_file():
        return None
    done = subprocess.run(
        [*_command(repository), "rev-parse", "--quiet", "--verify", "--end-of-options", f"{name}^{{commit}}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=_environment(),
    )
    found = done.stdout.decode("ascii", "replace").strip()
    return found if done.returncode == 0 and _COMMIT.fullmatch(found) else None


def _git(repository: Path, *arguments: str, given: bytes = b"") -> bytes:
    return _run([*_command(repository), *arguments], given)


def _run(command: list[str], given: bytes = b"") -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, env=_environment())
    if done.returncode:
        raise _unreadable(done.stderr)
    return done.stdout


def _entries(repository: Path, *arguments: str) -> Generator[bytes, None, None]:
    """What a command tells, entry by entry: no more is waited for than somebody takes. Close it."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [*_command(repository), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,
            env=_environment(),
        )
        rest = b""
        with process:
            try:
                while block := process.stdout.read(_BLOCK) if process.stdout else b"":
                    *lines, rest = (rest + block).split(b"\0")
                    yield from lines
                if process.wait():
                    said.seek(0)
                    raise _unreadable(said.read(_BLOCK))
            finally:
                process.kill()


def _unreadable(said: bytes) -> WorkerError:
    return invalid(
        f"git cannot read the repository in the cache: {_last_line(said)}.",
        hint="Delete the folder registries of cct's cache, and run it again.",
    )


def _command(repository: Path) -> list[str]:
    return [git_program(), *(word for setting in _SETTINGS for word in ("-c", setting)), f"--git-dir={repository}"]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not _DROPPED.fullmatch(name)}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}


def _last_line(said: bytes) -> str:
    lines = [plain_line(line) for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines or ["it says no reason"]
    return told[0].removeprefix("fatal: ").removeprefix("error: ").rstrip(".")[:300]
