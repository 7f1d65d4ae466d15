"""A real `cct` on a pseudo terminal, driven as a person would: wait for what shows, then press keys. Never sleeps."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping

from tests.runtime import PATIENCE, Cct

ENTER, ESCAPE, SPACE, UP, DOWN = "\r", "\x1b", " ", "\x1b[A", "\x1b[B"
CTRL_C, CTRL_D, CTRL_U = "\x03", "\x04", "\x15"

#: Makes the terminal that of the session, so that Ctrl-C reaches whatever runs there, and becomes the program.
_ADOPT = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78])")
#: Between two looks whether the process is still there, in seconds.
_LOOK_INTERVAL = 0.2


class Terminal:
    """`raw` is all that the terminal was sent. Text is looked for behind what was found before."""

    def __init__(self, process: subprocess.Popen[bytes], leader: int, follower: int) -> None:
        self.process = process
        self.raw = ""
        self._leader = leader
        self._follower = follower
        self._before = termios.tcgetattr(follower)
        self._seen = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def shown(self) -> str:
        """What was written, without what moves the cursor and colours."""
        return _SEQUENCE.sub("", self.raw).replace("\r", "")

    def expect(self, text: str) -> None:
        """Reads until `text` shows. Fails when the process ends before, or a test would never end."""
        wanted = _squeezed(text)
        while (at := _squeezed(self.shown).find(wanted, self._seen)) < 0:
            assert self._read(), f"{text!r} did not show:\n{self.shown}"
        self._seen = at + len(wanted)

    def press(self, *keys: str) -> None:
        os.write(self._leader, "".join(keys).encode())

    def answer(self, question: str, *keys: str) -> None:
        self.expect(question)
        self.press(*keys)

    def end(self) -> int:
        """Waits for the process to end by itself, and holds that it leaves the terminal as it found it."""
        while self._read():
            pass
        code = self.process.poll()
        assert code is not None, f"it did not end:\n{self.shown}"
        assert termios.tcgetattr(self._follower) == self._before
        for on, off in (("\x1b[?25l", "\x1b[?25h"), ("\x1b[?2004h", "\x1b[?2004l")):
            assert self.raw.rfind(on) <= self.raw.rfind(off), f"{on!r} is still in force"
        return code

    def _read(self) -> bool:
        """Takes what there is; False when the process has ended and nothing is left."""
        for _ in range(int(PATIENCE / _LOOK_INTERVAL)):
            has_ended = self.process.poll() is not None
            if select.select([self._leader], [], [], 0 if has_ended else _LOOK_INTERVAL)[0]:
                self.raw += self._decoder.decode(os.read(self._leader, 65536))
                return True
            if has_ended:
                return False
        return False


def _squeezed(text: str) -> str:
    """A line that the terminal breaks is the same line."""
    return re.sub(r"\s+", "", text)


@contextlib.contextmanager
def on_terminal(
    cct: Cct, *argv: str, env: Mapping[str, str] | None = None, rows: int = 24, columns: int = 80
) -> Iterator[Terminal]:
    """A `cct` whose stdin, stdout and stderr are a terminal of this size; killed at the end when it is still there."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", _ADOPT, *cct.command(*argv)],
        cwd=cct.project,
        env={**cct.environment, "TERM": "xterm-256color", **(env or {})},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    try:
        yield Terminal(process, leader, follower)
    finally:
        process.kill()
        process.wait()
        os.close(leader)
        os.close(follower)
