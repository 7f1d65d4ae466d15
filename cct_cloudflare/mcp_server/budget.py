"""What a session may cost. Bounds, not guesses: a run that could pass the limit is not sent."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from cct_cloudflare.errors import UsageError
from cct_cloudflare.pricing import RunCost, dollars


@dataclass
class Expense:
    """What one run costs in US dollars: at first the most that it can, in the end what it did."""

    usd: float

    def settle(self, cost: RunCost) -> None:
        """A price that is not known leaves the most that it can be."""
        if cost.claude is not None:
            self.usd = cost.claude + (cost.cloudflare_at_most or 0.0)


class Budget:
    """`limit_usd` holds for all runs together, also for those that are under way at the same time."""

    def __init__(self, limit_usd: float) -> None:
        self._limit = limit_usd
        self._lock = threading.Lock()
        self._expenses: list[Expense] = []

    @property
    def spent_usd(self) -> float:
        """What the runs so far have cost; for one that is under way, or whose cost is not known, the most it can."""
        return sum(expense.usd for expense in self._expenses)

    @contextlib.contextmanager
    def expense(self, at_most_usd: float | None, limit_usd: float | None = None) -> Iterator[Expense]:
        """Around one run, which may set what it has cost. `limit_usd` is a limit of this run alone.

        Raises UsageError (`cost_limit`) when a limit could be passed, and for a cost that nobody knows (None).
        """
        if at_most_usd is None:
            raise UsageError(
                "What this model costs is not known, so nothing was sent.",
                hint="Name a model whose price is known, such as sonnet.",
                code="cost_limit",
            )
        if limit_usd is not None and at_most_usd > limit_usd:
            raise UsageError(
                f"This run can cost up to {dollars(at_most_usd)}, and maxCost is {limit_usd:g}; nothing was sent.",
                hint="Give a smaller maxTokens, a shorter prompt or a cheaper model, or a higher maxCost.",
                code="cost_limit",
            )
        expense = Expense(at_most_usd)
        with self._lock:
            spent = self.spent_usd
            if spent + at_most_usd > self._limit:
                raise UsageError(
                    f"This run can cost up to {dollars(at_most_usd)}; of the {dollars(self._limit)} that this session "
                    f"may cost, {dollars(spent)} are spent or set aside. Nothing was sent.",
                    hint="Give a smaller maxTokens or a cheaper model; or start cct mcp with a higher --max-cost.",
                    code="cost_limit",
                )
            self._expenses.append(expense)
        yield expense
