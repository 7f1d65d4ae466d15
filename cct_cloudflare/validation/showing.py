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
_SECRET_TEXT = re.compile(
    r"\b(?:sk|pk|rk|ghp|gho|ghs|ghu|github_pat|glpat|xox[abprs]|npm|pypi|hf|AKIA|ASIA|AIza)[-_A-Za-z0-9]{16,}"
    r"|\beyJ[\w-]{10,300}\.[\w-]{10,2000}\."
    r"|://[^/\s:@]+:(?!\$)[^/\s@]{3,}@",
    re.ASCII,
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
    if has_secret(value):
        return True
    literal = _REFERENCE.sub("", value).strip()
    return _SECRET_NAME.search(name) is not None and any(char.isalnum() for char in literal.removeprefix("Bearer"))


def has_secret(text: str) -> bool:
    """Whether a text has the shape of a key, a token, or an address with a password."""
    return _SECRET_TEXT.search(text) is not None


def masked(name: str, value: str) -> str:
    """The value as it may be printed."""
    return MASK if is_secret(name, value) else shown(value)
