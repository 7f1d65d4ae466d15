"""A program and its files: the twin of the Worker's `src/program.ts`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cct_cloudflare.errors import WorkerError

Encoding = Literal["utf8", "base64"]


@dataclass(frozen=True, slots=True)
class ProgramFile:
    """`content` is text, or base64 where the bytes are not UTF-8."""

    path: str
    content: str
    encoding: Encoding = "utf8"

    @classmethod
    def from_bytes(cls, path: str, data: bytes) -> ProgramFile:
        """Text where the bytes are UTF-8, base64 where they are not: nothing is lost either way."""
        try:
            return cls(path, data.decode())
        except UnicodeDecodeError:
            return cls(path, base64.b64encode(data).decode("ascii"), "base64")

    @property
    def data(self) -> bytes:
        """The file's bytes. Raises WorkerError (`worker_invalid`) for base64 that is none."""
        if self.encoding == "utf8":
            return self.content.encode()
        try:
            return base64.b64decode(self.content, validate=True)
        except (binascii.Error, ValueError) as error:
            raise WorkerError(
                f'The Worker sent a file whose base64 is not valid: "{self.path}".', code="worker_invalid"
            ) from error

    def to_json(self) -> dict[str, Any]:
        body = {"path": self.path, "content": self.content}
        return body if self.encoding == "utf8" else {**body, "encoding": self.encoding}


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was dropped because its name could do harm."""

    path: str
    reason: str

    def to_json(self) -> dict[str, str]:
        return {"path": self.path, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Program:
    """`language` is python, javascript, typescript or web; `entrypoint` is the path of the file that starts."""

    language: str
    entrypoint: str
    files: tuple[ProgramFile, ...]

    def to_json(self) -> Mapping[str, Any]:
        return {
            "language": self.language,
            "entrypoint": self.entrypoint,
            "files": [file.to_json() for file in self.files],
        }
