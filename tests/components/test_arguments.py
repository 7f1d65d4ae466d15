"""The expected texts are what Claude Code 2.1.330 sent for these bodies and arguments, unless a test says otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.components.arguments import expand, split_arguments

FOUR = 'foo "b c" x$HOME'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("$ARGUMENTS", FOUR),
        ("$ARGUMENTS[0]|$ARGUMENTS[1]|$ARGUMENTS[9]", "foo|b c|$ARGUMENTS[9]"),
        ("$0|$1|$2|$3|$9|$10", "foo|b c|x$HOME|$3|$9|$10"),
        ("${0}|${ARGUMENTS}|$HOME|$arguments", "${0}|${ARGUMENTS}|$HOME|$arguments"),
        (r"\$1.00|\$ARGUMENTS|\$ARGUMENTS[0]", "$1.00|$ARGUMENTS|$ARGUMENTS[0]"),
        (r"\\$1|\\\$0|\\\\$0|\$x", r"\\b c|\\\foo|\\\\foo|\$x"),
        ("$ARGUMENTSX|$ARGUMENTS[x]", f"{FOUR}X|{FOUR}[x]"),
        ("$1x|$1_|$-1|$$1|a$0b|a$0.", "$1x|$1_|$-1|$b c|a$0b|afoo."),
    ],
)
def test_placeholders(body: str, expected: str) -> None:
    assert expand(body, FOUR).text == expected


def test_declared_names() -> None:
    body = r"n1=$n1 0x=$0x ab=$a-b a=$a aA=$aA 1=$1 n=$ARGUMENTS[1]$n1|$n1[0]|\$n1|${n1}"
    expected = "n1=q 0x=r ab=s a=t aA=$aA 1=q n=qq|$n1[0]|$n1|${n1}"
    assert expand(body, "p q r s t", ["ARGUMENTS", "n1", "0x", "a-b", "a"]).text == expected


def test_a_declared_name_without_an_argument_is_empty_and_an_index_stays() -> None:
    expansion = expand("$issue on $branch, $third $2", 'a "b c"', ["issue", "branch", "third"])
    assert expansion.text == "a on b c,  $2"
    assert expansion.unfilled == ("$third", "$2")


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", []),
        ("  \n ", []),
        (" foo   bar ", ["foo", "bar"]),
        ("line1 a\nline2 b", ["line1", "a", "line2", "b"]),
        ('"" x', ["", "x"]),
        ('a"b c"d e', ["ab cd", "e"]),
        ("'a\"b' c", ['a"b', "c"]),
        (r"a\ b c", ["a b", "c"]),
        (r'"c\"d" "e\\f"', [r"c\"d", r"e\\f"]),
        (r"'g\h' i\\j", [r"g\h", r"i\j"]),
        ("don't split this", ["don't split this"]),
        ('"unbalanced foo bar', ['"unbalanced foo bar']),
        ("*.txt {a,b} [x] --flag=1 ?q a#b c#", ["*.txt", "{a,b}", "[x]", "--flag=1", "?q", "a#b", "c#"]),
        ("$HOME ${Y}x", ["$HOME", "${Y}x"]),
    ],
)
def test_splitting(text: str, arguments: list[str]) -> None:
    assert split_arguments(text) == arguments


def test_shell_operators_are_text() -> None:
    """Claude Code drops what follows them; a prompt is prose, and every word of it counts."""
    assert split_arguments("a && b | c; # d > e") == ["a", "&&", "b", "|", "c;", "#", "d", ">", "e"]


def test_what_is_inserted_is_not_expanded_again() -> None:
    assert expand("$0 and $ARGUMENTS", "$1 $ARGUMENTS[0]").text == "$1 and $1 $ARGUMENTS[0]"


@pytest.mark.parametrize("body", ["No placeholders.", "only high: $5", r"price \$5"])
def test_a_body_that_took_nothing_says_so(body: str) -> None:
    assert expand(body, "foo bar").replaced is False


def test_words_that_no_placeholder_took_are_reported() -> None:
    assert expand("$0", "a b c").unused == ("b", "c")
    assert expand("$0 $ARGUMENTS", "a b c").unused == ()


def test_an_enormous_index_is_no_argument() -> None:
    assert expand("$" + "9" * 5000, "a").text == "$" + "9" * 5000


@given(st.text(), st.text())
def test_the_arguments_arrive_as_typed(body: str, text: str) -> None:
    assert expand(f"{body} $ARGUMENTS", text).text.endswith(f" {text}")


@given(st.text(alphabet=st.characters(exclude_characters="$")), st.text())
def test_a_body_without_a_dollar_is_unchanged(body: str, text: str) -> None:
    expansion = expand(body, text)
    assert expansion.text == body and not expansion.replaced


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="'"))))
def test_single_quotes_hold_any_argument(arguments: list[str]) -> None:
    assert split_arguments(" ".join(f"'{argument}'" for argument in arguments)) == arguments


def test_a_long_text_is_split_in_one_pass() -> None:
    assert split_arguments("x" * 1_000_000) == ["x" * 1_000_000]
    assert split_arguments("end\\") == ["end\\"]
