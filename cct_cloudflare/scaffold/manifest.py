"""What cct last wrote into a project: the memory that tells a user's edit from an older template."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cct_cloudflare.errors import ConfigError, UsageError
from cct_cloudflare.scaffold.settings import ScaffoldSettings

MANIFEST_NAME = ".cct-manifest.json"

_FORMAT = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")


class DamagedManifestError(ValueError):
    """The text is not a manifest: cct then knows nothing about the files and treats each as the user's."""


@dataclass(frozen=True)
class Manifest:
    """`files` maps a relative path to the SHA-256 (hex) of what cct wrote there."""

    version: str
    settings: ScaffoldSettings
    files: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The same manifest always gives the same bytes."""
        data = {
            "format": _FORMAT,
            "cct": self.version,
            "settings": _settings_to_json(self.settings),
            "files": dict(sorted(self.files.items())),
        }
        return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def parse_manifest(content: bytes) -> Manifest:
    """Reads a manifest, which is part of the project and may be anybody's: only safe paths come out of it.

    Raises DamagedManifestError, or ConfigError when a newer cct wrote it.
    """
    try:
        data: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DamagedManifestError("it is not JSON") from error
    if not isinstance(data, dict):
        raise DamagedManifestError("it is not a JSON object")
    number = data.get("format")
    if isinstance(number, int) and number > _FORMAT:
        raise ConfigError(
            "A newer cct rendered this project's Worker, and this cct cannot read its manifest.",
            hint="Upgrade: pip install --upgrade cct-cloudflare",
        )
    version, settings, files = data.get("cct"), data.get("settings"), data.get("files")
    if number != _FORMAT or not isinstance(version, str) or not isinstance(settings, dict):
        raise DamagedManifestError("its fields are not a manifest's")
    if not isinstance(files, dict) or not all(_is_entry(path, digest) for path, digest in files.items()):
        raise DamagedManifestError("its list of files is not valid")
    return Manifest(version, _parse_settings(settings), files)


def _settings_to_json(settings: ScaffoldSettings) -> dict[str, Any]:
    """What was chosen and nothing else: a manifest without choices is one that every cct has written so."""
    data: dict[str, Any] = {"name": settings.name}
    if settings.model is not None:
        data["model"] = settings.model
    if settings.allowed_origins:
        data["allowedOrigins"] = list(settings.allowed_origins)
    if settings.container_switches:
        data["containerSwitches"] = settings.container_switches
    return data


def _parse_settings(data: Mapping[str, Any]) -> ScaffoldSettings:
    """Missing keys stand for nothing chosen, unknown ones are ignored; what is there must be valid."""
    name, model = data.get("name"), data.get("model")
    origins, switches = data.get("allowedOrigins", []), data.get("containerSwitches", 0)
    if (
        not isinstance(name, str)
        or not isinstance(model, str | None)
        or not isinstance(origins, list)
        or not all(isinstance(origin, str) for origin in origins)
        or type(switches) is not int
    ):
        raise DamagedManifestError("its settings are not valid")
    try:
        return ScaffoldSettings(name, model, tuple(origins), switches)
    except UsageError as error:
        raise DamagedManifestError("its settings are not valid") from error


def _is_entry(path: str, digest: object) -> bool:
    return isinstance(digest, str) and _SHA256.fullmatch(digest) is not None and _is_inner(path)


def _is_inner(path: str) -> bool:
    """Whether `path` can only name something inside the project: a manifest's files may get removed."""
    if len(path) > 1024 or re.search(r"[\x00-\x1f\\:]", path) or path == MANIFEST_NAME:
        return False
    return all(segment not in ("", ".", "..") for segment in path.split("/"))
