"""Listing, searching and reading catalogs that have become large."""

from __future__ import annotations

import json
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

SMALL, LARGE, FILES = 800, 10_000, 800
#: Of each hundred components, as in public catalogs.
_SHARES = {"agents": 22, "commands": 17, "skills": 44, "mcps": 6, "settings": 5, "hooks": 6}
_TEXT = (
    "use this agent when you need to design build review test and deploy services with react python rust docker"
    " kubernetes postgres graphql security performance accessibility pipelines migrations queries components hooks"
    " types schemas caching logging tracing metrics alerts releases documentation examples"
)
_WORDS = _TEXT.split()
_BODY_BYTES = 7_500
#: As many more words, made of syllables, as public descriptions have.
_SYLLABLES = ("ba", "de", "fi", "ko", "lu", "ma", "ne", "po", "ri", "su", "ta", "vo")
_VOCABULARY = (*_WORDS, *(f"{a}{b}{c}" for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES))


def rows() -> Iterator[Row]:
    cct = str(Path(sys.executable).with_name("cct"))
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        small, large = place / "small", place / "large"
        fill(small, SMALL)
        fill(large, LARGE)
        yield absolute(f"Frontmatter of {FILES} files", _frontmatter(small), 300)
        time.sleep(SETTLED_SECONDS)  # what was changed just now is not remembered
        listing, searching, mistyped = ["list"], ["search", "react", "schemas"], ["search", "kuberntes"]
        for command in (listing, searching, mistyped):
            called = f"cct {' '.join(command)}, {{:,}} components"
            cold = [_timed(cct, command, small, place / f"cold-{'-'.join(command)}-{n}") for n in range(RUNS)]
            yield absolute(f"{called.format(SMALL)}, cold", Series(tuple(cold)), 250)
            for folder, count, limit in ((small, SMALL, 100), (large, LARGE, 500)):
                _timed(cct, command, folder, place / "warm")
                warm = [_timed(cct, command, folder, place / "warm") for _ in range(RUNS)]
                yield absolute(f"{called.format(count)}, cached", Series(tuple(warm)), limit)


def fill(root: Path, count: int) -> None:
    """Writes a catalog of so many components: of every kind, in nested categories, one in four with broken YAML."""
    chance = random.Random(0)
    folders = [folder for folder, share in _SHARES.items() for _ in range(share)]
    body = "\n".join(" ".join(chance.choices(_WORDS, k=12)) for _ in range(_BODY_BYTES // 80))
    for number in range(count):
        folder = folders[number * 37 % len(folders)]
        words = chance.choices(_VOCABULARY, k=3)
        category = "/".join(chance.choices(_WORDS[10:30], k=chance.choice((1, 1, 2))))
        stem = root / folder / category / f"{'-'.join(words)}-{number}"
        description = " ".join((*chance.choices(_WORDS, k=5), *chance.choices(_VOCABULARY, k=20)))
        stem.parent.mkdir(parents=True, exist_ok=True)
        if folder in ("mcps", "settings", "hooks"):
            data = {"description": description, "env": {"A": "1"}, "hooks": {}, "mcpServers": {}}
            stem.with_name(f"{stem.name}.json").write_text(json.dumps(data, indent=2))
            continue
        broken = ": <example>\nuser: 'a: b'\n</example>" if number % 4 == 0 else ""
        text = f"---\nname: {stem.name}\ndescription: {description}{broken}\ntools: Read, Grep, Bash\n---\n\n{body}\n"
        if folder == "skills":
            stem.mkdir()
            (stem / "SKILL.md").write_text(text)
        else:
            stem.with_name(f"{stem.name}.md").write_text(text)


def _frontmatter(root: Path) -> Series:
    files = sorted(root.rglob("*.md"))
    files = (files * (FILES // len(files) + 1))[:FILES]

    def parse() -> Sequence[object]:
        return [frontmatter.parse(file.read_text(encoding="utf-8")) for file in files]

    return series(parse)


def _timed(cct: str, command: Sequence[str], folder: Path, cache: Path) -> float:
    """The whole command in milliseconds, from its start to its end."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    argv = [cct, *command, "--from", str(folder), "--json"]
    start = time.perf_counter()
    subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000
