"""Copies of what was installed, in the user's data folder: the base of every update and diff, without a network.

A package is one archive under its digest; a file of the user's that a component replaced lies under its SHA-256. Both
are checked when they are read, so that one that was cut or changed counts as missing.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import secrets
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from cct_cloudflare.components.package import Package, digest_of
from cct_cloudflare.config import data_dir
from cct_cloudflare.errors import ConfigError

_SHA256 = re.compile(r"[0-9a-f]{64}")


def put(package: Package) -> None:
    """Keeps a package. Raises ConfigError when that cannot be."""
    path = _package_path(package.digest)
    if get(package.digest) is not None:
        return
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(package.files):
            archive.writestr(zipfile.ZipInfo(name), package.files[name])
    _write(path, buffer.getvalue())


def get(digest: str) -> Mapping[str, bytes] | None:
    """The files of a package that was installed, by their paths in it; None where it is not known any more."""
    if not _SHA256.fullmatch(digest):
        return None
    try:
        with zipfile.ZipFile(_package_path(digest)) as archive:
            files = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    except (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error):  # one bit can be each of them
        return None
    return files if digest_of(files) == digest else None


def keep(content: bytes) -> str:
    """Keeps a file of the user's, and gives its SHA-256. Raises ConfigError when that cannot be."""
    digest = hashlib.sha256(content).hexdigest()
    if kept(digest) is None:
        _write(_kept_path(digest), content)
    return digest


def kept(digest: str) -> bytes | None:
    """A file that was kept; None where it is not known any more."""
    if not _SHA256.fullmatch(digest):
        return None
    try:
        content = _kept_path(digest).read_bytes()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == digest else None


def _package_path(digest: str) -> Path:
    return data_dir() / "packages" / f"{digest}.zip"


def _kept_path(digest: str) -> Path:
    return data_dir() / "replaced" / digest


def _write(path: Path, content: bytes) -> None:
    staged = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            fd = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
            with open(fd, "wb") as file:  # noqa: PTH123 - a descriptor
                file.write(content)
            staged.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                staged.unlink()
            raise
    except OSError as error:
        raise ConfigError(
            f"{path.parent} cannot be written: {error.strerror or error}.",
            hint="Check the folder's permissions and the free space; nothing was installed.",
            code="output_unwritable",
        ) from error
