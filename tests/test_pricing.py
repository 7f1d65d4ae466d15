from __future__ import annotations

import datetime

import pytest

from cct_cloudflare.pricing import (
    CLOUDFLARE,
    cloudflare_usd_at_most,
    cost_of,
    cost_usd,
    default_model,
    dollars,
    end_of_life,
    model_table,
    resolve_model,
)
from cct_cloudflare.sandbox.events import Metrics, RunResult, Usage


def test_the_table_is_consistent() -> None:
    table = model_table()
    assert table.default in table.prices
    assert set(table.aliases.values()) <= set(table.prices)
    assert all(0 < price.input < price.output for price in table.prices.values())


@pytest.mark.parametrize("alias", ["sonnet", "opus", "haiku", "Sonnet", " OPUS "])
def test_an_alias_becomes_a_full_name(alias: str) -> None:
    assert resolve_model(alias) == model_table().aliases[alias.strip().lower()]


def test_any_other_name_stays() -> None:
    assert resolve_model("claude-future-9") == "claude-future-9"
    assert resolve_model(default_model()) == default_model()


def test_cost_is_the_price_of_a_million() -> None:
    price = model_table().prices[default_model()]
    assert cost_usd(default_model(), 1_000_000, 0) == pytest.approx(price.input)
    assert cost_usd(default_model(), 0, 500_000) == pytest.approx(price.output / 2)
    assert cost_usd("sonnet", 10, 20) == cost_usd(resolve_model("sonnet"), 10, 20)
    assert cost_usd(default_model(), 0, 0) == 0


def test_an_unknown_model_has_no_cost() -> None:
    assert cost_usd("local-model", 10, 10) is None


def test_a_long_prompt_costs_what_the_table_says() -> None:
    name, price = next((name, price) for name, price in model_table().prices.items() if price.long_prompt)
    assert price.long_above is not None
    assert price.long_prompt is not None
    assert cost_usd(name, price.long_above, 0) == pytest.approx(price.long_above * price.input / 1e6)
    above = price.long_above + 1
    assert cost_usd(name, above, 10) == pytest.approx(
        (above * price.long_prompt.input + 10 * price.long_prompt.output) / 1e6
    )


def test_a_date_behind_a_name_changes_no_price() -> None:
    assert cost_usd(f"{default_model()}-20260922", 10, 10) == cost_usd(default_model(), 10, 10)


@pytest.mark.parametrize("name", ["claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5-latest"])
def test_an_end_of_life_is_known_by_every_name_of_a_model(name: str) -> None:
    assert end_of_life(name) == datetime.date(2026, 11, 30)


def test_a_model_that_stays_has_no_end() -> None:
    assert end_of_life("claude-opus-4-0") == datetime.date(2026, 6, 15)
    assert [end_of_life(name) for name in (*model_table().prices, "local-model")] == [None] * (
        len(model_table().prices) + 1
    )


def test_what_cloudflare_bills_grows_with_time_and_is_mostly_the_isolate() -> None:
    short, long = cloudflare_usd_at_most(1_000, "isolate"), cloudflare_usd_at_most(30_000, "isolate", 5_000)
    assert CLOUDFLARE.dynamic_worker < short < long < 2 * CLOUDFLARE.dynamic_worker
    assert cloudflare_usd_at_most(30_000, "isolate") > long, "time that may have been the program's counts as its own"
    assert cloudflare_usd_at_most(1_000, None) < 0.0001 < short
    assert cloudflare_usd_at_most(1_000, "container") > cloudflare_usd_at_most(1_000, None)


@pytest.mark.parametrize(
    ("sandbox", "remote", "demo", "claude", "cloudflare"),
    [
        ("process", False, False, 0.25, False),
        ("process", False, True, 0.0, False),
        ("process", True, False, 0.25, False),
        ("isolate", True, False, 0.25, True),
        ("container", True, False, 0.25, True),
    ],
)
def test_the_cost_of_a_run(sandbox: str, remote: bool, demo: bool, claude: float, cloudflare: bool) -> None:
    metrics = Metrics(total_ms=1000.0)
    result = RunResult(True, "", "id", model="m", usage=Usage(1, 2, 0.25), sandbox=sandbox, metrics=metrics)
    cost = cost_of(result, remote=remote, demo=demo)
    assert cost.claude == claude
    assert (cost.cloudflare_at_most is not None) == cloudflare
    assert cost.to_json() == {"claudeUsd": claude, "cloudflareUsdAtMost": cost.cloudflare_at_most}


def test_a_run_of_ones_own_program_costs_nothing_and_an_unknown_price_is_not_nothing() -> None:
    assert cost_of(RunResult(True, "", "id"), remote=False, demo=False).claude == 0
    asked = RunResult(True, "", "id", model="m", usage=Usage(1, 2, None))
    assert cost_of(asked, remote=False, demo=False).claude is None


@pytest.mark.parametrize(
    ("amount", "told"),
    [(0, "$0"), (0.00001, "less than $0.0001"), (0.0123, "$0.0123"), (1.5, "$1.50"), (1234.5, "$1,234.50")],
)
def test_dollars_are_told_with_the_digits_that_count(amount: float, told: str) -> None:
    assert dollars(amount) == told
