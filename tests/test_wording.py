from __future__ import annotations

import pytest

from cct_cloudflare.wording import duration, size


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 ms"),
        (0.4, "0 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (1234, "1.23 s"),
        (9996, "10.0 s"),
        (75000, "75.0 s"),
    ],
)
def test_duration(ms: float, text: str) -> None:
    assert duration(ms) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (123456, "123 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (999_499_999, "999 MB"),
        (999_500_000, "1.0 GB"),
        (25 * 10**9, "25.0 GB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text
