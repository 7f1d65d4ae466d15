"""A request that is on its way to a Worker: connecting is bounded as a whole, and it can be cut from any thread."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx


class NoAnswerError(TimeoutError):
    """The request is on its way, and its answer does not begin."""


class Opening:
    """Sends a request from a thread of its own, so that connecting can be given up as a whole.

    httpx bounds each step, but not name resolution, nor a host with many addresses that all stay silent.
    Once the request is on its way, the client's own timeouts bound the rest.
    """

    def __init__(self, http: httpx.Client, request: httpx.Request) -> None:
        self._changed = threading.Condition()
        self._connected = False
        self._abandoned = False
        self._is_cut = False
        self._outcome: httpx.Response | Exception | None = None
        self._stream: Any = None
        request.extensions["trace"] = self._trace
        self._thread = threading.Thread(target=self._send, args=(http, request), name="cct-worker-request", daemon=True)

    def wait(self, timeout: float, most: float) -> httpx.Response:
        """The response, its body unread.

        Raises what sending it raised, TimeoutError when it is not connected within `timeout` seconds, and
        NoAnswerError when the answer has not begun `most` seconds later.
        """
        try:
            # Inside, so that Ctrl-C finds a request that it can give up, however early it comes.
            self._thread.start()
            with self._changed:
                connected = self._changed.wait_for(lambda: self._connected or self._outcome is not None, timeout)
                answered = connected and self._changed.wait_for(lambda: self._outcome is not None, most)
        except BaseException:
            self._abandon()
            raise
        if not answered:
            self._abandon()
            raise NoAnswerError if connected else TimeoutError
        if isinstance(self._outcome, Exception):
            raise self._outcome
        assert self._outcome is not None  # noqa: S101 - what the second wait waited for
        return self._outcome

    def _send(self, http: httpx.Client, request: httpx.Request) -> None:
        outcome: httpx.Response | Exception
        try:
            outcome = http.send(request, stream=True, follow_redirects=False)
        except Exception as error:  # noqa: BLE001 - raised again in the thread that waits
            outcome = error
        with self._changed:
            self._outcome = outcome
            self._changed.notify_all()
            abandoned = self._abandoned
        if abandoned and not isinstance(outcome, Exception):
            outcome.close()

    def _trace(self, name: str, info: Mapping[str, Any]) -> None:
        if name.endswith((".connect_tcp.complete", ".connect_unix_socket.complete", ".start_tls.complete")):
            self._stream = info["return_value"]
            if self._is_cut:
                _shut(self._stream)
        # A proxy's CONNECT is a request too, but only the first step of connecting.
        elif name.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            with self._changed:
                self._connected = True
                self._changed.notify_all()

    def cut(self) -> None:
        """Ends the connection under whoever waits for it or reads from it, now or as soon as there is one."""
        with self._changed:
            self._is_cut = True
            stream = self._stream
            if self._outcome is not None and not isinstance(self._outcome, Exception):
                # One that is used again was connected by an earlier request, and only the answer tells it.
                stream = self._outcome.extensions.get("network_stream")
        _shut(stream)

    def _abandon(self) -> None:
        """Lets the peer see at once that nobody waits: closing the file alone would not wake a thread that reads it."""
        with self._changed:
            self._abandoned = True
            if isinstance(self._outcome, Exception):
                return
            if self._outcome is not None:
                self._outcome.close()
                return
        _shut(self._stream)


def _shut(stream: Any) -> None:
    """Ends a connection of httpx for both sides."""
    sock = stream and stream.get_extra_info("socket")
    if sock:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def reason_of(error: BaseException) -> str:
    """What went wrong on the network, in words; the cause is found behind httpx's own exceptions."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return "its host name could not be resolved"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its TLS certificate is not valid ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return "the TLS connection failed"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
        if isinstance(cause, ConnectionError):
            return "the connection was reset"
        if isinstance(cause, FileNotFoundError):
            return "its socket is not there"
        if isinstance(cause, TimeoutError):
            return "connecting took too long"
    return "the connection broke before an answer came"
