"""What Cloudflare or wrangler refuses, recognised and answered with the fix.

wrangler leaves the number of Cloudflare's error in its output file; the text decides only where a number says too
little. Sources: wrangler 4.164 and the issues of cloudflare/workers-sdk, read 2026-11-23.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cct_cloudflare.deploy.wrangler import Outcome
from cct_cloudflare.errors import CctError, ConfigError, WorkerError
from cct_cloudflare.plain import plain_line

_TOKENS = "https://dash.cloudflare.com/profile/api-tokens"
_AGAIN = "then run the same command again"


@dataclass(frozen=True)
class _Sign:
    """Holds when one of `numbers` was answered (none given: any) and `text` is found (none given: any)."""

    numbers: frozenset[int] = frozenset()
    text: str = ""

    def holds(self, numbers: frozenset[int], said: str) -> bool:
        if self.numbers and not self.numbers & numbers:
            return False
        return not self.text or re.search(self.text, said, re.IGNORECASE) is not None


@dataclass(frozen=True)
class _Rule:
    code: str
    signs: tuple[_Sign, ...]
    message: str
    hint: str


# The first one with a sign that holds is told.
_RULES = (
    _Rule(
        "deploy_plan",
        (
            _Sign(frozenset({10195})),
            # Before that number there was this one, which stands for every binding that is not valid (issue 13235).
            _Sign(frozenset({10021}), r"worker_loader\b|dynamic workers?\b"),
        ),
        "Cloudflare refused the Dynamic Workers of this Worker: they need the Workers Paid plan.",
        f"Change the plan at https://dash.cloudflare.com/?to=/:account/workers/plans, {_AGAIN}. "
        "Prompts run on this machine, too, with no account.",
    ),
    _Rule(
        "deploy_subdomain",
        (_Sign(frozenset({10063})), _Sign(text=r"register a workers\.dev subdomain")),
        "The account has no workers.dev subdomain yet, so the Worker would have no address.",
        "Register one at https://dash.cloudflare.com/?to=/:account/workers/onboarding, or give wrangler.toml a route "
        f"of a domain of yours; {_AGAIN}.",
    ),
    _Rule(
        "deploy_account",
        (_Sign(text=r"more than one account available"),),
        "Your login reaches several Cloudflare accounts, and none was chosen.",
        "Name one with --account ID or CLOUDFLARE_ACCOUNT_ID; cct deploy lists them.",
    ),
    _Rule(
        "deploy_login",
        (
            # Invalid token; invalid format of a header or token; unknown key; no key at all.
            _Sign(frozenset({1000, 6003, 6111, 9103, 9106})),
            _Sign(text=r"invalid (access|api) token|unable to authenticate request"),
        ),
        "Cloudflare does not accept the login: the API token is wrong, was revoked or has expired.",
        f"Set CLOUDFLARE_API_TOKEN to a new token from {_TOKENS}, or unset it and log in with the browser, which "
        "cct deploy offers in a terminal.",
    ),
    _Rule(
        "deploy_login",
        (_Sign(text=r"not logged in|not authenticated|set a CLOUDFLARE_API_TOKEN|failed to fetch auth token"),),
        "You are not logged in to Cloudflare.",
        f"Set CLOUDFLARE_API_TOKEN to a token from {_TOKENS}, or run cct deploy in a terminal, which offers to log in "
        "with the browser.",
    ),
    _Rule(
        "deploy_permission",
        # "Authentication error", which Cloudflare says of permissions too; unauthorized to access; forbidden.
        (_Sign(frozenset({10000, 10001, 9109, 10403})),),
        "Your login may not do this in that account: Cloudflare answered that it lacks the permission.",
        f'Give the API token the permissions of the template "Edit Cloudflare Workers" at {_TOKENS}, for this account; '
        "with a browser login, ask its administrator for a role that may edit Workers.",
    ),
)

#: No Worker of that name; no such service.
_NOT_THERE = frozenset({10007, 10090})


def is_not_there(outcome: Outcome) -> bool:
    """Whether wrangler failed because the account has no such Worker."""
    failed = outcome.entry("command-failed")
    message = str(failed.get("message", "")) if failed else ""
    return (
        bool(_numbers(outcome) & _NOT_THERE)
        or re.match(r'Worker "[^"]*"( \(env: [^)]*\))? not found', message) is not None
    )


def refusal(outcome: Outcome, doing: str) -> CctError:
    """The error for a wrangler that failed while `doing` something, such as "uploading the Worker"."""
    numbers = _numbers(outcome)
    failed = outcome.entry("command-failed")
    message = plain_line(str(failed.get("message", ""))) if failed else ""
    for rule in _RULES:
        if any(sign.holds(numbers, f"{message}\n{outcome.said}") for sign in rule.signs):
            return ConfigError(rule.message, hint=rule.hint, code=rule.code)
    return WorkerError(
        f"wrangler failed while {doing}: {_gist(outcome, message)}",
        hint="Mend what it says, then run the same command again: what is done already is not done twice.",
        code="deploy_failed",
    )


def _numbers(outcome: Outcome) -> frozenset[int]:
    failed = outcome.entry("command-failed")
    own = failed.get("code") if failed else None
    found = {int(number) for number in re.findall(r"\[code: (\d{4,6})\]", outcome.said)}
    return frozenset(found | ({own} if isinstance(own, int) else set()))


_NOISE = re.compile(r"Logs were written to|please open an issue|^\W*$|^\[custom build\]", re.IGNORECASE)


def _gist(outcome: Outcome, message: str) -> str:
    """What wrangler said of its failure, without where its log lies: its error, else its last lines."""
    lines = [line.strip() for line in outcome.said.splitlines() if not _NOISE.search(line)]
    starts = [number for number, line in enumerate(lines) if "[ERROR]" in line]
    told = lines[starts[-1] :] if starts else lines[-5:]
    text = re.sub(r"^\W*\[ERROR\]\s*", "", plain_line(" ".join(told))) or message or "it said nothing"
    return text if len(text) <= 1000 else f"{text[:1000]}…"
