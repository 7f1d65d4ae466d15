from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from cct_cloudflare import __version__
from cct_cloudflare.doctor import Context
from tests.doctor.looking import look
from tests.sandbox.loopback import answer, serve


def index(versions: Sequence[str]) -> bytes:
    """A package index that knows these versions of cct; pip itself asks it."""
    names = [f"cct_cloudflare-{version}-py3-none-any.whl" for version in versions]
    return answer(200, "".join(f'<a href="{name}">{name}</a>\n' for name in names).encode(), "text/html")


def test_nobody_is_asked_without_online(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(index(["99.0.0"])) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
        assert look(project, "newest").status == "skip"
        assert server.requests == []


@pytest.mark.parametrize(
    ("versions", "status", "said"),
    [([__version__, "99.0.0"], "warn", "cct 99.0.0 is out"), ([__version__], "ok", "newest"), ([], "skip", "no cct")],
)
def test_online_asks_the_users_package_index(
    project: Path, monkeypatch: pytest.MonkeyPatch, versions: list[str], status: str, said: str
) -> None:
    with serve(index(versions)) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
        check = look(Context(project, online=True), "newest")
        assert [request.line for request in server.requests] == ["GET /simple/cct-cloudflare/ HTTP/1.1"]
    assert (check.status.value, said in check.finding.detail) == (status, True)


def test_a_pip_of_the_project_is_not_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "pip.py").write_text(f"open({str(project / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(project)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    assert look(Context(project, online=True), "newest").status == "skip"
    assert not (project / "ran").exists()
