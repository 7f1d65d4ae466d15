from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.components.names import check_name, name_key, name_problem, parse_refs, printable
from cct_cloudflare.errors import Exit, UsageError

REFUSED = [
    "",
    "/",
    "a//b",
    "a/",
    "/etc/passwd",
    "../secret",
    "agents/../../x",
    "./a",
    "..",
    "%2e%2e/x",
    "a%2fb",
    "a\\b",
    "..\\x",
    "~/x",
    "~root",
    "C:x",
    "c:/windows",
    "\\\\host\\share",
    "CON",
    "con.md",
    "cat/NUL",
    "x/com1",
    "lpt9.txt",
    "trailing.",
    "trailing ",
    "\u00a0",
    "a/\u2003b",
    "a./b",
    ".hidden",
    "cat/.hidden",
    "-option",
    "a" * 300,
    "/".join("abcdefghijklmno"),
    "a\0b",
    "a\nb",
    "a\x1b[31mb",
    "a\u202eb",
    "a\u200bb",
    "a\ud800b",
    "a*",
    "a?b",
    "a|b",
    "a;b",
    "$HOME",
    "`id`",
    '"quoted"',
    "<b>",
    "https://example.com/x",
    "user@host",
]


@pytest.mark.parametrize("ref", REFUSED, ids=ascii)
def test_a_name_that_could_lead_elsewhere_is_refused(ref: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_name(ref)
    assert caught.value.code == "component_invalid"
    assert caught.value.exit_code == Exit.USAGE
    assert caught.value.hint
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "ref", ["python-developer", "development-team/python-developer", "a/b/c", "v2.1_x", "größe/ärger", "日本語", "a b"]
)
def test_an_ordinary_name_passes(ref: str) -> None:
    assert check_name(ref) == ref


def test_the_suffix_of_the_file_may_be_given() -> None:
    assert check_name("setup/setup-react.md") == "setup/setup-react"


@given(st.text(max_size=40))
def test_what_passes_stays_below_its_folder(name: str) -> None:
    if name_problem(name) is None:
        parts = name.split("/")
        assert ".." not in parts and "." not in parts and "" not in parts
        assert not set(name) & set("\\:%~\0")


def test_names_that_a_file_system_could_confuse_have_one_key() -> None:
    assert name_key("Café/Straße") == name_key("cafe\u0301/STRASSE")
    assert name_key("a-b") != name_key("a_b")


def test_references_come_as_lists_and_repeated() -> None:
    assert parse_refs(["a, b", "c", "a", " ,,d ,"]) == ["a", "b", "c", "d"]
    assert parse_refs([]) == []


def test_printable_shows_what_would_steer_a_terminal() -> None:
    assert printable("a\x1b]52;c;x\x07b\u202ec\n d") == "a\\u001b]52;c;x\\u0007b\\u202ec d"
    assert printable("\U000e0041") == "\\U000e0041"


@given(st.text())
def test_printable_text_is_inert(text: str) -> None:
    shown = printable(text)
    assert "\x1b" not in shown and "\n" not in shown and "\r" not in shown and "\u202e" not in shown
