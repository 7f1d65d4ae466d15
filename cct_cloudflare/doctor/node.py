"""Which Node there is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cct_cloudflare.doctor.programs import Programs
from cct_cloudflare.sandbox.toolchain import node_candidates

#: A Node takes 50 ms to say its version; one that needs this many seconds will never build a Worker.
_PATIENCE = 5.0

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Node:
    """`version` is None where the program gave none: it does not start, hangs, or is something else."""

    path: Path
    version: Version | None

    @property
    def says(self) -> str:
        """`24.14.0`, or what is wrong with it."""
        return ".".join(map(str, self.version)) if self.version else "a program that does not tell its version"


def find_nodes(programs: Programs) -> tuple[Node, ...]:
    """Each Node that cct may use, in the order in which it tries them."""
    return tuple(Node(Path(path), _version(programs, path)) for path in node_candidates())


def _version(programs: Programs, path: str) -> Version | None:
    try:
        said = programs.ask([path, "--version"], seconds=_PATIENCE)
    except (OSError, TimeoutError):
        return None
    found = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)\S*", said.out.strip())
    return (int(found[1]), int(found[2]), int(found[3])) if found and said.code == 0 else None
