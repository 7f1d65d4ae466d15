"""A build of a changed Worker makes again only what would come out differently."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from cct_cloudflare.dev.changes import read_snapshot
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime, build_runtime
from cct_cloudflare.scaffold import WorkerSource
from cct_cloudflare.scaffold.render import template_dir
from tests.runtime import CACHE, Sandbox


@pytest.fixture
def source(runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch) -> WorkerSource:
    del runtime  # it has installed the toolchain
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    return read_snapshot(template_dir()).source


def changed(source: WorkerSource, before: bytes, after: bytes) -> WorkerSource:
    text = source.files["src/index.ts"]
    assert before in text
    return WorkerSource({**source.files, "src/index.ts": text.replace(before, after)})


def test_the_snapshot_of_python_is_used_again(runtime: LocalRuntime, source: WorkerSource, tmp_path: Path) -> None:
    made = runtime.gateway.parent
    before, out = tmp_path / "before", tmp_path / "out"
    shutil.copytree(made, before)
    (before / "python" / "snapshot.bin").write_bytes(b"the very same")
    out.mkdir()
    notes: list[str] = []
    runtime_before = replace(runtime, gateway=before / "gateway.bin")
    build_runtime(notes.append, changed(source, b"'ok'", b"'edited'"), out, before=runtime_before)
    assert (out / "python" / "snapshot.bin").read_bytes() == b"the very same"
    assert notes == ["Building the local Worker"]
    assert made.is_dir(), "nothing of the earlier build is moved away"


def test_what_it_makes_runs_and_can_be_built_upon(runtime: LocalRuntime, source: WorkerSource, tmp_path: Path) -> None:
    built = runtime
    for status in (b"'one'", b"'two'"):
        out = tmp_path / status.decode().strip("'")
        out.mkdir()
        built = build_runtime(lambda _: None, changed(source, b"'ok'", status), out, before=built)
    with local_worker(built, environment={}) as worker:
        ran = Sandbox(worker).python("print(6 * 7)")
    assert ran.result.output == "42\n"


def test_a_source_that_is_wrong_says_where(runtime: LocalRuntime, source: WorkerSource, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        build_runtime(lambda _: None, changed(source, b"status: 'ok'", b"status: ("), tmp_path, before=runtime)
    assert "src/index.ts:" in caught.value.message
    assert "node_modules" not in caught.value.message, "no stack trace of the build's own"
