"""Model names and prices, read from the one file that the Worker reads too: `src/models.json` of the template."""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cct_cloudflare.resources import templates_dir


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float


@dataclass(frozen=True)
class ModelPrice(Price):
    """`long_prompt` is the price of a request whose prompt has more than `long_above` tokens, where it differs."""

    long_above: int | None = None
    long_prompt: Price | None = None

    def of(self, input_tokens: int) -> Price:
        is_long = self.long_above is not None and input_tokens > self.long_above
        return self.long_prompt if is_long and self.long_prompt else self


@dataclass(frozen=True)
class ModelTable:
    default: str
    aliases: dict[str, str]
    prices: dict[str, ModelPrice]
    #: The last day of each model whose end has been announced; names without their date.
    ends: dict[str, datetime.date]


@lru_cache(maxsize=1)
def model_table() -> ModelTable:
    """The whole table; read once per process."""
    text = (templates_dir() / "cloudflare" / "src" / "models.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return ModelTable(
        default=data["default"],
        aliases=dict(data["aliases"]),
        prices={name: _price(entry) for name, entry in data["models"].items()},
        ends={name: datetime.date.fromisoformat(day) for name, day in data["endOfLife"].items() if name != "source"},
    )


def _price(entry: dict[str, Any]) -> ModelPrice:
    long = entry.get("longPrompt")
    if long is None:
        return ModelPrice(entry["input"], entry["output"])
    return ModelPrice(entry["input"], entry["output"], long["above"], Price(long["input"], long["output"]))


def default_model() -> str:
    """The full name of the model that is used when nobody chooses one."""
    return model_table().default


def resolve_model(name: str) -> str:
    """The full name behind an alias (`sonnet`, `Opus`); any other name is returned as it is.

    A name that the table does not know may still be a model: a newer one, or one of a gateway.
    """
    return model_table().aliases.get(name.strip().casefold(), name.strip())


def end_of_life(model: str) -> datetime.date | None:
    """The last day of a model, whose name may end in its date, `-latest` or `-0`; None while none is known."""
    ends = model_table().ends
    name = resolve_model(model)
    return ends.get(name) or ends.get(re.sub(r"-(\d{8}|latest|0)$", "", name))


def cost_usd(model: str, input_tokens: int, output_tokens: int) -> float | None:
    """What a reply cost in US dollars; None when the model's price is not in the table."""
    prices = model_table().prices
    name = resolve_model(model)
    # With or without the date behind its name, as the Worker's own table reads it.
    known = prices.get(name) or prices.get(re.sub(r"-\d{8}$", "", name))
    if known is None:
        return None
    price = known.of(input_tokens)
    return (input_tokens * price.input + output_tokens * price.output) / 1_000_000
