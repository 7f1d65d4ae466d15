from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cct_cloudflare.mcp_server import workers
from cct_cloudflare.mcp_server.workers import Workers


def test_a_session_ends_while_its_worker_is_still_being_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def install(*_: object) -> None:
        begun.set()
        may_end.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "ensure_runtime", install)
    monkeypatch.setattr(workers, "_END_PATIENCE", 0)
    session = Workers(tmp_path)

    def call() -> None:
        with pytest.raises(KeyboardInterrupt), session.client(access=None):
            pass

    thread = threading.Thread(target=call)
    thread.start()
    assert begun.wait(60)
    session.close()
    assert thread.is_alive()
    may_end.set()
    thread.join()
