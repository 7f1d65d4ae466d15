"""`cct doctor` on a machine where everything is there: runtime, project, wrangler, key, a Worker with its token."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row, absolute, series
from cct_cloudflare import scaffold
from cct_cloudflare.sandbox.local import local_worker
from cct_cloudflare.sandbox.toolchain import ensure_runtime
from cct_cloudflare.scripted import ScriptedModel

_RUNS = 10
_TOKEN = "bench"
_INSTALLED = Path(".work", "worker", ".claude", "sandbox", "cloudflare", "node_modules")

#: What `cct deploy` remembers: wrangler's login is asked for only where the user has deployed.
_DEPLOYED = "import sys; from pathlib import Path; from cct_cloudflare.deployments import Deployment, remember\n"
_DEPLOYED += "remember(Path(sys.argv[1]), Deployment('', 'cct-sandbox'))"


def rows() -> Iterator[Row]:
    runtime = ensure_runtime(lambda _: None)
    with (
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryDirectory() as folder,
        ScriptedModel() as model,
        local_worker(runtime, environment={}, listen="127.0.0.1:0", token=_TOKEN) as worker,
    ):
        project = Path(folder).resolve()
        scaffold.apply(scaffold.plan(project))
        if _INSTALLED.is_dir():
            (scaffold.target_of(project) / "node_modules").symlink_to(_INSTALLED.resolve(), target_is_directory=True)
        environment = {
            **os.environ,
            "XDG_CONFIG_HOME": home,
            "XDG_DATA_HOME": home,
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": "sk-ant-bench",
            "CCT_TOKEN": _TOKEN,
        }
        subprocess.run([sys.executable, "-c", _DEPLOYED, project], check=True, env=environment)

        def examine(*argv: str) -> None:
            cct = str(Path(sys.executable).with_name("cct"))
            command = [cct, "doctor", "--directory", str(project), *argv]
            subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)

        yield absolute("cct doctor, runs on this machine", series(examine, _RUNS), 3000)
        remote = series(lambda: examine("--worker-url", worker.url), _RUNS)
        yield absolute("cct doctor, with a deployed Worker", remote, 3000)
