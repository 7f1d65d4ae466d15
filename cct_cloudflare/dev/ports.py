"""The address that `cct dev` listens on. Only this machine can reach it."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from cct_cloudflare.errors import ConfigError

#: The one that `wrangler dev` uses, too.
DEFAULT_PORT = 8787

_TRIES = 20
_BACKLOG = 128


@dataclass(frozen=True)
class Listening:
    """Sockets that listen on one port of every loopback address that the machine has."""

    port: int
    #: Whether this very port was asked for.
    asked: bool
    sockets: tuple[socket.socket, ...]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"


@contextlib.contextmanager
def listen(port: int | None) -> Iterator[Listening]:
    """Listens on `port`, or without one on the first from DEFAULT_PORT on that is free; 0 is any free one.

    Both `127.0.0.1` and `::1` are taken: `localhost` names either, and a stranger on the other would be sent the token.
    Raises ConfigError (`port_taken` where somebody else listens).
    """
    sockets = _bind(port) if port is not None else _first_free()
    try:
        yield Listening(sockets[0].getsockname()[1], bool(port), sockets)
    finally:
        for each in sockets:
            each.close()


def _first_free() -> tuple[socket.socket, ...]:
    for port in range(DEFAULT_PORT, DEFAULT_PORT + _TRIES):
        with contextlib.suppress(ConfigError):
            return _bind(port)
    return _bind(0)


def _bind(port: int) -> tuple[socket.socket, ...]:
    with contextlib.ExitStack() as undo:
        first = undo.enter_context(_listening(socket.AF_INET, "127.0.0.1", port))
        sockets = [first]
        try:
            sockets.append(undo.enter_context(_listening(socket.AF_INET6, "::1", first.getsockname()[1])))
        except ConfigError:
            raise
        except OSError:
            pass  # a machine without IPv6
        undo.pop_all()
        return tuple(sockets)


def _listening(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """Raises ConfigError when the port is not to be had, OSError when there is no such address."""
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((host, port))
        # At once: until somebody listens, another socket may be bound to the same port.
        one.listen(_BACKLOG)
    except OSError as error:
        one.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"Port {port} is taken: another program listens on {host}:{port}.",
                code="port_taken",
                hint="Choose another port with --port, or leave --port out to take the next free one.",
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise ConfigError(
                f"Port {port} may not be used: {error.strerror}.",
                code="port_taken",
                hint="Choose one above 1023 with --port.",
            ) from error
        raise
    except BaseException:
        one.close()
        raise
    return one
