"""Reading JSON that came from a Worker: tolerant of what is new, strict about the type of what is known."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from cct_cloudflare.errors import WorkerError

_ABSENT: Any = object()


class Fields:
    """The fields of one JSON object, read by type; each fault is a WorkerError (`worker_invalid`) that names the field.

    Each reader takes the value for an absent field as `default`; without one the field is required.
    A `maybe_` reader also takes null, and gives None for an absent field.
    """

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            invalid(f"{where} is not an object")
        self._value: dict[str, Any] = value
        self._where = where

    @classmethod
    def parse(cls, text: str, where: str) -> Fields:
        """Raises WorkerError for text that is not JSON, holds NaN or Infinity, or is nested without end."""
        try:
            value = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            invalid(f"{where} is not valid JSON")
        return cls(value, where)

    def text(self, name: str, default: str = _ABSENT) -> str:
        return _well_formed(self._get(name, str, default))

    def flag(self, name: str, default: bool = _ABSENT) -> bool:
        value: bool = self._get(name, bool, default)
        return value

    def count(self, name: str, default: int = _ABSENT) -> int:
        """An integer that is not negative."""
        value: int = self._get(name, int, default)
        if value < 0:
            invalid(f"{self._name(name)} is negative")
        return value

    def integer(self, name: str, default: int = _ABSENT) -> int:
        value: int = self._get(name, int, default)
        return value

    def number(self, name: str, default: float = _ABSENT) -> float:
        """A finite number that is not negative; an integer stays one."""
        value: float = self._get(name, (int, float), default)
        try:
            sound = math.isfinite(value) and value >= 0
        except OverflowError:
            sound = False
        if not sound:
            invalid(f"{self._name(name)} is out of range")
        return value

    def maybe_text(self, name: str) -> str | None:
        return self.text(name) if self.has(name) else None

    def maybe_count(self, name: str) -> int | None:
        return self.count(name) if self.has(name) else None

    def maybe_integer(self, name: str) -> int | None:
        return self.integer(name) if self.has(name) else None

    def maybe_number(self, name: str) -> float | None:
        return self.number(name) if self.has(name) else None

    def maybe_object(self, name: str) -> Fields | None:
        return Fields(self._value[name], self._name(name)) if self.has(name) else None

    def objects(self, name: str) -> list[Fields]:
        """The objects of an array; an absent one is empty."""
        values = self._get(name, list, [])
        return [Fields(value, f"{self._name(name)}[{index}]") for index, value in enumerate(values)]

    def texts(self, name: str) -> tuple[str, ...]:
        """The strings of an array; an absent one is empty."""
        values = self._get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            invalid(f"{self._name(name)} holds something else than text")
        return tuple(_well_formed(value) for value in values)

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._value.get(name) is not None

    def _name(self, name: str) -> str:
        return f'"{name}" of {self._where}'

    def _get(self, name: str, kind: type | tuple[type, ...], default: Any) -> Any:
        if name not in self._value:
            if default is _ABSENT:
                invalid(f"{self._name(name)} is missing")
            return default
        value = self._value[name]
        # bool is an int to Python, never to JSON.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            invalid(f"{self._name(name)} has the wrong type")
        return value


def invalid(what: str) -> NoReturn:
    raise WorkerError(
        f"The Worker's answer could not be understood: {what}.",
        hint="Worker and cct may be of different versions: render and deploy the Worker again.",
        code="worker_invalid",
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _well_formed(text: str) -> str:
    """A lone surrogate becomes U+FFFD, as it does in the Worker's own encoder: no text may fail to be written."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
