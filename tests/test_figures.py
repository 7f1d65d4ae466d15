from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.charts import bar, span, sparkline
from cct_cloudflare.figures import percentile, summarize

_VALUES = st.lists(st.floats(0, 1e9), min_size=1, max_size=50)


def test_nothing_has_no_summary() -> None:
    assert summarize([]) is None


def test_one_value_is_all_of_its_summary() -> None:
    summary = summarize([7.0])
    assert summary is not None
    assert summary.to_json() == {"count": 1, "min": 7.0, "median": 7.0, "p95": 7.0, "max": 7.0}


@given(_VALUES)
def test_a_summary_is_in_order(values: list[float]) -> None:
    summary = summarize(values)
    assert summary is not None
    assert summary.min <= summary.median <= summary.p95 <= summary.max


@given(_VALUES, st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_value_that_enough_values_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(sorted(values), share)
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


@pytest.mark.parametrize(
    ("value", "drawn"),
    [(0, ""), (-1, ""), (0.0001, "▏"), (5, "█████"), (10, "█" * 10), (20, "█" * 10), (5.5, "█████▌")],
)
def test_a_bar_is_as_long_as_its_value(value: float, drawn: str) -> None:
    assert bar(value, 10, 10) == drawn


def test_a_bar_of_nothing_is_empty() -> None:
    assert bar(3, 0, 10) == ""


@pytest.mark.parametrize(
    ("start", "end", "lead", "drawn"),
    [
        (0, 10, 0, "█" * 10),
        (5, 10, 0, "     █████"),
        (2, 5, 0, "  ███"),
        (2, 8, 3, "  ░░░███"),
        (0, 3, 3, "░░░"),
        (0, 3, 9, "░░░"),
        (2, 2.5, 0, "  ▌"),
        (9.99, 10, 0, "         █"),
        (0, 0, 0, ""),
        (4, 4, 0, ""),
        (5, 4, 0, ""),
        (0, 99, 0, "█" * 10),
        (50, 99, 0, "         █"),
        (-3, 2, 0, "██"),
    ],
)
def test_a_span_lies_where_it_was(start: float, end: float, lead: float, drawn: str) -> None:
    assert span(start, end, 10, 10, lead=lead) == drawn


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.integers(0, 80))
def test_a_span_stays_on_its_axis(start: float, end: float, lead: float, largest: float, width: int) -> None:
    assert len(span(start, end, largest, width, lead=lead)) <= width


def test_a_span_without_an_axis_is_empty() -> None:
    assert span(0, 1, 0, 10) == span(0, 1, 1, 0) == ""


@pytest.mark.parametrize(
    ("values", "drawn"),
    [([], ""), ([0, 7], "▁█"), ([None, 3], "×█"), ([None], "×"), ([0, 0], "▁▁"), ([1, 2, 4, 8], "▂▃▅█")],
)
def test_a_sparkline_has_a_sign_for_each_value(values: list[float | None], drawn: str) -> None:
    assert sparkline(values) == drawn
