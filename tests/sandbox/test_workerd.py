from __future__ import annotations

import http.client
import os
import subprocess
from pathlib import Path

import pytest

from cct_cloudflare.sandbox import workerd
from cct_cloudflare.sandbox.process import SandboxProcess
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from tests.sandbox.workerds import ANSWER, ROOMY, compiled, short_folder

MANIFEST = {
    "main": "python.js",
    "compatibilityDate": "2025-08-01",
    "compatibilityFlags": ["a_flag"],
    "modules": [
        {"name": "data.bin", "type": "data", "file": "data.bin"},
        {"name": "python.js", "type": "esModule", "file": "python.js"},
        {"name": 'odd"name\n', "type": "text", "file": "odd.txt"},
        {"name": "large.bin", "type": "data", "file": "large.bin"},
    ],
    "process": {
        "v8Flags": ["--a-flag=1"],
        "bindings": {"NAME": "text"},
        "disk": {"binding": "FILES", "files": ["large.bin"]},
    },
}


def test_a_compiled_configuration_serves_on_loopback_with_the_environment_it_is_given(
    runtime: LocalRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-canary")
    with short_folder() as folder:
        started = workerd.start(
            runtime.workerd,
            runtime.gateway,
            address="127.0.0.1:0",
            directory=folder,
            external={"runner": "127.0.0.1:9"},
            environment={"CCT_TOKEN": "t0ken"},
        )
        try:
            port = started.wait_until_listening()
            assert port > 0
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200
            connection.close()
            assert workerd_environment(started) == {"CCT_TOKEN": "t0ken"}
        finally:
            started.kill()
    assert started.process.poll() is not None


def workerd_environment(started: workerd.Workerd) -> dict[str, str]:
    import psutil

    return psutil.Process(started.process.pid).environ()


def test_a_workerd_that_ends_at_once_is_an_error(runtime: LocalRuntime, tmp_path: Path) -> None:
    broken = tmp_path / "broken.bin"
    broken.write_bytes(b"not a configuration")
    started = workerd.start(runtime.workerd, broken, address="127.0.0.1:0", directory=tmp_path)
    with pytest.raises(RuntimeError, match="before it listened"):
        started.wait_until_listening()
    started.kill()


def test_a_program_that_is_not_there_leaves_no_open_pipe(runtime: LocalRuntime, tmp_path: Path) -> None:
    before = sorted(os.listdir("/dev/fd"))  # noqa: PTH208
    with pytest.raises(OSError, match="No such file"):
        workerd.start(tmp_path / "missing", runtime.gateway, address="127.0.0.1:0", directory=tmp_path)
    assert sorted(os.listdir("/dev/fd")) == before  # noqa: PTH208


def test_a_configuration_that_workerd_refuses_is_an_error(runtime: LocalRuntime, tmp_path: Path) -> None:
    (tmp_path / "config.capnp").write_text("this is no configuration")
    with pytest.raises(subprocess.CalledProcessError):
        workerd.compile_config(runtime.workerd, tmp_path / "config.capnp", tmp_path / "config.bin")


def test_a_per_run_process_has_no_way_out(runtime: LocalRuntime) -> None:
    """Not even for the code outside the program's own isolate."""
    tries = """(async () => {
      const said = [];
      for (const url of ['http://127.0.0.1:9/', 'https://example.com/']) {
        try { await fetch(url); said.push('reached'); } catch (error) { said.push(String(error)); }
      }
      return frame(1, [...new TextEncoder().encode(said.join('|'))]);
    })()"""
    with short_folder() as folder:
        config = compiled(runtime.workerd, folder, ANSWER % tries)
        process = SandboxProcess.start("javascript", runtime.workerd, config, folder / "p", 2**29)
        try:
            process.boot()
            first = next(iter(process.run({}, ROOMY, lambda: False)))
        finally:
            process.kill()
    assert isinstance(first, tuple)
    said = first.payload.decode().split("|")
    assert len(said) == 2
    assert all("network access is disabled" in word for word in said)


def test_every_sandbox_configuration_denies_the_internet_by_name() -> None:
    for text in (workerd.javascript_config(), workerd.python_config(MANIFEST)):
        assert '(name = "internet", worker = .deny)' in text
        assert 'globalOutbound = "internet"' in text
        assert "fromEnvironment" not in text
        assert "network = (" not in text


def test_the_main_module_comes_first_and_names_are_quoted() -> None:
    text = workerd.python_config(MANIFEST)
    assert text.index('"python.js"') < text.index('"data.bin"')
    assert r"odd\"name\n" in text
    assert '["a_flag"]' in text
    assert 'v8Flags = ["--a-flag=1"]' in text
    assert '(name = "NAME", text = "text")' in text


def test_large_files_are_read_from_a_folder_and_not_embedded() -> None:
    text = workerd.python_config(MANIFEST)
    assert "large.bin" not in text
    assert f'(name = "FILES", service = "{workerd.DISK}")' in text
    assert f'(name = "{workerd.DISK}", disk = ' in text


def test_the_gateway_takes_its_secrets_from_its_environment() -> None:
    text = workerd.gateway_config()
    for name in workerd.GATEWAY_VARIABLES:
        assert f'(name = "{name}", fromEnvironment = "{name}")' in text
    assert {"ANTHROPIC_API_KEY", "CCT_TOKEN"} <= set(workerd.GATEWAY_VARIABLES)
