"""Runs when the snapshot is made: turns a bare CPython into the Python that programs expect.

`prepare` and `report` are called from the executor by address. Nothing here is a module that a program could import.
"""

import gc
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


def _pause(seconds, _poll=select.poll, _min=min, _ceil=__import__("math").ceil):
    left = _ceil(seconds * 1000)
    while True:
        step = _min(left, 2_000_000_000)
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
    from asyncio import base_events, events, futures, unix_events

    class _Timer:
        def select(self, timeout):
            if timeout is None:
                select.poll().poll(-1)
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
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                future.set_exception(error)
            return future

    EventLoop.__module__ = "asyncio"
    for module in (asyncio, unix_events):
        module.SelectorEventLoop = EventLoop
        module.EventLoop = EventLoop
    unix_events._UnixDefaultEventLoopPolicy._loop_factory = EventLoop


def _preload():
    """The modules that programs import most: each costs a run 5 to 200 ms from the archive, next to nothing from here."""
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
    sys.path.insert(0, os.path.dirname(path))
    main = sys.modules["__main__"]
    main.__file__ = path
    main.__cached__ = None
    sys.stdout.reconfigure(line_buffering=True)
    return code


def report(error):
    """Says how the program ended, as `python` does, and returns the exit status."""
    try:
        sys.stdout.flush()
    except Exception:
        pass
    if isinstance(error, SystemExit):
        status = error.code
        if status is None:
            return 0
        if isinstance(status, int):
            return status & 0xFF
        print(status, file=sys.stderr)
        return 1
    if isinstance(error, SyntaxError) and error.__traceback__ and error.__traceback__.tb_frame.f_code is prepare.__code__:
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

    def unresolvable(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "this sandbox has no network")

    def unreachable(*args, **kwargs):
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


_preload()
_hide_pyodide()
_say_that_there_is_no_network()
_asyncio_without_sockets()
gc.collect()
# Finalization must not spend its time on what came with the snapshot; but the program's own module it must see.
gc.freeze()
_renew_main()
