from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from cct_cloudflare.components.frontmatter import (
    MAX_DEPTH,
    MAX_YAML,
    describe,
    list_value,
    load_yaml,
    parse,
    render,
    text_value,
)

PIECES = st.sampled_from(
    [
        "---",
        "---\n",
        "\n",
        "\r\n",
        "\ufeff",
        " ",
        "name: x",
        "description: a: b",
        "tools: [",
        "&a",
        "*a",
        "- ",
        "|",
        "body",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join)))
def test_every_text_is_parsed_and_rendered_back(text: str) -> None:
    assert render(parse(text)) == text


@given(st.text(), st.text())
@example("'\"", "")  # not valid YAML, after a key that has one line
def test_the_body_is_what_follows_the_fence(inside: str, body: str) -> None:
    document = parse(f"---\nname: n\ntext: {inside!r}\n---\n{body}")
    assert document.body == body
    assert document.metadata["name"] == "n"


def test_valid_yaml() -> None:
    document = parse("---\nname: n\ndescription: >\n  two\n  lines\ntools: [Read, Write]\n---\n\n# Body\n")
    assert document.metadata == {"name": "n", "description": "two lines\n", "tools": ["Read", "Write"]}
    assert document.body == "\n# Body\n"
    assert document.warnings == ()


def test_scalars_stay_as_they_are_written() -> None:
    metadata = parse("---\nname: on\nversion: 1.10\ndate: 2026-01-01\nid: 1e3\nnone: null\n---\n").metadata
    assert metadata == {"name": "on", "version": "1.10", "date": "2026-01-01", "id": "1e3", "none": "null"}


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("argument-hint: [a] | --b | --c", "argument-hint", "[a] | --b | --c"),
        ("argument-hint: <file> [--fix]: how", "argument-hint", "<file> [--fix]: how"),
        ("description: Use it: when a: b", "description", "Use it: when a: b"),
        ("description: `code` first", "description", "`code` first"),
        ("description: @mention first", "description", "@mention first"),
        ("description: *bold* first", "description", "*bold* first"),
        ("description: 'it's broken'", "description", "it's broken"),
        ("description: 100% sure: # not a comment", "description", "100% sure: # not a comment"),
        ("model: opus\n\tcolor: red", "model", "opus"),
    ],
)
def test_invalid_yaml_is_recovered(line: str, key: str, value: str) -> None:
    document = parse(f"---\nname: n\n{line}\n---\nbody")
    assert document.metadata["name"] == "n"
    assert text_value(document.metadata, key) == value
    assert document.body == "body"
    assert len(document.warnings) == 1


def test_a_description_with_a_dialogue_is_recovered_whole() -> None:
    text = (
        "---\n"
        "name: reviewer\n"
        "description: Use this agent when: code changed. Examples: <example>\n"
        "Context: The user has finished.\n"
        'user: "Review it"\n'
        'assistant: "I\'ll use: reviewer"\n'
        "</example>\n"
        "tools:\n"
        "  - Read\n"
        "  - Write\n"
        "model: opus\n"
        "---\n"
        "You review.\n"
    )
    metadata = parse(text).metadata
    assert list(metadata) == ["name", "description", "tools", "model"]
    assert metadata["description"].startswith("Use this agent when: code changed.")
    assert metadata["description"].endswith("</example>")
    assert list_value(metadata, "tools") == ("Read", "Write")
    assert metadata["model"] == "opus"


def test_a_key_inside_a_broken_description_does_not_win_over_the_first() -> None:
    metadata = parse("---\nname: right\ndescription: a: b\nname: wrong\n---\n").metadata
    assert metadata["name"] == "right"
    assert "name: wrong" in metadata["description"]


def test_bom_and_crlf_are_kept() -> None:
    text = "\ufeff---\r\nname: n\r\ndescription: d\r\n---\r\n\r\nBody\r\n"
    document = parse(text)
    assert document.metadata == {"name": "n", "description": "d"}
    assert document.body == "\r\nBody\r\n"
    assert render(document) == text


@pytest.mark.parametrize(
    "text", ["", "# Title\n\ntext", "---\nProse between rules.\n---\nMore.", "----\nname: x\n----\n"]
)
def test_without_frontmatter_everything_is_body(text: str) -> None:
    document = parse(text)
    assert (document.fence, document.body, dict(document.metadata)) == ("", text, {})


def test_an_empty_frontmatter_is_one() -> None:
    document = parse("---\n---\nbody")
    assert (document.body, dict(document.metadata), document.warnings) == ("body", {}, ())


