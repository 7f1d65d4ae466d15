"""A package → what of it needs an explicit yes before it is installed."""

from __future__ import annotations

from collections.abc import Iterator

from cct_cloudflare.components.package import Package
from cct_cloudflare.validation.model import Risk
from cct_cloudflare.validation.reading import read


def risks(package: Package) -> tuple[Risk, ...]:
    """All of them, in the order of the files; empty for what may be installed with `--yes`. Never raises.

    What cannot be read is a risk (`unreadable`): nobody knows what it does.
    """
    return tuple(dict.fromkeys(_risks(package)))


def _risks(package: Package) -> Iterator[Risk]:
    reading = read(package)
    for doubt in reading.doubts:
        yield Risk("unreadable", f"it {doubt}, so what it does cannot be told", reading.main)
