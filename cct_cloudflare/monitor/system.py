"""The machine that asks, which is also where a local Worker runs."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from typing import Any

from cct_cloudflare import __version__
from cct_cloudflare.resources import worker_json

#: Node's names for what Python calls otherwise, so that both tools report the same.
_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class System:
    """`workerd` is the version that runs the local Worker; None when a deployed one is asked."""

    tool: str
    runtime: str
    workerd: str | None
    platform: str
    release: str
    arch: str
    cpus: int
    memory_bytes: int

    def to_json(self) -> dict[str, Any]:
        return {
            "tool": self.tool,
            "runtime": self.runtime,
            "workerd": self.workerd,
            "platform": self.platform,
            "release": self.release,
            "arch": self.arch,
            "cpus": self.cpus,
            "memoryBytes": self.memory_bytes,
        }


def this_system(*, is_local: bool) -> System:
    """What this machine is; `is_local` says that the Worker runs here, too."""
    import psutil

    machine = platform.machine().lower()
    return System(
        tool=f"cct {__version__}",
        runtime=f"Python {platform.python_version()}",
        workerd=_workerd_version() if is_local else None,
        platform=sys.platform,
        release=platform.release(),
        arch=_ARCHITECTURES.get(machine, machine),
        cpus=_usable_cpus(),
        memory_bytes=psutil.virtual_memory().total,
    )


def _usable_cpus() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _workerd_version() -> str:
    return str(worker_json("package.json")["dependencies"]["workerd"])
