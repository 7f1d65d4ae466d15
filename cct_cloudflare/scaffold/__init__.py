"""Renders the Worker project into `<project>/.claude/sandbox/cloudflare` and keeps it up to date.

    settings  what a project chooses (its name); remembered in the manifest
    render    the packaged template and the settings → the files, as bytes
    manifest  what cct last wrote there
    planning  one decision per file; reads the disk, writes nothing
    applying  carries a plan out, under a lock, file by file or not at all
    source    the part of the project that the local Worker is built from

A second run changes nothing. An update of cct rewrites what the user has left alone and nothing else.
"""

from cct_cloudflare.scaffold.applying import apply
from cct_cloudflare.scaffold.layout import target_of
from cct_cloudflare.scaffold.planning import Action, FilePlan, Plan, plan
from cct_cloudflare.scaffold.settings import ScaffoldSettings
from cct_cloudflare.scaffold.source import (
    WorkerSource,
    is_pristine,
    packaged_worker_source,
    read_worker_source,
    worker_source_hash,
)

__all__ = [
    "Action",
    "FilePlan",
    "Plan",
    "ScaffoldSettings",
    "WorkerSource",
    "apply",
    "is_pristine",
    "packaged_worker_source",
    "plan",
    "read_worker_source",
    "target_of",
    "worker_source_hash",
]
