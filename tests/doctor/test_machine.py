from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from cct_cloudflare.doctor.machine import judge_space
from tests.doctor.looking import look, script, told


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder where programs are looked for, and where this Python seems to be."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return folder


def test_it_names_its_own_version(project: Path) -> None:
    assert look(project, "python").status == "ok"


# Node and npm


def test_a_node_that_runs_everything(project: Path, bin_folder: Path) -> None:
    script(bin_folder / "node", "echo v24.1.0")
    assert told(look(project, "node")) == ("ok", f"Node 24.1.0 ({bin_folder / 'node'}).", "")


@pytest.mark.parametrize("says", ["echo v20.20.2", "echo no version; exit 0", "exit 1"])
def test_a_node_that_is_too_old_or_none_stops_the_first_run(project: Path, bin_folder: Path, says: str) -> None:
    script(bin_folder / "node", says)
    status, detail, fix = told(look(project, "node"))
    assert status == "fail"
    assert str(bin_folder / "node") in detail
    assert "cct-cloudflare[node]" in fix


def test_no_node_at_all(project: Path, bin_folder: Path) -> None:
    assert told(look(project, "node"))[:2] == ("fail", "There is no Node 22.12 or newer.")


def test_a_node_that_builds_but_does_not_run_typescript(project: Path, bin_folder: Path) -> None:
    script(bin_folder / "node", "echo v22.13.1")
    status, detail, _ = told(look(project, "node"))
    assert (status, "22.18" in detail) == ("warn", True)


def test_once_the_runtime_is_installed_runs_need_no_node(project: Path, installed: None, bin_folder: Path) -> None:
    status, detail, _ = told(look(project, "node"))
    assert (status, "do not need it any more" in detail) == ("warn", True)


def test_with_a_deployed_worker_runs_need_no_node(
    project: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDFLARE_WORKER_URL", "https://worker.invalid")
    status, detail, _ = told(look(project, "node"))
    assert (status, "deployed Worker" in detail) == ("warn", True)


def test_npm(project: Path, bin_folder: Path) -> None:
    assert look(project, "npm").status == "skip"
    script(bin_folder / "node", "echo v24.1.0")
    assert told(look(project, "npm"))[:2] == (
        "warn",
        "There is no npm beside Node; installing the local runtime needs it.",
    )
    script(bin_folder / "npm", "exit 3")
    assert told(look(project, "npm"))[0] == "warn"
    script(bin_folder / "npm", "echo 11.1.0")
    assert told(look(project, "npm")) == ("ok", f"npm 11.1.0 ({bin_folder / 'npm'}).", "")


# Docker is never a fault


def test_docker(project: Path, bin_folder: Path) -> None:
    assert told(look(project, "docker"))[0] == "skip"
    script(bin_folder / "docker", "echo Cannot connect >&2; exit 1")
    assert "its daemon does not run" in look(project, "docker").finding.detail
    script(bin_folder / "docker", "echo 28.2.2")
    assert told(look(project, "docker")) == ("ok", "Docker 28.2.2.", "")


# The cct that a shell finds


def test_the_cct_beside_this_python(project: Path, bin_folder: Path, tmp_path: Path) -> None:
    assert "python -m cct_cloudflare" in look(project, "path").finding.detail
    script(bin_folder / "cct", "exit 0")
    assert told(look(project, "path")) == ("ok", f"cct is {bin_folder / 'cct'}.", "")


def test_a_link_to_the_cct_beside_this_python(
    project: Path, bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "local" / "cct"
    link.parent.mkdir()
    link.symlink_to(script(bin_folder / "cct", "exit 0"))
    monkeypatch.setenv("PATH", str(link.parent))
    assert look(project, "path").status == "ok"


@pytest.mark.parametrize(
    ("first_line", "kind"),
    [
        ("#!/usr/bin/env node\nrequire('../src/index.js')", "npm's claude-code-templates"),
        ("#!/usr/bin/python3\nfrom cct_cloudflare.__main__ import main", "another installation of this one"),
        ("\x7fELF", "another program"),
    ],
)
def test_another_cct_earlier_on_the_path(
    project: Path, bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_line: str, kind: str
) -> None:
    other = tmp_path / "npm" / "bin" / "cct"
    other.parent.mkdir(parents=True)
    other.write_text(first_line)
    other.chmod(0o755)
    script(bin_folder / "cct", "exit 0")
    monkeypatch.setenv("PATH", f"{other.parent}:{bin_folder}")
    status, detail, fix = told(look(project, "path"))
    assert status == "warn"
    assert kind in detail
    assert str(other) in detail
    assert "python -m cct_cloudflare" in fix


def test_the_npm_package_is_known_by_its_folder(
    project: Path, bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "lib" / "node_modules" / "claude-code-templates" / "bin"
    link = tmp_path / "npm" / "cct"
    link.parent.mkdir()
    link.symlink_to(script(package / "create-claude-config.js", "exit 0"))
    monkeypatch.setenv("PATH", str(link.parent))
    assert "claude-code-templates" in look(project, "path").finding.detail


# Proxies


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("http://me:CANARY@proxy.example:3128", "warn"),
        ("proxy.example:3128", "warn"),
        ("socks5://me:CANARY@proxy.example:1080", "fail"),
        ("http://", "fail"),
        ("http://[CANARY", "fail"),
    ],
)
def test_a_proxy_is_named_without_its_password(
    project: Path, monkeypatch: pytest.MonkeyPatch, value: str, status: str
) -> None:
    monkeypatch.setenv("https_proxy", value)
    check = look(project, "proxy")
    assert check.status == status
    assert "HTTPS_PROXY" in check.finding.detail
    assert "CANARY" not in repr(check.to_json())


def test_no_proxy(project: Path) -> None:
    assert look(project, "proxy").status == "ok"


# Space


@pytest.mark.parametrize(
    ("megabytes", "is_installed", "status"),
    [(2000, False, "ok"), (500, False, "fail"), (500, True, "ok"), (20, True, "warn")],
)
def test_space(megabytes: int, is_installed: bool, status: str) -> None:
    assert judge_space(megabytes * 1024**2, Path("/cache"), is_installed=is_installed).status == status


def test_space_is_looked_at_where_the_cache_will_be(project: Path, home: Path) -> None:
    assert shutil.disk_usage(home).free > 0
    assert str(home) in look(project, "space").finding.detail
