"""Where this user's settings, caches and data lie, and the variables that are read."""

from __future__ import annotations

import os
from pathlib import Path

APP = "cct-cloudflare"
KEY_VARIABLE = "ANTHROPIC_API_KEY"
TOKEN_VARIABLE = "CCT_TOKEN"  # noqa: S105 - the variable's name
URL_VARIABLE = "CLOUDFLARE_WORKER_URL"


def config_dir() -> Path:
    """Settings and secrets of this user (Linux: `$XDG_CONFIG_HOME/cct-cloudflare`)."""
    import platformdirs

    return platformdirs.user_config_path(APP, appauthor=False)


def cache_dir() -> Path:
    """What can be made again: the toolchain, bundles, snapshots (Linux: `$XDG_CACHE_HOME/cct-cloudflare`)."""
    import platformdirs

    return platformdirs.user_cache_path(APP, appauthor=False)


def data_dir() -> Path:
    """What a user would miss: the history of runs (Linux: `$XDG_DATA_HOME/cct-cloudflare`)."""
    import platformdirs

    return platformdirs.user_data_path(APP, appauthor=False)


def registries_file() -> Path:
    """The registries of components that this user has added; absent where there are none."""
    return config_dir() / "registries.json"


def claude_dir() -> Path:
    """The user's own `.claude`, which Claude Code reads in every project; it may not be there."""
    named = os.environ.get("CLAUDE_CONFIG_DIR", "").strip()
    return Path(named) if named else Path.home() / ".claude"


def state_dir() -> Path:
    """What is being done: backups, journals, locks (Linux: `$XDG_STATE_HOME/cct-cloudflare`)."""
    import platformdirs

    return platformdirs.user_state_path(APP, appauthor=False)
