from __future__ import annotations

from pathlib import Path

import pytest

from cct_cloudflare import scaffold
from cct_cloudflare.config import WorkerTarget
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.sandbox.session import ModelAccess, remote_session, trusted_source
from cct_cloudflare.sandbox.toolchain import check_platform


@pytest.fixture
def project(tmp_path: Path) -> Path:
    scaffold.apply(scaffold.plan(tmp_path))
    return tmp_path


def _edit(project: Path, text: str = "// mine\n") -> Path:
    source = scaffold.target_of(project) / "src" / "index.ts"
    source.write_text(source.read_text() + text)
    return source


def test_a_project_as_rendered_needs_no_consent(project: Path) -> None:
    assert trusted_source(project, trust_project=False, ask=None) is None


def test_a_changed_project_does_not_run_unasked(project: Path) -> None:
    _edit(project)
    with pytest.raises(ConfigError) as caught:
        trusted_source(project, trust_project=False, ask=None)
    assert caught.value.code == "untrusted_project"
    assert caught.value.exit_code == 3


def test_declining_is_remembered_by_nobody(project: Path) -> None:
    _edit(project)
    asked: list[Path] = []

    def decline(target: Path) -> bool:
        asked.append(target)
        return False

    for _ in range(2):
        with pytest.raises(ConfigError):
            trusted_source(project, trust_project=False, ask=decline)
    assert asked == [scaffold.target_of(project)] * 2


@pytest.mark.parametrize("by_flag", [True, False])
def test_consent_is_remembered_for_these_bytes_only(project: Path, by_flag: bool) -> None:
    path = _edit(project)
    source = trusted_source(project, trust_project=by_flag, ask=None if by_flag else lambda _: True)
    assert source is not None
    assert source.files["src/index.ts"] == path.read_bytes()
    assert trusted_source(project, trust_project=False, ask=None) == source
    _edit(project, "// and more\n")
    with pytest.raises(ConfigError):
        trusted_source(project, trust_project=False, ask=None)


def test_a_deployed_worker_without_a_token_is_not_called() -> None:
    target = WorkerTarget("https://worker.invalid", "https://worker.invalid", None)
    with pytest.raises(ConfigError, match="No token"), remote_session(target):
        pass


def test_the_base_url_comes_from_the_environment_alone() -> None:
    access = ModelAccess.from_environment("sk-ant-x", {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1"})
    assert access.to_environment() == {"ANTHROPIC_API_KEY": "sk-ant-x", "ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}
    assert ModelAccess.from_environment("sk-ant-x", {}).to_environment() == {"ANTHROPIC_API_KEY": "sk-ant-x"}
    assert "sk-ant-x" not in repr(access)


def test_windows_is_told_what_to_do_instead() -> None:
    with pytest.raises(ConfigError) as caught:
        check_platform("win32")
    assert caught.value.code == "unsupported_platform"
    assert caught.value.exit_code == 3
    assert "--worker-url" in caught.value.hint
    assert "WSL" in caught.value.hint
