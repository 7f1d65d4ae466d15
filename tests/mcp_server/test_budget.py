from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.errors import UsageError
from cct_cloudflare.mcp_server.budget import Budget
from cct_cloudflare.pricing import RunCost

DOLLARS = st.floats(min_value=0, max_value=10)


@given(limit=DOLLARS, runs=st.lists(st.tuples(DOLLARS, st.floats(min_value=0, max_value=1))))
def test_no_run_is_let_through_that_could_pass_the_limit(limit: float, runs: list[tuple[float, float]]) -> None:
    budget = Budget(limit)
    for at_most, share in runs:
        spent = budget.spent_usd
        try:
            with budget.expense(at_most) as expense:
                assert spent + at_most <= limit
                expense.settle(RunCost(at_most * share))
        except UsageError as error:
            assert error.code == "cost_limit"
            assert spent + at_most > limit
            assert budget.spent_usd == spent
    assert budget.spent_usd <= limit


def test_what_is_under_way_counts_with_the_most_that_it_can_cost() -> None:
    budget = Budget(1.0)
    with budget.expense(0.8) as first:
        with pytest.raises(UsageError, match=r"\$0\.8000 are spent or set aside"), budget.expense(0.3):
            pass
        first.settle(RunCost(0.1, 0.05))
    with budget.expense(0.3):
        assert budget.spent_usd == pytest.approx(0.45)


@pytest.mark.parametrize("at_most", [None, 0.6])
def test_a_limit_of_one_run(at_most: float | None) -> None:
    budget = Budget(1.0)
    with pytest.raises(UsageError) as caught, budget.expense(at_most, 0.5):
        pass
    assert caught.value.code == "cost_limit"
    assert caught.value.hint
    assert budget.spent_usd == 0


def test_a_price_that_stays_unknown_and_a_run_that_breaks_off_keep_the_most() -> None:
    budget = Budget(1.0)
    with budget.expense(0.4) as expense:
        expense.settle(RunCost(None))
    with pytest.raises(KeyboardInterrupt), budget.expense(0.4):
        raise KeyboardInterrupt
    assert budget.spent_usd == pytest.approx(0.8)
