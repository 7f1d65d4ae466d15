"""What a prompt will cost, before it is sent: a guess, and a bound that holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cct_cloudflare import pricing
from cct_cloudflare.errors import UsageError
from cct_cloudflare.generation import patience
from cct_cloudflare.limits import DEFAULT_MAX_TOKENS, DEFAULT_TIMEOUT, LEAST_MAX_TOKENS
from cct_cloudflare.resources import templates_dir

if TYPE_CHECKING:
    from cct_cloudflare.place import Place
    from cct_cloudflare.run import RunPlan

#: Anthropic's glossary says about 3.5 characters of English for a token; newer tokenizers make up to a third more of
#: the same text, code more than prose.
CHARACTERS_PER_TOKEN = 3.0
#: A program of about 150 lines with the thinking before it: a guess, and said to be one.
LIKELY_OUTPUT_TOKENS = 3_000
#: What the API adds for the use of tools was 313 to 530 tokens for every model that its price list tells it for.
_TOOL_USE_TOKENS = 1_000
#: The schema of the tool and the tags around the sections, beside the words in `claude.json`.
_FRAME_BYTES = 4_000
#: More than a sandbox takes to start.
_START_MS = 10_000


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """Tokens and US dollars of one run; dollars are None when the model's price is not known.

    `likely` is a guess from the length of the text. `at_most` holds, as a token is never less than a byte and a reply
    never longer than it may be, for the one reply that is paid for: a call that failed before it gave anything, and is
    made again, is not billed.
    """

    model: str
    input_tokens: int
    input_tokens_at_most: int
    output_tokens: int
    output_tokens_at_most: int
    likely_usd: float | None
    claude_at_most_usd: float | None
    cloudflare_at_most_usd: float

    @property
    def at_most_usd(self) -> float | None:
        return None if self.claude_at_most_usd is None else self.claude_at_most_usd + self.cloudflare_at_most_usd

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "inputTokens": self.input_tokens,
            "inputTokensAtMost": self.input_tokens_at_most,
            "outputTokens": self.output_tokens,
            "outputTokensAtMost": self.output_tokens_at_most,
            "likelyUsd": self.likely_usd,
            "claudeUsdAtMost": self.claude_at_most_usd,
            "cloudflareUsdAtMost": self.cloudflare_at_most_usd,
            "atMostUsd": self.at_most_usd,
        }


def estimate(
    question: str,
    system: str | None = None,
    *,
    model: str | None = None,
    max_tokens: int | None = None,
    timeout_ms: int | None = None,
    remote: bool = False,
    sandbox: str | None = None,
) -> CostEstimate:
    """What one run of this prompt costs. `model` None is the default one.

    `remote` tells that it runs on Cloudflare, in the `sandbox` that was asked for, an isolate otherwise.
    """
    name = pricing.resolve_model(model) if model else pricing.default_model()
    text = question + (system or "")
    own = _own_words()
    likely_in = _TOOL_USE_TOKENS // 2 + math.ceil((len(text) + len(own)) / CHARACTERS_PER_TOKEN)
    most_in = _TOOL_USE_TOKENS + _FRAME_BYTES + _bytes(text) + _bytes(own)
    most_out = DEFAULT_MAX_TOKENS if max_tokens is None else max_tokens
    likely_out = min(LIKELY_OUTPUT_TOKENS, most_out)
    timeout = DEFAULT_TIMEOUT if timeout_ms is None else timeout_ms
    return CostEstimate(
        model=name,
        input_tokens=likely_in,
        input_tokens_at_most=most_in,
        output_tokens=likely_out,
        output_tokens_at_most=most_out,
        likely_usd=pricing.cost_usd(name, likely_in, likely_out),
        claude_at_most_usd=pricing.cost_usd(name, most_in, most_out),
        cloudflare_at_most_usd=_cloudflare(timeout, sandbox) if remote else 0.0,
    )


def estimate_plan(plan: RunPlan, *, remote: bool) -> CostEstimate:
    """The same for all that a plan would send."""
    sent = plan.execute
    return estimate(
        sent.question,
        sent.system,
        model=sent.model,
        max_tokens=sent.max_tokens,
        timeout_ms=sent.timeout_ms,
        remote=remote,
        sandbox=sent.sandbox,
    )


def told_estimate(expected: CostEstimate) -> str:
    """For people, on one line."""
    if expected.likely_usd is None or expected.at_most_usd is None:
        return f"not known: the price of {expected.model} is not in the table"
    return (
        f"about {pricing.dollars(expected.likely_usd)}, at most {pricing.dollars(expected.at_most_usd)}"
        f" ({expected.model}; some {expected.input_tokens:,} tokens in, up to {expected.output_tokens_at_most:,} out)"
    )


def check_plan(limit_usd: float, plan: RunPlan, place: Place, *, runs: int = 1) -> None:
    """Raises UsageError (`cost_limit`) unless this plan, at this place, cannot cost more than the limit."""
    if not place.is_demo:
        check_sent(limit_usd, plan, worker=place.label if place.target else None, runs=runs)


def check_sent(limit_usd: float, plan: RunPlan, *, worker: str | None, runs: int = 1) -> None:
    """The same for a plan that would go to this deployed Worker, or None: to Claude from this machine."""
    if worker is not None and plan.execute.model is None:
        raise UsageError(
            f"{worker} chooses its own model, so what this run can cost is not known; nothing was sent.",
            hint="Choose the model with --model, or leave --max-cost away.",
            code="cost_limit",
        )
    check_max_cost(limit_usd, estimate_plan(plan, remote=worker is not None), runs=runs)


def check_max_cost(limit_usd: float, expected: CostEstimate, *, runs: int = 1) -> None:
    """Raises UsageError (`cost_limit`) unless `runs` runs cannot cost more than the limit."""
    at_most = expected.at_most_usd
    if at_most is None:
        raise UsageError(
            f"What {expected.model} costs is not known, so nothing was sent under --max-cost.",
            hint="Choose a model whose price is known with --model, or leave --max-cost away.",
            code="cost_limit",
        )
    if at_most * runs <= limit_usd:
        return
    what = "This run" if runs == 1 else f"These {runs} runs"
    raise UsageError(
        f"{what} can cost up to {pricing.dollars(at_most * runs)}, --max-cost is {limit_usd:g}; nothing was sent.",
        hint=_what_fits(limit_usd / runs, expected),
        code="cost_limit",
    )


def _what_fits(limit_usd: float, expected: CostEstimate) -> str:
    prompt_alone = pricing.cost_usd(expected.model, expected.input_tokens_at_most, 0) or 0.0
    per_token = (pricing.cost_usd(expected.model, expected.input_tokens_at_most, 1) or 0.0) - prompt_alone
    left = limit_usd - prompt_alone - expected.cloudflare_at_most_usd
    fitting = math.floor(left / per_token) if per_token > 0 else 0
    if fitting < LEAST_MAX_TOKENS:
        return "Shorten the prompt, choose a cheaper --model, or allow more."
    # A round number that is easier to type, unless that is too little.
    rounded = fitting // 100 * 100
    return f"With --max-tokens {rounded if rounded >= LEAST_MAX_TOKENS else fitting} it fits; or allow more."


def _cloudflare(timeout_ms: int, sandbox: str | None) -> float:
    program_ms = _START_MS + timeout_ms
    generation_ms = patience().call * 1000
    return pricing.cloudflare_usd_at_most(generation_ms + program_ms, sandbox or "isolate", program_ms)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=1)
def _own_words() -> str:
    """What the Worker tells Claude beside the prompt: its rules, and what the tool is for."""
    return (templates_dir() / "cloudflare" / "src" / "generate" / "claude.json").read_text(encoding="utf-8")
