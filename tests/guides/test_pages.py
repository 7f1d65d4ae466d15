"""What holds for every guide: links lead somewhere, files that are named exist, figures have a source."""

from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from cct_cloudflare.sandbox.toolchain import find_node
from cct_cloudflare.scaffold.render import render
from cct_cloudflare.scaffold.settings import ScaffoldSettings
from tests.guides.pages import GUIDES, headings, page_text, project_files
from tests.guides.sections import guides, written
from tests.runtime import ROOT

#: Files that are no part of the project: of examples, and of the machine.
ELSEWHERE = {
    ".cct-manifest.json", "main.js", "main.py", "main.ts", "index.html", "settings.local.json",
    "credentials.json", "deployments.json", "trusted-projects.json", "workers.json",
}  # fmt: skip
_FILE = re.compile(r"(?:[\w.-]+/)*[\w.-]+\.(?:ts|mjs|toml|md|json)|(?:src|test|tools|scripts)/[\w./-]*")

#: A measured amount.
_FIGURE = re.compile(r"(?<![\w.,])\d[\d.,]* ?(?:ms|MB|GB|MiB|GiB|KiB|tokens/s)\b")


@pytest.mark.parametrize("guide", guides(), ids=lambda path: path.name)
def test_what_is_made_from_the_code_is_up_to_date(guide: Path) -> None:
    assert guide.read_text() == written(guide.read_text()), "run: python -m tests.guides"


@pytest.mark.parametrize("page", GUIDES)
def test_links_lead_somewhere(page: str) -> None:
    for target in links(page):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        assert not path or path in project_files(), target
        if anchor:
            assert anchor in anchors(path or page), target


def links(page: str) -> list[str]:
    tokens = MarkdownIt("commonmark").enable("table").parse(page_text(page))
    inner = [child for token in tokens for child in token.children or ()]
    return [str(child.attrs["href"]) for child in inner if child.type == "link_open"]


def anchors(page: str) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    for heading in headings(page):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 0
        while (anchor := f"{name}-{number}" if number else name) in found:
            number += 1
        found.add(anchor)
    return found


@pytest.mark.parametrize("page", GUIDES)
def test_no_two_headings_have_one_name_on_a_level_that_is_looked_up(page: str) -> None:
    codes = re.findall(r"^#+ `(.*)`$", page_text(page), re.MULTILINE)
    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize("page", GUIDES)
def test_files_that_are_named_exist(page: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(page_text(page))
    spans = [child.content for token in tokens for child in token.children or () if child.type == "code_inline"]
    for span in spans:
        name = span.removeprefix(".claude/sandbox/cloudflare/")
        if not _FILE.fullmatch(name) or name.rsplit("/", 1)[-1] in ELSEWHERE or name.startswith("../"):
            continue
        files = project_files()
        assert name in files or any(path.startswith(f"{name.rstrip('/')}/") for path in files), span


@pytest.mark.parametrize("page", GUIDES)
def test_figures_are_measured_or_have_a_source(page: str) -> None:
    """A limit is told in a table of limits, a measurement in the table of them. All others say when they were read, in
    their own paragraph or in the one above their table or list."""
    text = re.sub(r"^```.*?^```$", "", page_text(page), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!-- measurements -->.*?<!-- /measurements -->", "", text, flags=re.DOTALL)
    text = re.sub(r"^### Limits\n.*?(?=\n#|\nAt most)", "", text, flags=re.DOTALL | re.MULTILINE)
    paragraphs = text.split("\n\n")
    for above, paragraph in itertools.pairwise(["", *paragraphs]):
        if figures := _FIGURE.findall(paragraph):
            caption = above if paragraph.startswith(("|", "- ")) else ""
            assert re.search(r"read 20\d\d-\d\d-\d\d", caption + paragraph), figures


SETTINGS = {
    "plain": ScaffoldSettings(),
    "all": ScaffoldSettings(
        name="a-name-that-is-rather-long",
        model="opus",
        allowed_origins=("https://app.example.com", "https://other.example.com:8443"),
        container_switches=1,
    ),
    "unknown model": ScaffoldSettings(model="some-model-of-a-gateway-4-2"),
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_project_s_guides_are_formatted(settings: ScaffoldSettings, tmp_path: Path) -> None:
    files = render(settings)
    for name in (*GUIDES, ".prettierrc.json"):
        (tmp_path / name).write_bytes(files[name])
    done = subprocess.run(
        [str(find_node()), str(prettier()), "--check", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def prettier() -> Path:
    places = (ROOT / "templates" / "cloudflare", ROOT / ".work" / "worker" / ".claude" / "sandbox" / "cloudflare")
    found = [
        path for place in places if (path := place / "node_modules" / "prettier" / "bin" / "prettier.cjs").exists()
    ]
    assert found, "the project's npm packages are not installed: make worker-project"
    return found[0]
