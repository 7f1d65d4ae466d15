"""Listing, searching and reading catalogs that have become large."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.measure import RUNS, Row, Series, absolute, series
from cct_cloudflare.catalog.cache import SETTLED_SECONDS
from cct_cloudflare.components import frontmatter

SMALL, LARGE = 800, 10_000
#: Of each five components, as in public catalogs.
_FOLDERS = ("agents", "commands", "skills", "agents", "skills")
_TEXT = (
    "use this agent when you need to design build review test and deploy services with react python rust docker"
    " kubernetes postgres graphql security performance accessibility pipelines migrations queries components hooks"
    " types schemas caching logging tracing metrics alerts releases documentation examples"
)
_WORDS = _TEXT.split()
_BODY_BYTES = 7_500
#: As many more words, made of syllables, as public descriptions have.
_SYLLABLES = ("ba", "de", "fi", "ko", "lu", "ma", "ne", "po", "ri", "su", "ta", "vo")
_CATEGORIES = tuple(f"{_WORDS[n]}/{_WORDS[n + 1]}" if n % 5 == 0 else _WORDS[n] for n in range(10, 38))
_VOCABULARY = (*_WORDS, *(f"{a}{b}{c}" for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES))


def rows() -> Iterator[Row]:
    cct = str(Path(sys.executable).with_name("cct"))
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        small, large = place / "small", place / "large"
        fill(small, SMALL)
        fill(large, LARGE)
        yield absolute(f"Frontmatter of {SMALL} files", _frontmatter(small), 300)
        time.sleep(SETTLED_SECONDS)  # what was changed just now is not remembered
        for query in ("", "react schemas", "kuberntes"):
            told = f"Searching {query!r} in {{:,}} components" if query else "Listing {:,} components"
            inside = [sys.executable, "-c", _SCRIPT, query]
            yield absolute(f"{told.format(SMALL)}, cold", _cold(inside, small, place / f"cold {query}"), 250)
            yield absolute(f"{told.format(SMALL)}, cached", _cached(inside, small, place), 100)
            yield absolute(f"{told.format(LARGE)}, cached", _cached(inside, large, place), 500)
        for argv in (["list"], ["search", "react", "schemas"]):
            whole = [cct, *argv, "--json", "--directory"]
            told = f"cct {' '.join(argv)}, the whole command, {{:,}} components"
            yield absolute(f"{told.format(SMALL)}, cold", _cold(whole, small, place / f"cold {argv[0]}"), 250)
            yield absolute(f"{told.format(LARGE)}, cached", _cached(whole, large, place), 500)


#: In a process of its own each time: an import that was done before would not count.
_SCRIPT = """
import sys, time
start = time.perf_counter()
import json
from pathlib import Path
from cct_cloudflare.inventory import search_listed, take
listed = take(Path(sys.argv[2]), note=print).listed()
found = search_listed(listed, sys.argv[1]) if sys.argv[1] else listed
json.dumps([one.to_json() for one in found])
print((time.perf_counter() - start) * 1000)
"""


def fill(project: Path, count: int) -> None:
    """Writes a project's own agents, commands and skills: some in nested categories, one in four with broken YAML."""
    chance = random.Random(0)
    body = "\n".join(" ".join(chance.choices(_WORDS, k=12)) for _ in range(_BODY_BYTES // 80))
    for number in range(count):
        folder = _FOLDERS[number % len(_FOLDERS)]
        words = chance.choices(_VOCABULARY, k=3)
        category = _CATEGORIES[number % len(_CATEGORIES)]
        stem = project / ".claude" / folder / category / f"{'-'.join(words)}-{number}"
        description = " ".join((*chance.choices(_WORDS, k=5), *chance.choices(_VOCABULARY, k=20)))
        stem.parent.mkdir(parents=True, exist_ok=True)
        broken = ": <example>\nuser: 'a: b'\n</example>" if number % 4 == 0 else ""
        text = f"---\nname: {stem.name}\ndescription: {description}{broken}\ntools: Read, Grep, Bash\n---\n\n{body}\n"
        if folder == "skills":
            stem.mkdir()
            (stem / "SKILL.md").write_text(text)
        else:
            stem.with_name(f"{stem.name}.md").write_text(text)


def _frontmatter(project: Path) -> Series:
    files = sorted((project / ".claude").rglob("*.md"))
    assert len(files) == SMALL

    def parse() -> Sequence[object]:
        return [frontmatter.parse(file.read_text(encoding="utf-8")) for file in files]

    return series(parse)


def _cold(argv: Sequence[str], project: Path, cache: Path) -> Series:
    return Series(tuple(_timed(argv, project, cache / str(run)) for run in range(RUNS)))


def _cached(argv: Sequence[str], project: Path, place: Path) -> Series:
    return Series(tuple(_timed(argv, project, place / "warm") for _ in range(RUNS + 1))[1:])


def _timed(argv: Sequence[str], project: Path, cache: Path) -> float:
    """Milliseconds: those that the script has printed, or of the whole command, from its start to its end."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    start = time.perf_counter()
    answer = subprocess.run([*argv, str(project)], check=True, env=environment, capture_output=True, text=True)
    whole = (time.perf_counter() - start) * 1000
    return float(answer.stdout) if _SCRIPT in argv else whole
