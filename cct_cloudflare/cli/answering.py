"""How an answer is read from the terminal, so that Ctrl-C is taken at every moment."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading


def read_answer(prompt: str = "") -> str:
    """`input`, with one difference: a Ctrl-C that comes just before it begins to wait ends it, too.

    Python notes such a signal and then blocks in its read; it would be seen after the next line only.
    """
    sys.stdout.write(prompt)
    sys.stdout.flush()
    if sys.platform != "win32" and sys.stdin.isatty() and threading.current_thread() is threading.main_thread():
        _wait_for_a_line()
    return input()


def _wait_for_a_line() -> None:
    """Until there is something to read. A signal's handler runs when the wait ends, which any signal brings about."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        while sys.stdin not in select.select([sys.stdin, woken], [], [])[0]:
            os.read(woken, 512)
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wake)
