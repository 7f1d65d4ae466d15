"""Where the packed data lives: the Worker project to render, and the bundled components.

A wheel carries both under `cct_cloudflare/_resources/`; a checkout, an sdist and an editable install have them
at the top of the source tree, beside `pyproject.toml`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from cct_cloudflare.errors import ConfigError

_PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """The folder that holds `cloudflare/`, the Worker project. Raises ConfigError when the installation lacks it."""
    return _locate("templates", _PACKAGE)


@cache
def worker_json(path: str) -> dict[str, Any]:
    """A JSON file of the Worker project, such as `src/models.json`, which both sides read. Not to be changed."""
    value: dict[str, Any] = json.loads((templates_dir() / "cloudflare" / path).read_bytes())
    return value


def components_dir() -> Path:
    """The folder that holds `agents/` and `commands/`. Raises ConfigError when the installation lacks it."""
    return _locate("components", _PACKAGE)


def _locate(name: str, package: Path) -> Path:
    packed = package / "_resources" / name
    if packed.is_dir():
        return packed
    checkout = package.parent
    # Beside an installed package lies site-packages, where a folder of this name is somebody else's.
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    raise ConfigError(
        f"This installation of cct-cloudflare has no {name}.",
        hint="Install it again: pip install --force-reinstall cct-cloudflare",
    )
