"""SANDBOX_DEBUGGING.md tells of every error code what the registries do, and something more."""

from __future__ import annotations

import re

import pytest

from cct_cloudflare.errors import CODES
from tests.guides.facts import told, with_facts, worker_errors
from tests.guides.pages import page_text

PAGE = "SANDBOX_DEBUGGING.md"


def section(code: str) -> str:
    """What stands below a code's heading, up to the next heading."""
    found = re.search(rf"^### `{code}`\n(.*?)(?=^##)", page_text(PAGE), re.DOTALL | re.MULTILINE)
    assert found is not None, code
    return found[1]


def test_the_codes_that_have_a_heading_are_those_that_there_are() -> None:
    assert sorted(told(page_text(PAGE))) == sorted(CODES)


@pytest.mark.parametrize("code", CODES)
def test_the_facts_of_a_code_are_the_registries(code: str) -> None:
    facts, spec = told(page_text(PAGE))[code], CODES[code]
    status = re.search(r"HTTP (\d+)", facts)
    assert (int(status[1]) if status else None) == spec.status
    leaving = re.search(r"[Ee]xit status (\d+)", facts)
    assert leaving is not None
    assert int(leaving[1]) == spec.exit
    assert re.search(r", (not )?retryable\.$", facts, re.MULTILINE)
    assert ("not retryable" not in facts) == spec.retryable
    hint = re.search(r"^- The Worker's hint: `(.*)`$", facts, re.MULTILINE)
    assert (hint[1] if hint else None) == worker_errors().get(code, {}).get("hint")


@pytest.mark.parametrize("code", CODES)
def test_a_code_comes_with_more_than_its_facts(code: str) -> None:
    prose = section(code).replace(told(page_text(PAGE))[code], "").strip()
    assert len(prose.split()) >= 12, "say what one sees, why, and what to do"


def test_facts_are_written_anew_and_what_is_no_code_is_left_alone() -> None:
    page = "### `not_found`\n\n- HTTP 200.\n\nWhy.\n\n### `not_a_code`\n\n- A list.\n\nWhy.\n"
    wanted = (
        "### `not_found`\n\n- HTTP 404, exit status 4, not retryable.\n- The Worker's hint: `GET / lists the routes.`\n"
        "\nWhy.\n\n### `not_a_code`\n\n- A list.\n\nWhy.\n"
    )
    assert with_facts(page) == wanted == with_facts(wanted)
