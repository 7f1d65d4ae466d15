"""Other programs, asked a question that they must answer in time."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.config import KEY_VARIABLE, TOKEN_VARIABLE
from cct_cloudflare.sandbox.toolchain import signal_group


@dataclass(frozen=True, slots=True)
class Said:
    """`code` is the exit status; `out` and `err` are what it printed, as text."""

    code: int
    out: str
    err: str


class Programs:
    """Starts programs that are asked, and sees that none of them outlives the question. Safe in many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False

    def ask(
        self,
        argv: Sequence[str | Path],
        *,
        seconds: float,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Said:
        """Runs `argv` to its end, with `environment`, or else the user's own less the key and the token.

        Without a `cwd` it runs at the root, where no file of a project can change what it does.
        Raises TimeoutError after `seconds`, and OSError when it cannot be started.
        """
        if environment is None:
            secrets = (KEY_VARIABLE, TOKEN_VARIABLE)
            environment = {name: value for name, value in os.environ.items() if name not in secrets}
        with self._lock:
            if self._closed:
                raise TimeoutError
            process = subprocess.Popen(
                list(map(str, argv)),
                cwd=cwd or Path(Path.cwd().anchor),
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                # Whatever it starts itself ends with it.
                start_new_session=True,
            )
            self._running.add(process)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            if process.returncode is None:
                signal_group(process)
                process.communicate()
            with self._lock:
                self._running.discard(process)
        return Said(process.returncode, out, err)

    def close(self) -> None:
        """Ends everything that still runs; nothing can be asked any more. The threads that wait for it see it end."""
        with self._lock:
            self._closed = True
            for process in self._running:
                if process.returncode is None:
                    signal_group(process)
