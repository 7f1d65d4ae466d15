"""Text of a component, made fit for one line of a terminal without leaving any of it out."""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Enough to push what follows out of sight; shorter runs are how people write.
_GAP = re.compile(r" {9,}")
_SECRET_NAME = re.compile(
    r"key|token|secret|passw|passphrase|credential|auth|cookie|private|dsn|session|bearer|pat$", re.IGNORECASE
)
_REFERENCE = re.compile(r"\$\{[A-Za-z_]\w*\}|\$[A-Za-z_]\w*", re.ASCII)
#: MAX_OUTPUT_TOKENS and its like.
_AMOUNT = re.compile(r"\s*(?:-?\d{1,9}(?:\.\d{1,9})?|true|false)\s*", re.IGNORECASE)
_TOKEN = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|ghs|ghu|github_pat|glpat|xox[abprs]|npm|pypi|hf|AKIA|ASIA|AIza)[-_A-Za-z0-9]{16,200}"
    r"|\beyJ[\w-]{10,300}\.[\w-]{10,2000}\.",
    re.ASCII,
)
_PASSWORD = re.compile(r"://[^/\s:@]{1,200}:(?!\$)[^/\s@]{3,200}@", re.ASCII)
# What stands for a token in documentation.
_EXAMPLE = re.compile(
    r"your|example|sample|placeholder|dummy|test|fake|redacted|abc|123|(.)\1{3}|\.\.\.", re.IGNORECASE
)
MASK = "********"


def shown(text: str) -> str:
    """`text` on one line: what steers a terminal, breaks or reorders a line is an escape, a long gap its length."""
    escaped = "".join(_escape(char) if unicodedata.category(char) in _INVISIBLE else char for char in text)
    return _GAP.sub(lambda gap: f" [{len(gap.group())} spaces] ", escaped)


def _escape(char: str) -> str:
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    if short is not None:
        return short
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def is_secret(name: str, value: str) -> bool:
    """Whether a value looks like a secret that was written down, and not like a reference to one (`${TOKEN}`)."""
    if _TOKEN.search(value) or _PASSWORD.search(value):
        return True
    if _AMOUNT.fullmatch(value):
        return False
    literal = _REFERENCE.sub("", value).strip()
    return _SECRET_NAME.search(name) is not None and any(char.isalnum() for char in literal.removeprefix("Bearer"))


def has_token(text: str) -> bool:
    """Whether a text has a key or token in it that looks real: mixed letters and digits, and no word of an example."""
    return any(_is_mixed(match.group()) and not _EXAMPLE.search(match.group()) for match in _TOKEN.finditer(text))


def _is_mixed(token: str) -> bool:
    return sum(char.isdigit() for char in token) >= 3 and sum(char.isalpha() for char in token) >= 10


def masked(name: str, value: str) -> str:
    """The value as it may be printed."""
    return MASK if is_secret(name, value) else shown(value)
