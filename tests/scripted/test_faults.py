from __future__ import annotations

import pytest

from cct_cloudflare.errors import UsageError
from cct_cloudflare.scripted import Fault, parse_fault
from cct_cloudflare.scripted.faults import STREAM_FAULTS


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("529", Fault(status=529)),
        ("429:retry-after=2", Fault(status=429, headers={"retry-after": "2"})),
        ("delay=0.5,cut", Fault(delay=0.5, stream="cut")),
        ("delay=1, 500:a=b:c=d", Fault(delay=1.0, status=500, headers={"a": "b", "c": "d"})),
    ],
)
def test_faults_are_read(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize("name", STREAM_FAULTS)
def test_every_fault_of_a_stream_has_a_name(name: str) -> None:
    assert parse_fault(name).stream == name


@pytest.mark.parametrize(
    "text", ["", "nonsense", "200", "429:retry-after", "delay=soon", "delay=-1", "delay=nan", "5290"]
)
def test_others_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_fault(text)


def test_the_names_of_errors_are_the_apis() -> None:
    assert [Fault(status=status).error_type for status in (401, 429, 529, 503, 418)] == [
        "authentication_error",
        "rate_limit_error",
        "overloaded_error",
        "api_error",
        "invalid_request_error",
    ]
