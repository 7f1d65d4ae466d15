"""The machine: Python, Node, Docker, the `cct` that a shell finds, proxies, space."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from cct_cloudflare import __version__, config
from cct_cloudflare.doctor.check import Finding, fail, ok, skip, warn
from cct_cloudflare.doctor.context import Context
from cct_cloudflare.doctor.node import Node
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.sandbox.toolchain import MIN_NODE, check_platform, installed_runtime, node_environment

_MIN_PYTHON = (3, 11)

#: What the tools of the rendered project need: Node runs TypeScript as it is from this version on.
PROJECT_NODE = (22, 18)

#: Seconds; npm is a program of its own, and Docker's daemon may hang.
_PATIENCE = 5.0

#: Bytes that installing the local runtime takes while it is under way, and that a run may need for its files.
_INSTALL_BYTES = 1024**3
_RUN_BYTES = 100 * 1024**2

_NODE_FIX = "pip install 'cct-cloudflare[node]'"
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def look_at_cct(_: Context) -> Finding:
    found = f"cct {__version__} on Python {platform.python_version()}"
    if sys.version_info < _MIN_PYTHON:
        return fail(f"{found}, which is too old.", "Install cct with Python 3.11 or newer.")
    return ok(f"{found}.")


def look_at_command(_: Context) -> Finding:
    """Which `cct` a shell finds: the npm package claude-code-templates installs one, too."""
    found = shutil.which("cct")
    ours = Path(sys.executable).parent
    if found is None:
        return ok(f"The PATH has no cct; this one is {ours / 'cct'}, and python -m cct_cloudflare always works.")
    real = Path(os.path.realpath(found))
    if Path(found).parent == ours or real.parent == ours or real.parent == Path(os.path.realpath(ours)):
        return ok(f"cct is {found}.")
    fix = f"Put {ours} earlier on PATH, or use: python -m cct_cloudflare"
    if "claude-code-templates" in real.parts or _head(real).startswith(b"#!/usr/bin/env node"):
        return warn(f"cct on the PATH is another program: {found} (npm's claude-code-templates has one).", fix)
    if b"cct_cloudflare" in _head(real):
        return warn(f"cct on the PATH is another installation of this one: {found}.", fix)
    return warn(f"cct on the PATH is another program: {found}.", fix)


def look_at_platform(context: Context) -> Finding:
    system = f"{platform.system()} {platform.machine()}"
    try:
        check_platform()
    except ConfigError as error:
        if context.target.get() is not None:
            return ok(f"{system}; runs go to a deployed Worker.")
        return fail(error.message, error.hint)
    return ok(f"{system}.")


def look_at_node(context: Context) -> Finding:
    nodes = context.nodes.get()
    best = best_node(nodes)
    if best is not None and best.version is not None:
        if best.version >= PROJECT_NODE:
            return ok(f"Node {best.says} ({best.path}).")
        wanted = ".".join(map(str, PROJECT_NODE))
        return warn(f"Node {best.says} ({best.path}) cannot run the project's tools, which need {wanted}.", _NODE_FIX)
    wanted = ".".join(map(str, MIN_NODE))
    there = "; ".join(f"{node.path} is {node.says}" for node in nodes)
    detail = f"There is no Node {wanted} or newer{f': {there}' if there else ''}."
    if context.target.get() is not None:
        return warn(f"{detail} Runs go to a deployed Worker; deploying one needs Node.", _NODE_FIX)
    if installed_runtime() is not None:
        return warn(f"{detail} Runs do not need it any more; deploying and changing the Worker do.", _NODE_FIX)
    return fail(detail, _NODE_FIX)


def look_at_npm(context: Context) -> Finding:
    node = best_node(context.nodes.get())
    if node is None:
        return skip("npm belongs to Node.")
    npm = shutil.which("npm", path=str(node.path.parent)) or shutil.which("npm")
    if npm is None:
        return warn("There is no npm beside Node; installing the local runtime needs it.", _NODE_FIX)
    try:
        said = context.programs.ask([npm, "--version"], seconds=_PATIENCE, environment=node_environment(node.path))
    except (OSError, TimeoutError):
        return warn(f"{npm} does not answer.", _NODE_FIX)
    if said.code != 0 or not said.out.strip():
        return warn(f"{npm} does not work.", _NODE_FIX)
    return ok(f"npm {said.out.strip()} ({npm}).")


def look_at_docker(context: Context) -> Finding:
    """Nothing needs it but building an image for the container sandbox, so that it is never a fault."""
    docker = shutil.which("docker")
    if docker is None:
        return skip("Docker is not installed; nothing here needs it, but building an image for containers.")
    try:
        said = context.programs.ask([docker, "version", "--format", "{{.Server.Version}}"], seconds=_PATIENCE)
    except (OSError, TimeoutError):
        return skip("Docker is installed, but does not answer; only building an image for containers needs it.")
    if said.code != 0:
        return skip("Docker is installed, but its daemon does not run; only building an image for containers needs it.")
    return ok(f"Docker {said.out.strip()}.")


def look_at_proxy(_: Context) -> Finding:
    """Proxies by name and host: an address may hold a password."""
    found = {name: value for name in _PROXIES if (value := os.environ.get(name) or os.environ.get(name.lower()))}
    if not found:
        return ok("No proxy is set.")
    hosts = {}
    for name, value in found.items():
        try:
            parts = urlsplit(value if "://" in value else f"http://{value}")
            host = parts.hostname
        except ValueError:
            host = None
        if not host:
            return fail(f"{name} is not the address of a proxy.", f"Set it to http://host:port, or: unset {name}")
        if parts.scheme not in ("http", "https"):
            return fail(
                f"{name} names a {parts.scheme} proxy, which cct does not speak.",
                f"Name an http proxy, or: unset {name}",
            )
        hosts[name] = host
    named = ", ".join(f"{name} names {host}" for name, host in hosts.items())
    return warn(
        f"{named}; a Worker on this machine asks Claude without it, because workerd takes none.",
        "Where only the proxy leads to the internet, use a deployed Worker or --direct.",
    )


def look_at_space(_: Context) -> Finding:
    folder = config.cache_dir()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return judge_space(shutil.disk_usage(folder).free, folder, is_installed=installed_runtime() is not None)


def judge_space(free: int, folder: Path, *, is_installed: bool) -> Finding:
    """`free` is in bytes. Before the local runtime is installed it needs more."""
    megabytes = f"{free // 1024**2:,} MB are free at {folder}"
    if free >= (_RUN_BYTES if is_installed else _INSTALL_BYTES):
        return ok(f"{megabytes}.")
    fix = "Free some space there, or set XDG_CACHE_HOME to another folder."
    if is_installed:
        return warn(f"Only {megabytes}.", fix)
    return fail(f"Only {megabytes}; installing the local runtime takes up to {_INSTALL_BYTES // 1024**2:,} MB.", fix)


def best_node(nodes: tuple[Node, ...]) -> Node | None:
    """The one that cct uses."""
    return next((node for node in nodes if node.version is not None and node.version >= MIN_NODE), None)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError:
        return b""
