"""`workerd`, Cloudflare's open-source runtime: its configurations, and starting one process.

Facts about it (sockets, limits, signals) are in docs/architecture.md, "The local runtime".
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Socket and service addresses are given when a process starts; a configuration must still name some.
_LATER = "unix:given-at-start"

#: The name of the disk service of a configuration that has one.
DISK = "files"

_HEADER = 'using Workerd = import "/workerd/workerd.capnp";\n\n'

# A `workerd` defines a public service named "internet" by itself where a configuration does not.
_DENY_MODULE = (
    "const denied = () => { throw new Error('network access is disabled in this sandbox'); };"
    " export default { fetch: denied, connect: denied };"
)
_NO_NETWORK = f"""\
const deny :Workerd.Worker = (
  modules = [(name = "deny.js", esModule = {json.dumps(_DENY_MODULE)})],
  compatibilityDate = "2026-11-01",
);
"""

COMPATIBILITY_DATE = "2026-11-01"

#: The variables that the local gateway takes from its process environment.
GATEWAY_VARIABLES = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_BASE_URL",
    "CCT_TOKEN",
    "CCT_TOKEN_NEXT",
    "CCT_DEPLOYMENT",
    "DEFAULT_MODEL",
    "ALLOWED_ORIGINS",
)


def gateway_config() -> str:
    """The local Worker: `worker.js` beside it, the runner as a service, its secrets from the environment."""
    variables = "".join(f'    (name = "{name}", fromEnvironment = "{name}"),\n' for name in GATEWAY_VARIABLES)
    return (
        f"{_HEADER}"
        "const config :Workerd.Config = (\n"
        "  services = [\n"
        '    (name = "main", worker = .gateway),\n'
        '    (name = "internet", network = (\n'
        '      allow = ["public", "private"],\n'
        "      tlsOptions = (trustBrowserCas = true),\n"
        "    )),\n"
        f'    (name = "runner", external = (address = "{_LATER}", http = ())),\n'
        "  ],\n"
        f'  sockets = [(name = "http", address = "{_LATER}", http = (), service = "main")],\n'
        ");\n\n"
        "const gateway :Workerd.Worker = (\n"
        '  modules = [(name = "worker.js", esModule = embed "worker.js")],\n'
        f'  compatibilityDate = "{COMPATIBILITY_DATE}",\n'
        # Tells when a client has gone; wrangler.toml names it too.
        '  compatibilityFlags = ["enable_request_signal"],\n'
        "  bindings = [\n"
        '    (name = "RUNNER", service = "runner"),\n'
        f"{variables}"
        "  ],\n"
        # Without it the runtime does not keep the class that wrangler.toml binds.
        '  durableObjectNamespaces = [(className = "RunGate", uniqueKey = "run-gate", enableSql = true)],\n'
        "  durableObjectStorage = (inMemory = void),\n"
        ");\n"
    )


def javascript_config() -> str:
    """A throwaway process for one JavaScript or TypeScript program: `host.js` beside it."""
    return _sandbox_config(
        modules=['(name = "host.js", esModule = embed "host.js")'],
        date=COMPATIBILITY_DATE,
        flags=[],
        bindings=['(name = "LOADER", workerLoader = (id = "programs"))'],
    )


def python_config(manifest: Mapping[str, Any]) -> str:
    """A throwaway process for one Python program.

    `manifest` is the one that `scripts/python-assets.mjs` writes; the files of its modules stand in `python/` beside
    this configuration. Those that `process.disk` names are not embedded, which would cost 4 ms per MB at every start,
    but read through a disk service of that folder (see `DISK`).
    """
    alone = manifest["process"]
    embedded = [module for module in manifest["modules"] if module["file"] not in alone["disk"]["files"]]
    embedded.sort(key=lambda module: module["name"] != manifest["main"])  # the first one is what runs
    return _sandbox_config(
        modules=[
            f"(name = {json.dumps(module['name'])}, {module['type']} = embed {json.dumps('python/' + module['file'])})"
            for module in embedded
        ],
        date=manifest["compatibilityDate"],
        flags=manifest["compatibilityFlags"],
        bindings=[
            f'(name = {json.dumps(alone["disk"]["binding"])}, service = "{DISK}")',
            *(f"(name = {json.dumps(name)}, text = {json.dumps(text)})" for name, text in alone["bindings"].items()),
        ],
        services=[f'(name = "{DISK}", disk = "given-at-start")'],
        v8_flags=alone["v8Flags"],
    )


def _sandbox_config(
    *,
    modules: Sequence[str],
    date: str,
    flags: Sequence[str],
    bindings: Sequence[str],
    services: Sequence[str] = (),
    v8_flags: Sequence[str] = (),
) -> str:
    every_service = ['(name = "main", worker = .sandbox)', '(name = "internet", worker = .deny)', *services]
    return (
        f"{_HEADER}"
        "const config :Workerd.Config = (\n"
        f"  services = {_list(every_service)},\n"
        f'  sockets = [(name = "http", address = "{_LATER}", http = (), service = "main")],\n'
        f"  v8Flags = {json.dumps(v8_flags)},\n"
        ");\n\n"
        "const sandbox :Workerd.Worker = (\n"
        f"  modules = {_list(modules)},\n"
        f"  compatibilityDate = {json.dumps(date)},\n"
        f"  compatibilityFlags = {json.dumps(flags)},\n"
        f"  bindings = {_list(bindings)},\n"
        '  globalOutbound = "internet",\n'
        ");\n\n"
        f"{_NO_NETWORK}"
    )


def _list(items: Sequence[str]) -> str:
    return "[\n" + "".join(f"    {item},\n" for item in items) + "  ]"


def compile_config(workerd: Path, config: Path, compiled: Path) -> None:
    """Turns a configuration, with the files that it embeds, into the form that starts fastest."""
    with compiled.open("wb") as out:
        # Nothing of the environment: the user's key may be in it.
        command = [str(workerd), "compile", "--config-only", str(config)]
        subprocess.run(command, stdout=out, check=True, cwd=config.parent, env={})


@dataclass(frozen=True)
class ResourceLimits:
    """Hard backstops that the kernel holds; what a run may really use is watched from outside."""

    #: Bytes of private writable memory; None where the system does not count them (macOS).
    data_bytes: int | None


class Workerd:
    """A started `workerd`. It may not listen yet: `wait_until_listening` tells."""

    def __init__(self, process: subprocess.Popen[bytes], control_fd: int) -> None:
        self.process = process
        self._control = os.fdopen(control_fd, "rb")

    def wait_until_listening(self) -> int:
        """The port it listens on, 0 on a Unix socket. Raises RuntimeError when it ends first."""
        with self._control as control:
            for line in control:
                event = json.loads(line)
                if event.get("event") == "listen" and event.get("socket") == "http":
                    return int(event.get("port") or 0)
        raise RuntimeError("workerd ended before it listened")

    def kill(self) -> None:
        """Ends it for certain: one that is in a loop ignores SIGTERM."""
        self.process.kill()
        self.process.wait()


def start(
    workerd: Path,
    compiled: Path,
    *,
    address: str,
    directory: Path,
    external: Mapping[str, str] | None = None,
    disk: Path | None = None,
    environment: Mapping[str, str] | None = None,
    limits: ResourceLimits | None = None,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> Workerd:
    """Starts a `workerd` on a compiled configuration, in `directory`, with `environment` and nothing else.

    `address` is what its socket `http` listens on, ``unix:PATH`` or ``HOST:PORT``; `external` gives the addresses of
    external services by name, `disk` the folder behind the service `DISK`. Raises OSError.
    """
    read_fd, write_fd = os.pipe()
    command = [
        str(workerd),
        "serve",
        "--binary",
        str(compiled),
        "--experimental",
        f"--socket-addr=http={address}",
        f"--control-fd={write_fd}",
        *(f"--external-addr={name}={at}" for name, at in (external or {}).items()),
        *([] if disk is None else [f"--directory-path={DISK}={disk}"]),
    ]
    if limits is not None:
        # A shell sets the limits before workerd is there at all; a `preexec_fn` is not safe beside threads.
        # -c no core dumps; -f (512-byte blocks) no files larger than 1 MiB; -s and -d in KiB. The stack is larger than
        # any that V8 is told to use (`v8Flags`), where the system allows it.
        script = "ulimit -c 0; ulimit -f 2048; ulimit -s 65536 2>/dev/null; "
        if limits.data_bytes is not None:
            script += f"ulimit -d {limits.data_bytes // 1024}; "
        command = ["/bin/sh", "-c", script + 'exec "$@"', "sh", *command]
    try:
        process = subprocess.Popen(
            command,
            pass_fds=[write_fd],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=dict(environment or {}),
            cwd=directory,
        )
    except OSError:
        os.close(read_fd)
        raise
    finally:
        os.close(write_fd)
    return Workerd(process, read_fd)
