"""The names of runs: short, typable, unique, and in the order of time."""

from __future__ import annotations

#: Crockford's base 32: no letter that could be taken for a digit, none that forms words by accident.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_READ_AS = str.maketrans({"o": "0", "i": "1", "l": "1"})

#: 2026-01-01T00:00:00Z. Six characters of seconds from here last until 2060.
_EPOCH = 1_767_225_600
_SECONDS_LENGTH = 6
_RANDOM_LENGTH = 3


def new_id(started_ms: int) -> str:
    """Nine characters: the second in which the run began, then three that chance chooses."""
    import secrets

    seconds = max(0, started_ms // 1000 - _EPOCH)
    return _base32(seconds, _SECONDS_LENGTH) + _base32(secrets.randbelow(32**_RANDOM_LENGTH), _RANDOM_LENGTH)


def normalized(typed: str) -> str:
    """An id, or the beginning of one, as it was meant; what cannot be one comes back as it is, but for its case."""
    return typed.strip().lower().translate(_READ_AS)


def is_prefix(text: str) -> bool:
    return bool(text) and set(text) <= set(_ALPHABET)


def _base32(number: int, length: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 32)
        digits = _ALPHABET[digit] + digits
    return digits.rjust(length, "0")
