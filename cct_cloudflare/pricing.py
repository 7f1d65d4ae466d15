"""Every price, and nothing else has one: Claude's from the file that the Worker reads too, `src/models.json` of the
template, Cloudflare's from the table below.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cct_cloudflare.resources import worker_json

if TYPE_CHECKING:
    from cct_cloudflare.sandbox.events import RunResult


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
    #: The end of life of each model for which one has been announced; names without their date.
    ends: dict[str, datetime.date]
    #: Where names and prices were read, and when.
    source: str


@lru_cache(maxsize=1)
def model_table() -> ModelTable:
    """The whole table; read once per process."""
    data = worker_json("src/models.json")
    return ModelTable(
        default=data["default"],
        aliases=dict(data["aliases"]),
        prices={name: _price(entry) for name, entry in data["models"].items()},
        ends={name: datetime.date.fromisoformat(day) for name, day in data["endOfLife"].items() if name != "source"},
        source=data["source"],
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


def without_date(model: str) -> str:
    """A model's name without the date at its end; the Worker's own table is read in the same way."""
    return re.sub(r"-\d{8}$", "", model)


def end_of_life(model: str) -> datetime.date | None:
    """A model's end of life; its name may end in its date, `-latest` or `-0`. None while none is known."""
    ends = model_table().ends
    name = resolve_model(model)
    return ends.get(name) or ends.get(re.sub(r"-(\d{8}|latest|0)$", "", name))


def cost_usd(model: str, input_tokens: int, output_tokens: int) -> float | None:
    """What a reply cost in US dollars; None when the model's price is not in the table."""
    prices = model_table().prices
    name = resolve_model(model)
    known = prices.get(name) or prices.get(without_date(name))
    if known is None:
        return None
    price = known.of(input_tokens)
    return (input_tokens * price.input + output_tokens * price.output) / 1_000_000


@dataclass(frozen=True)
class CloudflarePrices:
    """What use beyond the plan's included amounts costs, in US dollars; everything needs the Workers Paid plan."""

    sources: tuple[str, ...] = (
        "developers.cloudflare.com/workers/platform/pricing",
        "developers.cloudflare.com/dynamic-workers/pricing",
        "developers.cloudflare.com/durable-objects/platform/pricing",
    )
    read: str = "2026-11-23"
    #: The Workers Paid plan, and what it includes each month.
    plan_per_month: float = 5.0
    included: tuple[str, ...] = (
        "10 million requests",
        "30 million ms of CPU time",
        "1,000 Dynamic Workers",
        "1 million requests to Durable Objects and 400,000 GB-s of their time",
        "375 vCPU-minutes, 25 GiB-hours and 200 GB-hours of containers",
    )
    request: float = 0.30e-6
    cpu_ms: float = 0.02e-6
    #: Each run loads code that no other run shares, so each counts.
    dynamic_worker: float = 0.002
    object_request: float = 0.15e-6
    object_gb_second: float = 12.50e-6
    object_row_written: float = 1.00e-6
    container_vcpu_second: float = 20e-6
    container_gib_second: float = 2.5e-6
    container_gb_second: float = 0.07e-6


CLOUDFLARE = CloudflarePrices()

#: A Durable Object is billed for this much memory, whatever it uses.
_OBJECT_GB = 0.128
#: How long one stays in memory after it was asked, in milliseconds, at most.
_OBJECT_IDLE_MS = 10_000
#: `limits.cpu_ms` of the Worker's wrangler.toml.
_WORKER_CPU_MS = 60_000
#: Rows that `gate.ts` writes and deletes for one run.
_GATE_ROWS = 4
#: Of the type of container that cct's wrangler.toml names (developers.cloudflare.com/containers/platform/limits, read
#: 2026-11-23). A Worker does not tell its type: whoever chooses a larger one pays more.
CONTAINER_TYPE = "basic"
_CONTAINER_VCPU, _CONTAINER_GIB, _CONTAINER_GB = 1 / 4, 1, 4


def cloudflare_usd_at_most(total_ms: float, sandbox: str | None, program_ms: float | None = None) -> float:
    """The most that Cloudflare bills for a run that took `total_ms`, should the plan's included amounts be used up.

    `sandbox` is `isolate`, `container`, or None for a run that needed none; `program_ms` is how long it was open, all
    of the time when that is not known. A Worker is not told the CPU time that is billed: it counts as if neither it nor
    the program had ever waited.
    """
    price = CLOUDFLARE
    program_ms = total_ms if program_ms is None else program_ms
    cost = price.request + min(total_ms, _WORKER_CPU_MS) * price.cpu_ms
    cost += 2 * price.object_request + _GATE_ROWS * price.object_row_written
    cost += _OBJECT_GB * (total_ms + _OBJECT_IDLE_MS) / 1000 * price.object_gb_second
    if sandbox == "isolate":
        # Asked twice: to start, and to run.
        cost += price.dynamic_worker + 2 * price.request + program_ms * price.cpu_ms
    elif sandbox == "container":
        seconds = total_ms / 1000
        cost += seconds * _CONTAINER_VCPU * price.container_vcpu_second
        cost += seconds * (_CONTAINER_GIB * price.container_gib_second + _CONTAINER_GB * price.container_gb_second)
        cost += price.object_request + _OBJECT_GB * seconds * price.object_gb_second
    return cost


@dataclass(frozen=True, slots=True)
class RunCost:
    """US dollars. `claude` is None when the model's price is not known; `cloudflare_at_most` when nothing ran there."""

    claude: float | None
    cloudflare_at_most: float | None = None

    def to_json(self) -> dict[str, float | None]:
        return {"claudeUsd": self.claude, "cloudflareUsdAtMost": self.cloudflare_at_most}


def cost_of(result: RunResult, *, remote: bool, demo: bool) -> RunCost:
    """What a run has cost: Claude's part by the tokens that were counted, Cloudflare's at most.

    `remote` tells that a Worker at an address was asked; one of this machine says that its sandbox is a process.
    """
    is_free = demo or result.model is None
    claude = 0.0 if is_free else result.usage.cost_usd if result.usage else None
    if not remote or result.sandbox == "process":
        return RunCost(claude)
    metrics = result.metrics
    program_ms = (metrics.boot_ms or 0.0) + (metrics.execution_ms or 0.0)
    sandbox = None if result.language == "web" else result.sandbox
    return RunCost(claude, cloudflare_usd_at_most(metrics.total_ms or program_ms, sandbox, program_ms))


def dollars(amount: float) -> str:
    """For people: two digits that count, and never zero for something that costs."""
    if amount <= 0:
        return "$0"
    if amount < 0.0001:
        return "less than $0.0001"
    return f"${amount:.4f}" if amount < 1 else f"${amount:,.2f}"
