from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cct_cloudflare.errors import ConfigError
from cct_cloudflare.folder_lock import folder_lock
from cct_cloudflare.sandbox import toolchain
from cct_cloudflare.sandbox.toolchain import LocalRuntime, ensure_runtime, find_node
from cct_cloudflare.scaffold.source import WorkerSource, packaged_worker_source
from tests.runtime import CACHE


def test_what_is_there_is_used_at_once(runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    monkeypatch.setenv("PATH", "")
    said: list[str] = []
    again = ensure_runtime(said.append)
    assert said == []
    assert set(again.sandboxes) == set(runtime.sandboxes) == {"javascript", "python"}
    for path in (again.workerd, again.gateway, *again.sandboxes.values()):
        assert path.is_file()


def test_another_source_is_another_worker_and_the_same_toolchain() -> None:
    packaged = packaged_worker_source()
    changed = WorkerSource({**packaged.files, "src/index.ts": b"// mine"})
    key = toolchain._toolchain_key(packaged)
    assert toolchain._worker_dir(packaged, key) == toolchain._worker_dir(packaged_worker_source(), key)
    assert toolchain._worker_dir(packaged, key) != toolchain._worker_dir(changed, key)
    assert toolchain._worker_dir(packaged, key) != toolchain._worker_dir(packaged, "another")
    newer = WorkerSource({**packaged.files, "package-lock.json": b"{}"})
    assert toolchain._toolchain_key(newer) != key


# Node


def fake_node(folder: Path, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    node = folder / "node"
    node.write_text(f"#!/bin/sh\n{says}\n")
    node.chmod(0o755)
    return node


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where Python has no Node beside it, and PATH is one empty folder."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    return path


def test_the_node_beside_python_comes_first(elsewhere: Path) -> None:
    fake_node(elsewhere, "echo v24.0.0")
    beside = fake_node(Path(sys.executable).parent, "echo v22.12.0")
    assert find_node() == beside


def test_one_that_is_too_old_is_passed_over(elsewhere: Path) -> None:
    fake_node(Path(sys.executable).parent, "echo v22.11.9")
    on_path = fake_node(elsewhere, "echo v22.12.0-nightly")
    with pytest.raises(ConfigError):  # a version that cannot be read counts as too old
        find_node()
    on_path = fake_node(elsewhere, "echo v23.1.0")
    assert find_node() == on_path


@pytest.mark.parametrize("says", ["echo v18.20.4", "exit 1", "echo gibberish", "echo"])
def test_without_a_usable_node_the_error_says_what_was_found_and_what_to_do(elsewhere: Path, says: str) -> None:
    node = fake_node(elsewhere, says)
    with pytest.raises(ConfigError) as caught:
        find_node()
    assert caught.value.code == "toolchain"
    assert caught.value.exit_code == 3
    assert str(node) in caught.value.message
    assert "22.12" in caught.value.message
    assert "cct-cloudflare[node]" in caught.value.hint


def test_node_without_npm_says_so(elsewhere: Path, tmp_path: Path) -> None:
    fake_node(elsewhere, "echo v24.0.0")
    with pytest.raises(ConfigError, match="no npm"):
        toolchain._install(packaged_worker_source(), tmp_path, lambda _: None)


def test_no_secret_reaches_npm_or_the_build() -> None:
    passed = toolchain._clean_environment(
        {
            "ANTHROPIC_API_KEY": "k",
            "CCT_TOKEN": "t",
            "NODE_OPTIONS": "--require=/evil.js",
            "CLOUDFLARE_API_TOKEN": "c",
            "PATH": "/bin",
            "HOME": "/home/me",
            "https_proxy": "http://proxy",
            "npm_config_registry": "https://registry.example",
        }
    )
    assert set(passed) == {"PATH", "HOME", "https_proxy", "npm_config_registry"}


def test_a_step_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    node = Path(sys.executable)
    with pytest.raises(ConfigError) as caught:
        toolchain.run_tool(
            [str(node), "-c", "import sys; sys.exit('the reason')"], cwd=tmp_path, node=node, what="It", hint="Do that."
        )
    assert caught.value.message == "It failed:\nthe reason"
    assert caught.value.hint == "Do that."


@pytest.mark.parametrize(("system", "machine"), [("linux", "riscv64"), ("sunos5", "x86_64")])
def test_a_machine_without_workerd_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, machine: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    with pytest.raises(ConfigError) as caught:
        toolchain._workerd_binary(tmp_path)
    assert caught.value.code == "unsupported_platform"
    assert machine in caught.value.message
    assert "--worker-url" in caught.value.hint


@pytest.mark.parametrize("manifest", [None, "no JSON", "{}", "[]", '{"main": "a", "modules": [{}]}'])
def test_a_build_that_made_no_python_says_so(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "assets" / "python").mkdir(parents=True)
        (tmp_path / "assets" / "python" / "manifest.json").write_text(manifest)
    with pytest.raises(ConfigError, match="no usable Python assets"):
        toolchain._python_config(tmp_path, tmp_path)


# Made once


def test_what_is_made_appears_whole_and_once(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "key"
    made: list[Path] = []
    together = threading.Barrier(4)

    def make(out: Path) -> None:
        assert not target.exists()
        made.append(out)
        (out / "file").write_text("whole")

    def ask() -> None:
        together.wait()
        toolchain._ensure(target, make)
        assert (target / "file").read_text() == "whole"

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert [path.name for path in target.parent.iterdir()] == ["key"]


def test_whoever_waits_for_another_is_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    with contextlib.ExitStack() as other:
        other.enter_context(folder_lock(tmp_path))

        def progress(text: str) -> None:
            told.append(text)
            other.close()

        toolchain._ensure(tmp_path / "key", lambda out: (out / "file").touch(), progress)
    assert len(told) == 1
    assert "another cct" in told[0]


def test_what_failed_leaves_nothing_and_is_made_again(tmp_path: Path) -> None:
    target = tmp_path / "key"

    def fail(out: Path) -> None:
        (out / "half").write_text("half")
        raise ConfigError("It broke.")

    with pytest.raises(ConfigError, match="It broke"):
        toolchain._ensure(target, fail)
    assert list(tmp_path.iterdir()) == []
    toolchain._ensure(target, lambda out: (out / "file").touch())
    assert (target / "file").exists()


def test_leavings_of_a_killed_process_are_cleared_away(tmp_path: Path) -> None:
    for name in ("making-abc", "key"):  # a folder under the final name without `done` is no whole one either
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").touch()
    toolchain._ensure(tmp_path / "key", lambda out: (out / "file").touch())
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["done", "file", "key"]


def test_what_nobody_has_used_for_a_month_is_removed_when_something_is_made(tmp_path: Path) -> None:
    month = time.time() - 31 * 24 * 3600
    for name in ("old", "used"):
        toolchain._ensure(tmp_path / name, lambda out: (out / "file").touch())
        os.utime(tmp_path / name / "done", (month, month))
    toolchain._ensure(tmp_path / "used", lambda _: pytest.fail("it is there"))
    toolchain._ensure(tmp_path / "new", lambda out: (out / "file").touch())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "used"]


def test_a_lock_that_is_held_by_a_process_that_died_is_free(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from cct_cloudflare.sandbox import toolchain\n"
        "toolchain._ensure(Path(sys.argv[1]), lambda out: os.kill(os.getpid(), 9))"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "key")], check=False)
    assert ended.returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    toolchain._ensure(tmp_path / "key", lambda out: (out / "file").touch())
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_cache_that_cannot_be_written_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError) as caught:
        toolchain._ensure(tmp_path / "file" / "worker" / "key", lambda _: None)
    assert caught.value.code == "toolchain"
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_a_full_disk_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    def full(_: Path) -> None:
        raise OSError(28, os.strerror(28))

    with pytest.raises(ConfigError, match="No space left"):
        toolchain._ensure(tmp_path / "key", full)
    assert list(tmp_path.iterdir()) == []


def test_node_itself_is_found_behind_the_script_that_starts_it(tmp_path: Path) -> None:
    node = toolchain.find_node()
    binary = toolchain.node_binary(node)
    if node.parent == Path(sys.executable).parent:
        assert binary.read_bytes()[:2] != b"#!"
    assert subprocess.run([binary, "--version"], capture_output=True, check=True).stdout.startswith(b"v")
    own = tmp_path / "node"
    own.write_text("#!/bin/sh\n")
    assert toolchain.node_binary(own) == own
    assert toolchain.node_binary(tmp_path / "none") == tmp_path / "none"
