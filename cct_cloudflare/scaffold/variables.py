"""The `vars` of a rendered project's wrangler.toml that a Worker on this machine takes as well."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from cct_cloudflare.scaffold.layout import target_of
from cct_cloudflare.scaffold.settings import MODEL_NAME

#: The file, relative to the rendered project.
CONFIG = "wrangler.toml"

_VARIABLES = ("DEFAULT_MODEL", "ALLOWED_ORIGINS")
_MAX_VARIABLE = 2000


def worker_variables(target: Path) -> Mapping[str, str]:
    """Those of the project in `target` (`.claude/sandbox/cloudflare`).

    A file that does not parse has none: `wrangler` is who tells what is wrong with it.
    """
    try:
        found = tomllib.loads((target / CONFIG).read_text(encoding="utf-8")).get("vars")
    except (OSError, ValueError, RecursionError):
        return {}
    values = {name: found.get(name) for name in _VARIABLES} if isinstance(found, dict) else {}
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, str) and value.isprintable() and len(value) <= _MAX_VARIABLE
    }


def project_model(project: Path) -> str | None:
    """The full name of the model that this project has chosen, or None where it leaves it at the default one."""
    from cct_cloudflare.pricing import default_model, resolve_model

    chosen = resolve_model(worker_variables(target_of(project)).get("DEFAULT_MODEL", ""))
    return chosen if MODEL_NAME.fullmatch(chosen) and chosen != default_model() else None
