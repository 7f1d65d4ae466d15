"""Copies what hooks share from the first of them to the others: `python -m tests.components.hooks`."""

from __future__ import annotations

from tests.components.hooks.shared import PARTS

for part in PARTS:
    first, *others = part.hooks
    for other in others:
        part.put(other, part.of(first))
