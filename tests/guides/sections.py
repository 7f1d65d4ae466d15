"""The sections of the guides that are made from the code, between `<!-- name -->` and `<!-- /name -->`.

`python -m tests.guides` writes them anew, into the templates, and aligns their tables; a test holds them to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cct_cloudflare.scaffold.markdown import align_tables
from tests.guides.facts import with_facts
from tests.guides.measurements import measurements_section
from tests.guides.options import options_section
from tests.runtime import ROOT

TEMPLATES = ROOT / "templates" / "cloudflare"

#: What makes a section: Markdown as prettier has it, without blank lines at its edges.
SECTIONS: dict[str, Callable[[], str]] = {"measurements": measurements_section, "options": options_section}


def guides() -> list[Path]:
    return sorted(TEMPLATES.glob("*.md.j2"))


def sections_of(guide: Path) -> Iterator[tuple[str, str]]:
    """Names and texts of the sections that a guide has."""
    for name in SECTIONS:
        for found in _section(name).finditer(guide.read_text()):
            yield name, found["text"].strip("\n")


def write_sections() -> None:
    for guide in guides():
        guide.write_text(written(guide.read_text()))


def written(text: str) -> str:
    """A guide's template as it should be."""
    for name, make in SECTIONS.items():
        if found := _section(name).search(text):
            text = f"{text[: found.start()]}\n{make()}\n\n{text[found.end() :]}"
    text = with_facts(text)
    # In a fenced block nothing is a table; one with values to be rendered is aligned when it is.
    parts = re.split(r"(^```.*?^```$|^@% filter aligned %@$.*?^@% endfilter %@$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if index % 2 else _tidied(part) for index, part in enumerate(parts))


def _tidied(text: str) -> str:
    return re.sub(r"(^\|.*\n)+", lambda table: align_tables(table[0]), text, flags=re.MULTILINE)


def _section(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name} -->\n)(?P<text>.*?)(?=<!-- /{name} -->)", re.DOTALL)
