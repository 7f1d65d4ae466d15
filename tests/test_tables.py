from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.tables import Column, cell_width, fitted, table

_CELL = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), max_size=30)


def test_columns_line_up() -> None:
    columns = [Column("NAME"), Column("RUNS", "right"), Column("WHAT", least=4)]
    lines = table(columns, [["a", "5", "something"], ["longer", "1,000", "x"]])
    assert lines == ["NAME     RUNS  WHAT", "a           5  something", "longer  1,000  x"]


def test_a_column_gives_way_when_there_is_no_room() -> None:
    columns = [Column("ID"), Column("WHAT", least=4)]
    lines = table(columns, [["1", "what was asked for, at length"]], 20)
    assert lines == ["ID  WHAT", "1   what was asked …"]
    assert table(columns, [["1", "short"]], 5) == ["ID  WHAT", "1   sho…"], "never narrower than can be read"


def test_the_last_column_gives_way_first() -> None:
    columns = [Column("A", least=2), Column("B", least=4)]
    assert table(columns, [["aaaa", "bbbbbb"]], 10)[1] == "aaaa  bbb…"
    assert table(columns, [["aaaa", "bbbbbb"]], 8)[1] == "a…  bbb…"


def test_columns_that_may_leave_do_so_where_giving_way_is_not_enough() -> None:
    columns = [Column("ID"), Column("WHEN", leaves=2), Column("COST", leaves=1), Column("WHAT", least=4)]
    row = [["1", "today", "$0.01", "something"]]
    assert table(columns, row, 40)[1] == "1   today  $0.01  something"
    assert table(columns, row, 22)[1] == "1   today  $0.01  som…"
    assert table(columns, row, 20)[1] == "1   today  something"
    assert table(columns, row, 14)[1] == "1   something"
    assert table(columns, row, 3)[1] == "1   som…"


def test_wide_characters_take_two_cells_and_accents_none() -> None:
    assert cell_width("日本") == 4
    assert cell_width("e\u0301") == 1
    assert fitted("日本語", 4) == "日…"
    assert table([Column("A"), Column("B")], [["日本", "x"], ["abcd", "y"]])[1:] == ["日本  x", "abcd  y"]


@given(st.lists(st.tuples(_CELL, _CELL), max_size=6), st.integers(20, 60))
def test_no_line_is_wider_than_there_is_room(rows: list[tuple[str, str]], width: int) -> None:
    columns = [Column("A", least=8), Column("B", "right", least=8)]
    assert all(cell_width(line) <= width for line in table(columns, rows, width))


@given(_CELL, st.integers(1, 40))
def test_what_is_fitted_fits(text: str, width: int) -> None:
    shown = fitted(text, width)
    assert cell_width(shown) <= width
    assert shown == text or shown.endswith("…")
