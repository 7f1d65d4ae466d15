from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare import pricing
from cct_cloudflare.components.prompt import MergedPrompt
from cct_cloudflare.config import WorkerTarget
from cct_cloudflare.errors import UsageError
from cct_cloudflare.estimates import check_max_cost, check_plan, estimate, told_estimate
from cct_cloudflare.place import Place
from cct_cloudflare.run import RunPlan
from cct_cloudflare.sandbox.client import ExecuteRequest
from cct_cloudflare.sandbox.session import ModelAccess

HERE = Place(access=ModelAccess("key"))
THERE = Place(target=WorkerTarget("https://w.example", "https://w.example", "token"))
DEMO = Place()


@given(st.text(max_size=500), st.text(max_size=500), st.integers(256, 64_000), st.booleans())
def test_likely_is_never_more_than_the_most(question: str, system: str, max_tokens: int, remote: bool) -> None:
    expected = estimate(question, system, max_tokens=max_tokens, remote=remote)
    assert expected.likely_usd is not None
    assert expected.at_most_usd is not None
    assert 0 < expected.likely_usd <= expected.at_most_usd
    assert expected.input_tokens <= expected.input_tokens_at_most
    assert expected.input_tokens_at_most >= len((question + system).encode("utf-8", "replace"))
    assert expected.output_tokens <= expected.output_tokens_at_most == max_tokens


def test_a_deployed_worker_costs_more_than_this_machine() -> None:
    here, there = estimate("x"), estimate("x", remote=True)
    assert here.cloudflare_at_most_usd == 0
    assert there.cloudflare_at_most_usd > pricing.CLOUDFLARE.dynamic_worker
    assert there.claude_at_most_usd == here.claude_at_most_usd


def test_a_model_without_a_price_has_no_estimate() -> None:
    expected = estimate("x", model="some-model")
    assert (expected.likely_usd, expected.at_most_usd) == (None, None)
    assert "not known" in told_estimate(expected)
    assert expected.to_json()["atMostUsd"] is None


def test_the_estimate_is_told_on_a_line() -> None:
    told = told_estimate(estimate("x" * 300, model="haiku", max_tokens=1000))
    assert "about $0.00" in told
    assert "claude-haiku" in told
    assert "up to 1,000 out" in told


# --max-cost


def plan(model: str | None = None, max_tokens: int | None = None) -> RunPlan:
    merged = MergedPrompt(None, "x", model, (), (), ())
    return RunPlan(merged, ExecuteRequest(question="x", model=model, max_tokens=max_tokens), model, "x")


def refusal(limit: float, what: RunPlan, place: Place = HERE, runs: int = 1) -> UsageError:
    with pytest.raises(UsageError) as caught:
        check_plan(limit, what, place, runs=runs)
    assert (caught.value.code, caught.value.exit_code) == ("cost_limit", 2)
    assert "nothing was sent" in caught.value.message
    return caught.value


def test_what_cannot_cost_more_is_let_through() -> None:
    at_most = estimate("x").at_most_usd
    assert at_most is not None
    check_plan(at_most, plan(), HERE)
    check_plan(at_most * 3, plan(), HERE, runs=3)
    refusal(at_most * 0.99, plan())
    refusal(at_most * 2.9, plan(), runs=3)


def test_the_max_tokens_that_it_suggests_fits() -> None:
    hint = refusal(0.05, plan()).hint
    suggested = re.search(r"--max-tokens (\d+)", hint)
    assert suggested is not None
    check_plan(0.05, plan(max_tokens=int(suggested[1])), HERE)
    refusal(0.05, plan(max_tokens=int(suggested[1]) + 101))


def test_where_no_number_of_tokens_fits_it_says_what_helps() -> None:
    hint = refusal(0.001, plan()).hint
    assert "--max-tokens" not in hint
    assert "--model" in hint


def test_the_scripted_model_costs_nothing() -> None:
    check_plan(1e-9, plan(), DEMO)


def test_an_unknown_price_is_no_low_price() -> None:
    assert "some-model" in refusal(1000, plan("some-model")).message


def test_a_worker_that_chooses_its_own_model_is_no_known_price() -> None:
    assert "--model" in refusal(1000, plan(), THERE).hint
    check_plan(1000, plan("sonnet"), THERE)


@given(st.floats(1e-6, 10), st.integers(256, 64_000), st.sampled_from(sorted(pricing.model_table().prices)))
def test_a_suggestion_always_fits(limit: float, max_tokens: int, model: str) -> None:
    expected = estimate("x" * 1000, model=model, max_tokens=max_tokens)
    try:
        check_max_cost(limit, expected)
    except UsageError as error:
        if suggested := re.search(r"--max-tokens (\d+)", error.hint):
            assert int(suggested[1]) < max_tokens
            check_max_cost(limit, estimate("x" * 1000, model=model, max_tokens=int(suggested[1])))
