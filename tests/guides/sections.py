"""The sections of the guides that are made from the code, between `<!-- name -->` and `<!-- /name -->`.

`python -m tests.guides` writes them anew, into the templates; a test holds them to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.guides.options import options_section
from tests.runtime import ROOT

TEMPLATES = ROOT / "templates" / "cloudflare"

#: What makes a section: Markdown as prettier has it, without blank lines at its edges.
SECTIONS: dict[str, Callable[[], str]] = {"options": options_section}


def guides() -> list[Path]:
    return sorted(TEMPLATES.glob("*.md.j2"))


def sections_of(guide: Path) -> Iterator[tuple[str, str]]:
    """Names and texts of the sections that a guide has."""
    for name in SECTIONS:
        for found in _section(name).finditer(guide.read_text()):
            yield name, found["text"].strip("\n")


def write_sections() -> None:
    for guide in guides():
        text = guide.read_text()
        for name, make in SECTIONS.items():
            if _section(name).search(text):
                made = f"\n{make()}\n\n"
                text = _section(name).sub(lambda _, made=made: made, text)
        guide.write_text(text)


def _section(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name} -->\n)(?P<text>.*?)(?=<!-- /{name} -->)", re.DOTALL)
