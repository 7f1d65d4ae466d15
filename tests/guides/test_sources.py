"""What claude-code-sandbox.md says of others has a source with a date, and no source is without use."""

from __future__ import annotations

import re

from tests.guides.pages import page_text

PAGE = "claude-code-sandbox.md"


def comparison() -> str:
    _, _, text = page_text(PAGE).partition("\n## Comparison with others\n")
    assert text
    return text


def test_every_number_has_a_source_and_every_source_a_number() -> None:
    named = {int(number) for number in re.findall(r"\[(\d+)\]", comparison())}
    listed = [int(number) for number in re.findall(r"^(\d+)\. ", comparison(), re.MULTILINE)]
    assert listed == list(range(1, len(listed) + 1))
    assert named == set(listed)


def test_every_list_of_sources_tells_when_it_was_read() -> None:
    lists = re.findall(r"^(.*)\n\n(?:\d+\. .*\n)+", comparison(), re.MULTILINE)
    assert len(lists) == 2
    assert all(re.fullmatch(r"Sources, read \d{4}-\d\d-\d\d:", line) for line in lists)


def test_every_cell_about_others_is_numbered_but_for_what_they_are() -> None:
    rows = [line.split("|")[1:-1] for line in comparison().splitlines() if line.startswith("|")]
    for title, _, *others in rows[2:]:
        if title.strip() not in ("what it is", "who asks the model"):
            assert all(re.search(r"\[\d+\]", cell) for cell in others), title
