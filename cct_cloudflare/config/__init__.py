"""What a user has set, in folders of their own.

places   the folders, and the names of the variables
keys     the Anthropic key
workers  deployed Workers and their tokens
consent  projects whose changed Worker source may run

Secrets come from a flag, the environment, or a 0600 file in the user's configuration folder, never from a
project, with one exception: `ANTHROPIC_API_KEY` in the project's `.env`. Their values show in no `repr`.
The environment is read when a function is called, never at import.
"""

from cct_cloudflare.config.consent import agreed, is_trusted, trust
from cct_cloudflare.config.keys import (
    KEY_SOURCES,
    Key,
    KeySource,
    checked_key,
    find_anthropic_key,
    store_anthropic_key,
)
from cct_cloudflare.config.places import (
    KEY_VARIABLE,
    TOKEN_VARIABLE,
    URL_VARIABLE,
    cache_dir,
    claude_dir,
    config_dir,
    data_dir,
    registries_file,
    state_dir,
)
from cct_cloudflare.config.workers import (
    WorkerTarget,
    checked_token,
    checked_worker_url,
    forget_worker,
    is_loopback,
    session_worker,
    store_worker,
    stored_workers,
    worker_target,
)

__all__ = [
    "KEY_SOURCES",
    "KEY_VARIABLE",
    "TOKEN_VARIABLE",
    "URL_VARIABLE",
    "Key",
    "KeySource",
    "WorkerTarget",
    "agreed",
    "cache_dir",
    "checked_key",
    "checked_token",
    "checked_worker_url",
    "claude_dir",
    "config_dir",
    "data_dir",
    "find_anthropic_key",
    "forget_worker",
    "is_loopback",
    "is_trusted",
    "registries_file",
    "session_worker",
    "state_dir",
    "store_anthropic_key",
    "store_worker",
    "stored_workers",
    "trust",
    "worker_target",
]
