"""Runs when the snapshot is made: turns a bare CPython into the Python that programs expect.

The executor calls `prepare`, `report` and `finish` by address. Nothing here is a module that a program could import.
"""

# What a program does may raise anything, what is said here is the program's output, and the executor defines PRELOAD.
# ruff: noqa: BLE001, T201, F821

import contextlib
import gc
import math
import os
import select
import sys
import time


def _sleep(seconds, /):
    """Pauses the whole interpreter; the built-in one would spin, and nothing printed would leave meanwhile."""
    if isinstance(seconds, float):
        if seconds != seconds:
            raise ValueError("Invalid value NaN (not a number)")
    elif hasattr(type(seconds), "__index__"):
        seconds = type(seconds).__index__(seconds)
    elif not hasattr(type(seconds), "__float__"):
        raise TypeError(f"'{type(seconds).__name__}' object cannot be interpreted as an integer")
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    if seconds > 9_223_372_036:
        raise OverflowError("timestamp out of range for platform time_t")
    _pause(seconds)


_poll = select.poll


def _pause(seconds):
    left = math.ceil(seconds * 1000)
    while True:
        step = min(left, 2_000_000_000)
        _poll().poll(step)
        left -= step
        if left <= 0:
            return


_sleep.__name__ = _sleep.__qualname__ = "sleep"
_sleep.__module__ = "time"
time.sleep = _sleep


def _asyncio_without_sockets():
    """asyncio as it is, on a loop that waits by pausing: the stock loop wakes itself up through a socket pair."""
    import asyncio
    from asyncio import base_events, unix_events

    class _Timer:
        def select(self, timeout):
            if timeout is None:
                _poll().poll(-1)
            elif timeout > 0:
                _pause(timeout)
            return []

        def close(self):
            pass

    class EventLoop(base_events.BaseEventLoop):
        def __init__(self):
            super().__init__()
            self._selector = _Timer()

        def _process_events(self, event_list):
            pass

        def _write_to_self(self):
            pass

        def run_in_executor(self, executor, func, *args):
            """Threads do not exist here: the call runs at once, and its future is done when this returns."""
            self._check_closed()
            future = self.create_future()
            try:
                future.set_result(func(*args))
            except Exception as error:
                future.set_exception(error)
            return future

    EventLoop.__module__ = "asyncio"
    for module in (asyncio, unix_events):
        module.SelectorEventLoop = EventLoop
        module.EventLoop = EventLoop
    unix_events._UnixDefaultEventLoopPolicy._loop_factory = EventLoop


def _preload():
    """The modules that programs import most: each costs a run 5 to 200 ms from the archive, nothing from here."""
    import importlib

    for name in PRELOAD.split():
        importlib.import_module(name)


def _renew_main():
    import builtins
    import types

    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__builtins__ = builtins


def _processor_time():
    """A run has its process to itself, and there is no other clock: its processor time is the time since it began."""
    now, now_ns = time.monotonic, time.monotonic_ns
    start, start_ns = now(), now_ns()

    def process_time():
        return now() - start

    def process_time_ns():
        return now_ns() - start_ns

    time.process_time = time.thread_time = process_time
    time.process_time_ns = time.thread_time_ns = process_time_ns


def prepare(path):
    """Makes `python path` true for everything a program can ask, and returns its code."""
    import io
    import random

    with io.open_code(path) as file:
        source = file.read()
    code = compile(source, path, "exec", dont_inherit=True)
    random.seed()
    _processor_time()
    sys.argv[:] = [os.path.relpath(path)]
    sys.path.insert(0, path.rpartition("/")[0])
    main = sys.modules["__main__"]
    main.__file__ = path
    main.__cached__ = None
    sys.stdout.reconfigure(line_buffering=True)
    return code


def report(error):
    """Says how the program ended, as `python` does, and returns the exit status."""
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    if isinstance(error, SystemExit):
        status = error.code
        if status is None:
            return 0
        if isinstance(status, int):
            return status & 0xFF
        print(status, file=sys.stderr)
        return 1
    trace = error.__traceback__
    if trace is not None and trace.tb_frame.f_code is prepare.__code__:
        # The program could not even be compiled: `python` shows no frame then.
        error.__traceback__ = None
    sys.last_exc, sys.last_type, sys.last_value, sys.last_traceback = error, type(error), error, error.__traceback__
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException as failure:
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(failure), failure, failure.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, error.__traceback__)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def _say_that_there_is_no_network():
    import errno
    import socket

    def unresolvable(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "this sandbox has no network")

    def unreachable(*_args, **_kwargs):
        raise OSError(errno.ENETUNREACH, "Network is unreachable: this sandbox has no network")

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
        setattr(socket, name, unresolvable)
    socket.socketpair = unreachable
    socket.socket.__init__ = unreachable


def _hide_pyodide():
    """Its packages are in the archive, but the half of them that is written in C is not started here."""
    import zipimport

    for names in zipimport._zip_directory_cache.values():
        for name in [name for name in names if name.startswith(("pyodide/", "_pyodide/"))]:
            del names[name]


def finish():
    """What finalization does that a program can notice; taking down the rest would cost every run 30 ms.

    Returns whether all that the program printed could be written.
    """
    import atexit
    import threading

    threading._shutdown()
    atexit._run_exitfuncs()
    written = _flushed()
    namespaces = [vars(module) for name, module in sys.modules.items() if name not in _shared and module is not None]
    for name in [name for name in sys.modules if name not in _shared]:
        del sys.modules[name]
    gc.collect()
    for names in [vars(sys.modules["__main__"]), *namespaces]:
        # As CPython does: what is private goes first, and what finalizers need to run at all stays.
        for private in (True, False):
            for name in list(names):
                if name != "__builtins__" and private == (name[:1] == "_" and name[1:2] != "_"):
                    names[name] = None
    gc.collect()
    return _flushed() and written


def _flushed():
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except Exception:
            return False
    return True


_preload()
_hide_pyodide()
_say_that_there_is_no_network()
_asyncio_without_sockets()
gc.collect()
# The collector must not spend its time on what came with the snapshot; but the program's own module it must see.
gc.freeze()
_renew_main()
_shared = frozenset(sys.modules)
