"""Sandbox processes of a real `workerd` whose insides a test writes itself."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cct_cloudflare.sandbox import workerd
from cct_cloudflare.sandbox.process import Limits

ROOMY = Limits(timeout=60.0, memory_bytes=1024**3, output_bytes=1000)

#: Answers a run with the bytes that `frames` makes, in one piece.
ANSWER = """\
const frame = (type, payload, size = payload.length) =>
  [type, size >>> 24 & 255, size >>> 16 & 255, size >>> 8 & 255, size & 255, ...payload];
const frames = () => %s;
export default { async fetch(request, env) {
  if (new URL(request.url).pathname === '/boot') return new Response('ready');
  const { program } = await request.json();
  return new Response(new Uint8Array((await frames(program, env)).flat()));
} };
"""


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a Unix socket in it: 104 bytes in all."""
    folder = Path(tempfile.mkdtemp(prefix="cct-test-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def compiled(binary: Path, folder: Path, host: str) -> Path:
    """A sandbox like that of JavaScript programs, with `host` for its main module."""
    (folder / "host.js").write_text(host)
    (folder / "config.capnp").write_text(workerd.javascript_config())
    workerd.compile_config(binary, folder / "config.capnp", folder / "config.bin")
    return folder / "config.bin"
