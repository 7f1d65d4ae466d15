"""Every measured figure of the guides is a published one, and publishing takes only what reached its limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.publish import publish
from tests.guides.measurements import name_of, published
from tests.guides.pages import GUIDES, page_text, tables


@pytest.mark.parametrize("page", GUIDES)
def test_every_table_of_medians_is_a_published_one(page: str) -> None:
    rows = {name_of(row): row for row in published()["rows"]}
    for table in (table for table in tables(page) if "median" in table.head):
        for name, median, p95, runs in table.rows:
            row = rows[name]
            assert (median, p95, runs) == (f"{row['median_ms']:,g} ms", f"{row['p95_ms']:,g} ms", str(row["runs"]))


def test_the_guides_tell_where_and_when_it_was_measured() -> None:
    page = page_text("SANDBOX_DEBUGGING.md")
    assert f"Measured on {published()['date'][:10]} on {published()['machine']}," in page
    assert any("median" in table.head for table in tables("SANDBOX_DEBUGGING.md"))


def report(*reached: bool) -> str:
    rows = [{"name": f"row {number}", "reached": each} for number, each in enumerate(reached)]
    return json.dumps({"date": "2026-11-23T00:00:00+00:00", "machine": "a machine", "rows": rows})


def test_results_are_published_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "latest.json").write_text(report(True, True))
    assert publish(tmp_path / "latest.json", tmp_path / "published.json") == 0
    assert json.loads((tmp_path / "published.json").read_text()) == json.loads(report(True, True))


def test_a_row_that_missed_its_limit_is_named_and_nothing_is_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "latest.json").write_text(report(True, False))
    assert publish(tmp_path / "latest.json", tmp_path / "published.json") == 1
    assert "row 1" in capsys.readouterr().err
    assert not (tmp_path / "published.json").exists()


def test_without_results_it_says_how_to_measure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert publish(tmp_path / "latest.json", tmp_path / "published.json") == 1
    assert "make bench" in capsys.readouterr().err
