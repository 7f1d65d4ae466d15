"""What an installer would ask about: a component gives more than people expect of one of its kind."""

from __future__ import annotations

from collections.abc import Iterator

from cct_cloudflare.components.package import Package
from cct_cloudflare.validation.checks.problem import Lines, Problem, warning
from cct_cloudflare.validation.risks import risks

#: What a kind is for, or what other checks say: a hook without a command would be none.
_EXPECTED = frozenset({"hook-command", "setting-command", "shell-line", "unreadable"})
#: How each of these warnings ends.
NEEDS_TRUST = "installing it takes --trust"


def check_risks(package: Package, lines: Lines) -> Iterator[Problem]:
    """A warning for each: what it gives may be meant, and whoever installs it has to say `--trust`."""
    for risk in risks(package):
        _, _, place = risk.where.partition(": ")
        # Of a file as a whole `check_text` says it, with the line.
        if risk.rule not in _EXPECTED and (place or risk.rule != "download-run"):
            yield warning(lines[tuple(place.split("."))], risk.rule, f"{risk.what}; {NEEDS_TRUST}")
