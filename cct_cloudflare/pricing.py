"""Model names and prices, read from the one file that the Worker reads too: `src/models.json` of the template."""

from __future__ import annotations

import json
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
class ModelTable:
    default: str
    aliases: dict[str, str]
    prices: dict[str, Price]


@lru_cache(maxsize=1)
def model_table() -> ModelTable:
    """The whole table; read once per process."""
    text = (templates_dir() / "cloudflare" / "src" / "models.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return ModelTable(
        default=data["default"],
        aliases=dict(data["aliases"]),
        prices={name: Price(entry["input"], entry["output"]) for name, entry in data["models"].items()},
    )


def default_model() -> str:
    """The full name of the model that is used when nobody chooses one."""
    return model_table().default


def resolve_model(name: str) -> str:
    """The full name behind an alias (`sonnet`, `Opus`); any other name is returned as it is.

    A name that the table does not know may still be a model: a newer one, or one of a gateway.
    """
    return model_table().aliases.get(name.strip().casefold(), name.strip())


def cost_usd(model: str, input_tokens: int, output_tokens: int) -> float | None:
    """What a reply cost in US dollars; None when the model's price is not in the table."""
    price = model_table().prices.get(resolve_model(model))
    if price is None:
        return None
    return (input_tokens * price.input + output_tokens * price.output) / 1_000_000
