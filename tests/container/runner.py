"""The runner of the container tier (`src/executor/container.ts`), run for real, on this machine."""

from __future__ import annotations

import base64
import json
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cct_cloudflare.sandbox.toolchain import LocalRuntime, find_node
from cct_cloudflare.scaffold.render import template_dir

STDOUT, STDERR, FILE, VERDICT, OMITTED = 1, 2, 3, 5, 7

#: Against a test that would never end; nothing is asserted about time.
PATIENCE = 120.0


@dataclass
class Ran:
    """What the runner said, read independently of the code that reads it in the Worker."""

    verdict: dict[str, Any]
    stdout: bytes = b""
    stderr: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    omitted: bool = False

    @property
    def kind(self) -> str:
        return str(self.verdict["kind"])


@dataclass(frozen=True)
class Runner:
    """Runs programs in `folder`, under the user of this test unless another one is given."""

    script: Path
    node: Path
    folder: Path

    def __call__(self, language: str, files: Mapping[str, str | bytes], **order: Any) -> Ran:
        """`files`: the first one starts. `order` overrides what the Worker would say."""
        process = self.start(language, files, **order)
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, err) == (0, b"")
        return read(out)

    def start(self, language: str, files: Mapping[str, str | bytes], **order: Any) -> subprocess.Popen[bytes]:
        program = {
            "language": language,
            "entrypoint": next(iter(files)),
            "files": [_file(path, content) for path, content in files.items()],
        }
        told = {
            "program": program,
            "folder": str(self.folder / "work"),
            "user": None,
            "timeoutMs": 60_000,
            "outputBytes": 1 << 20,
            "savedFiles": 1000,
            "savedBytes": 10 << 20,
            **order,
        }
        own, order_path = self.folder / "runner.mjs", self.folder / "order.json"
        shutil.copyfile(self.script, own)
        order_path.write_text(json.dumps(told))
        return subprocess.Popen(
            [str(self.node), str(own), str(order_path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "CANARY": "secret"},
        )


def _file(path: str, content: str | bytes) -> dict[str, str]:
    if isinstance(content, str):
        return {"path": path, "content": content}
    return {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}


def read(out: bytes) -> Ran:
    """Lines of base64 → frames → what they say. Every line is decoded by itself, as the Worker does it."""
    data = b"".join(base64.b64decode(line, validate=True) for line in out.splitlines())
    ran: Ran | None = None
    stdout, stderr, files, omitted = b"", b"", {}, False
    at = 0
    while at < len(data):
        assert ran is None, "the verdict is the last frame"
        kind, size = struct.unpack_from(">BI", data, at)
        payload = data[at + 5 : at + 5 + size]
        assert len(payload) == size
        at += 5 + size
        if kind == STDOUT:
            stdout += payload
        elif kind == STDERR:
            stderr += payload
        elif kind == FILE:
            end = 2 + int.from_bytes(payload[:2], "big")
            files[payload[2:end].decode()] = payload[end:]
        elif kind == OMITTED:
            omitted = True
        else:
            assert kind == VERDICT
            ran = Ran(json.loads(payload), stdout, stderr, files, omitted)
    assert ran is not None
    return ran


@pytest.fixture(scope="session")
def script(runtime: LocalRuntime, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runner as `npm run build` bundles it."""
    modules = next(parent for parent in runtime.workerd.parents if parent.name == "node_modules")
    out = tmp_path_factory.mktemp("runner") / "runner.mjs"
    options = ["--bundle", "--platform=node", "--format=esm", "--minify", "--log-level=error", f"--outfile={out}"]
    source = template_dir() / "src" / "executor" / "container.ts"
    esbuild = modules / "esbuild" / "bin" / "esbuild"
    subprocess.run([*_launch(esbuild), str(source), *options], check=True)
    return out


def _launch(program: Path) -> list[str]:
    """npm's install scripts may have put the binary itself where a script was."""
    is_script = program.read_bytes()[:2] == b"#!"
    return [str(find_node()), str(program)] if is_script else [str(program)]


@pytest.fixture
def runner(script: Path) -> Iterator[Runner]:
    # Another user has to reach it: pytest's own folders are private.
    with tempfile.TemporaryDirectory(prefix="cct-runner-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Runner(script, find_node(), Path(folder))