def test_a_fence_that_is_never_closed_is_a_warning() -> None:
    document = parse("---\nname: x\nbody")
    assert document.body == "---\nname: x\nbody"
    assert "never closed" in document.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]",
        "a: !!python/object/apply:os.system [id]",
        "a: !!int ''",
        "[" * 5000,
        "{a: " * 5000,
        "- " * 5000,
        "a: " + "x" * MAX_YAML,
        "[a]: b",
        "a: b\n--- \nc: d",
        "? ? ? a",
        "just text",
        "- a\n- b",
        "a: \x00",
        "a: \ud800",
        "\tx: y",
    ],
    ids=lambda text: text[:20],
)
def test_yaml_that_could_do_harm_or_is_no_mapping_is_not_used(text: str) -> None:
    assert load_yaml(text) is None


def test_an_alias_bomb_still_yields_name_and_body() -> None:
    bomb = "".join(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]\n" for n in range(1, 40))
    document = parse(f"---\nname: bomb\nx0: &x0 [lol]\n{bomb}---\nbody")
    assert document.metadata["name"] == "bomb"
    assert document.body == "body"
    assert document.warnings


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("Read, Write", ("Read", "Write")),
        ("[Read, 'Write']", ("Read", "Write")),
        ("Bash(git add:*, git commit:*), Read", ("Bash(git add:*, git commit:*)", "Read")),
        ("- Read\n- Write", ("Read", "Write")),
        (["Read", ["nested"], " Write "], ("Read", "Write")),
        ("", ()),
        ({"a": "b"}, ()),
        (None, ()),
    ],
)
def test_lists(value: object, items: tuple[str, ...]) -> None:
    assert list_value({"tools": value}, "tools") == items


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ("# The *title*\n\ntext", "The *title*"),
        ("\n\nFirst\nparagraph.\n\nSecond.", "First paragraph."),
        ("```sh\n\n```\n", ""),
        ("", ""),
        ("#\n##  Deep ##\n", "Deep"),
        ("x" * 500, "x" * 300),
    ],
)
def test_a_description_is_taken_from_the_body(body: str, description: str) -> None:
    assert describe(body) == description


YAML_PIECES = st.sampled_from(
    [
        *"ab:-\n[]{},'\"\\#?&*!%\t~é\x85 \x00\ud800",
        ": ",
        "- ",
        "\n  ",
        " #",
        "---\n",
        "|\n",
        ">-\n  ",
        "&x ",
        "*x",
        "!!str ",
        "<<: ",
    ]
)


#: What most headers are made of, and what is just no longer of that shape.
LINES = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["a", "name", "allowed-tools", "b_2", "on", "1", "-", " a", "a b", "é", ""]),
    st.sampled_from([": ", ":  ", ":", ":\t", " : ", ""]),
    st.sampled_from(
        ["x", "<x", "(x", "$x", "=", "~", '"', "'", "- x", "[x", "#x", "@x", "/x", ".", "é", "\u2028", "😀", ""]
    ),
    st.one_of(
        st.sampled_from(["", "y z", ": y", ":y", ":", " #", "#y", " # y: z", ": y # z", '"', "'", "\\", "''", "]"]),
        st.sampled_from(["\xa0", "\x85", "\ufeff", "\u2029", "  ", "\t", "\x7f", "\ufffe"]),
        st.text(max_size=6),
    ),
    st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "", "\n\n", "\n  ", " \n", '"\n', "'\n", "'  \n"]),
)


@given(st.one_of(st.text(), st.lists(YAML_PIECES, max_size=25).map("".join), st.lists(LINES, max_size=5).map("".join)))
@example("a: 1\na: 2")
@example("? [a]\n: b")
@example("a: b\n---\nc: d")
@example("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
@example("a: ! b")
def test_what_is_read_in_one_pass_is_what_the_loader_of_the_library_reads(text: str) -> None:
    assert load_yaml(text) == by_the_library(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name: x\ndescription: y\n",
        "a:\nb: 'c: d'\r\nc: \"#\" ",
        "a: b#c:d é\n",
        "a: b: <example>\n\nuser: 'x'",
        "a: x:\n",
    ],
)
def test_most_headers_do_not_need_the_library(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = by_the_library(text)
    monkeypatch.setattr(yaml, "parse", lambda *_, **__: pytest.fail("it was asked"))
    assert load_yaml(text) == expected


def by_the_library(text: str) -> dict[str, Any] | None:
    loader: Any = yaml.CBaseLoader
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if (
                isinstance(event, yaml.AliasEvent)
                or depth > MAX_DEPTH
                or getattr(event, "tag", None) not in (None, "!")
            ):
                return None
        data = yaml.load(text, Loader=loader)
    except (yaml.YAMLError, ValueError):
        return None
    return {} if data in (None, "") else data if isinstance(data, dict) else None
