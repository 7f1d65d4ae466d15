"""Runs the project's own wrangler. What it says is text for people; what is acted upon comes from its output file.

Only what is listed here reaches its environment: Cloudflare's own variables, as the user set them, and no other secret.
A project's `.env` is not read: it could send the user's login to another server.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cct_cloudflare.errors import ConfigError
from cct_cloudflare.plain import PlainStream, plain
from cct_cloudflare.sandbox.toolchain import node_binary, node_environment, signal_group

#: How long wrangler may clean up after Ctrl-C, in seconds.
_END_PATIENCE = 5.0

#: The user's login, and where Cloudflare is; `CLOUDFLARE_ENV` is not among them: cct names the environment itself.
_PASSED_ON = (
    "CLOUDFLARE_ACCESS_CLIENT_ID",
    "CLOUDFLARE_ACCESS_CLIENT_SECRET",
    "CLOUDFLARE_ACCOUNT_ID",
    "CLOUDFLARE_API_BASE_URL",
    "CLOUDFLARE_API_KEY",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_API_USER_SERVICE_KEY",
    "CLOUDFLARE_AUTH_PROFILE",
    "CLOUDFLARE_AUTH_USE_KEYRING",
    "CLOUDFLARE_COMPLIANCE_REGION",
    "CLOUDFLARE_EMAIL",
    "DOCKER_HOST",
    "WRANGLER_API_ENVIRONMENT",
    "WRANGLER_AUTH_DOMAIN",
    "WRANGLER_AUTH_URL",
    "WRANGLER_CLIENT_ID",
    "WRANGLER_DOCKER_BIN",
    "WRANGLER_TOKEN_URL",
    # Where its own login is kept.
    "XDG_CONFIG_HOME",
)

Sink = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How a wrangler ended. `stdout` is exact, `said` is all that it printed, harmless for a terminal.

    `entries` are the lines of its output file: objects with a `type`.
    """

    code: int
    stdout: str
    said: str
    entries: tuple[Mapping[str, Any], ...]

    def entry(self, kind: str) -> Mapping[str, Any] | None:
        """The last entry of a type."""
        return next((entry for entry in reversed(self.entries) if entry.get("type") == kind), None)


@dataclass(frozen=True)
class Wrangler:
    """The wrangler in `folder`, a rendered project with its packages.

    `account` is used when wrangler.toml names none.
    """

    folder: Path
    node: Path
    account: str | None = None

    def run(self, *arguments: str, environment: str | None = None, stdin: str | None = None) -> Outcome:
        """Runs a command to its end, with no terminal. `environment` is one of wrangler.toml; "" is the default one.

        Ctrl-C, and any other exception, ends all that it started. Raises ConfigError when it cannot be started.
        """
        with tempfile.TemporaryDirectory(prefix="cct-wrangler-") as private:
            output = Path(private) / "output.ndjson"
            with self._started(arguments, environment, output, stdin=subprocess.PIPE) as process:
                stdout, stderr = process.communicate(stdin or "")
            return Outcome(process.returncode, stdout, plain(stdout + stderr).strip(), _entries(output))

    def follow(self, *arguments: str, environment: str, on_stdout: Sink, on_stderr: Sink) -> Outcome:
        """Runs a command that goes on, such as tail, and hands on its output as it comes: stdout line by line exactly,
        stderr harmless. On Ctrl-C wrangler ends in its own way first, since it has something to take back."""
        with tempfile.TemporaryDirectory(prefix="cct-wrangler-") as private:
            output = Path(private) / "output.ndjson"
            said: list[str] = []
            with self._started(arguments, environment, output, stdin=subprocess.DEVNULL) as process:
                harmless = PlainStream()

                interrupted = threading.Event()

                def aside(line: str) -> None:
                    said.append(harmless.feed(line))
                    # Some say on their way out that they were interrupted, which is no news.
                    if not interrupted.is_set():
                        on_stderr(said[-1])

                with _drained(process.stdout, on_stdout), _drained(process.stderr, aside), _ended(process, interrupted):
                    code = process.wait()
            return Outcome(code, "", "".join(said), _entries(output))

    def interact(self, *arguments: str) -> int:
        """Runs a command on the user's own terminal, such as login, and returns its exit status."""
        command, environment = self._command(arguments, None), self._environment(None)
        return subprocess.run(command, cwd=self.folder, env=environment, check=False).returncode

    @contextlib.contextmanager
    def _started(
        self, arguments: Sequence[str], environment: str | None, output: Path, *, stdin: int
    ) -> Iterator[subprocess.Popen[str]]:
        try:
            process = subprocess.Popen(
                self._command(arguments, environment),
                cwd=self.folder,
                env=self._environment(output),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                # Ctrl-C in the terminal goes to cct, which ends wrangler and all that it started.
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigError(
                f"wrangler could not be started: {error.strerror}.", hint="cct doctor looks at Node.", code="toolchain"
            ) from error
        with process, _ended(process):
            yield process

    def _command(self, arguments: Sequence[str], environment: str | None) -> list[str]:
        wrangler = self.folder / "node_modules" / "wrangler" / "bin" / "wrangler.js"
        # wrangler would prefer a wrangler.json, and read .env files.
        chosen = ["--config", "wrangler.toml", "--env-file", os.devnull]
        if environment is not None:
            chosen.append(f"--env={environment}")
        return [str(node_binary(self.node)), str(wrangler), *arguments, *chosen]

    def _environment(self, output: Path | None) -> dict[str, str]:
        environment = wrangler_environment(self.node)
        if output is not None:
            environment["WRANGLER_OUTPUT_FILE_PATH"] = str(output)
        if self.account is not None:
            environment["CLOUDFLARE_ACCOUNT_ID"] = self.account
        return environment


def wrangler_environment(node: Path) -> dict[str, str]:
    """The environment of a wrangler that runs on this Node: the user's login to Cloudflare, and no other secret."""
    return {
        **node_environment(node),
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "WRANGLER_SEND_METRICS": "false",
        "WRANGLER_SEND_ERROR_REPORTS": "false",
        # Without its banner it does not ask npm's registry for a newer version either.
        "WRANGLER_HIDE_BANNER": "true",
        "NO_COLOR": "1",
        "FORCE_COLOR": "0",
    }


@contextlib.contextmanager
def _ended(process: subprocess.Popen[str], interrupted: threading.Event | None = None) -> Iterator[None]:
    """An exception in the block ends wrangler: in its own way first, then with all that it had started.

    `interrupted` is set before.
    """
    try:
        yield
    except BaseException:
        if interrupted is not None:
            interrupted.set()
        if sys.platform == "win32":
            process.kill()
            raise
        try:
            signal_group(process, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_PATIENCE)
        finally:
            signal_group(process)
        raise


@contextlib.contextmanager
def _drained(stream: IO[str] | None, sink: Sink) -> Iterator[None]:
    """Hands on every line of the stream from a thread, until it ends."""

    def drain() -> None:
        for line in stream or ():
            sink(line)

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _entries(output: Path) -> tuple[Mapping[str, Any], ...]:
    try:
        lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ()
    entries = []
    for line in lines:
        with contextlib.suppress(ValueError):  # a line that wrangler was killed in
            value = json.loads(line)
            if isinstance(value, dict):
                entries.append(value)
    return tuple(entries)
