"""Cheap questions over the network, asked before anything is kept: is this key one, is this Worker there."""

from __future__ import annotations

from cct_cloudflare.sandbox.client import Health, WorkerClient
from cct_cloudflare.sandbox.program import Program, ProgramFile

#: A page is only saved: no sandbox starts, and no model is asked.
_PAGE = Program("web", "index.html", (ProgramFile("index.html", "<p>cct</p>\n"),))


def worker_health(url: str) -> Health:
    """Raises WorkerError."""
    with WorkerClient(url, None) as client:
        return client.health()


def check_token(url: str, token: str) -> None:
    """Raises CctError, `unauthorized` among them, unless the Worker serves whoever has this token."""
    with WorkerClient(url, token) as client:
        for _ in client.run(_PAGE):
            pass
