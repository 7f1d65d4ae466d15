"""The scripts of the bundled skills: as modules for what they compute, as processes for how they are used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

from cct_cloudflare.resources import components_dir

SKILLS = components_dir() / "skills"


def path(name: str) -> Path:
    """`git/bisect/verdict` → the file of that script."""
    skill, _, script = name.rpartition("/")
    return SKILLS / skill / "scripts" / f"{script}.py"


def load(name: str) -> ModuleType:
    """Without the compiled file that an import would leave in the catalog."""
    file = path(name)
    module = ModuleType(file.stem)
    exec(compile(file.read_text(encoding="utf-8"), file, "exec"), module.__dict__)
    return module


def run(name: str, *arguments: str | Path, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, path(name), *arguments], cwd=cwd, input=stdin, capture_output=True, text=True, check=False
    )
