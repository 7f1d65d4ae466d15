"""What the last confirm shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from cct_cloudflare.config import Key
from cct_cloudflare.errors import ConfigError
from cct_cloudflare.wizard.draft import Draft, Where
from cct_cloudflare.wizard.known import Known
from cct_cloudflare.wizard.summary import summarize

DRAFT = Draft(where=Where.HERE, prompt="Say hi")
KNOWN = Known(key=Key("sk-ant-CANARY", "dotenv"))


@pytest.mark.parametrize(
    ("api_url", "said"),
    [
        (None, "from the project's .env"),
        ("https://gateway.example/v1/", "from the project's .env, for https://gateway.example"),
    ],
)
def test_where_the_key_comes_from_and_goes_to(api_url: str | None, said: str, tmp_path: Path) -> None:
    facts = dict(summarize(DRAFT, tmp_path, KNOWN, api_url).facts)
    assert list(facts["Key"]) == [said]


def test_a_password_in_the_address_is_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        summarize(DRAFT, tmp_path, KNOWN, "https://me:password-CANARY@gateway.example")
    assert "CANARY" not in caught.value.message + caught.value.hint
