"""How much `cct deploy --dry-run` adds to wrangler's own time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row, Series, absolute
from cct_cloudflare import scaffold
from cct_cloudflare.deploy.project import is_installed
from cct_cloudflare.sandbox.toolchain import find_node, node_environment

ROOT = Path(__file__).resolve().parents[1]

#: Pairs of runs; a build takes seconds.
_PAIRS = 10


def rows() -> Iterator[Row]:
    yield absolute("cct deploy --dry-run, less wrangler's own time", _added(), 300)


def _added() -> Series:
    """In pairs, one after the other, so that a machine that is busy for a while is busy for both."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        scaffold.apply(scaffold.plan(project))
        target = scaffold.target_of(project)
        _link_packages(target)
        node = find_node()
        wrangler = [str(node), "node_modules/wrangler/bin/wrangler.js", "deploy", "--dry-run", "--env="]
        environment = {**node_environment(node), "WRANGLER_SEND_METRICS": "false", "WRANGLER_HIDE_BANNER": "true"}
        cct = [str(Path(sys.executable).with_name("cct")), "deploy", "--dry-run", "--directory", folder, "--json"]
        values = []
        for _ in range(_PAIRS + 1):  # the first pair also makes the Python assets, and does not count
            alone = _timed(wrangler, target, environment)
            values.append(_timed(cct, project, dict(os.environ)) - alone)
    return Series(tuple(values[1:]))


def _timed(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    assert b'"buildChecked": false' not in done.stdout
    return (time.perf_counter() - start) * 1000


def _link_packages(target: Path) -> None:
    """Those that the machine's set-up has installed for this lock."""
    link = target / "node_modules"
    for place in (".work/worker/.claude/sandbox/cloudflare", "templates/cloudflare"):
        link.symlink_to(ROOT / place / "node_modules", target_is_directory=True)
        if is_installed(target):
            return
        link.unlink()
    sys.exit("bench: the project's npm packages are missing; make test-worker installs them")
