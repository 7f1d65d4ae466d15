"""The Worker's own bounds (`src/limits.ts`), known here so that what passes one fails before anything starts.

A test holds the two equal. Sizes are bytes, times are milliseconds; characters are counted as JavaScript does.
"""

from __future__ import annotations

EXECUTE_BODY = 256 * 1024
QUESTION_CHARACTERS = 100_000
SYSTEM_CHARACTERS = 200_000
LEAST_MAX_TOKENS, MOST_MAX_TOKENS, DEFAULT_MAX_TOKENS = 256, 64_000, 16_000
LEAST_TIMEOUT, MOST_TIMEOUT, DEFAULT_TIMEOUT = 100, 300_000, 30_000
PROGRAM_FILES = 200
SAVED_FILES = 1000


def characters(text: str) -> int:
    """As JavaScript counts them: one beyond the first 65,536 of Unicode is two."""
    return len(text) + sum(character > "\uffff" for character in text)
