"""New text looks like the text around it: each example is a file, a setting, and the file afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cct_cloudflare.merging import jsonc, settings
from cct_cloudflare.merging.editing import append, escaped, remove, style_of
from cct_cloudflare.merging.merge import merge, unmerge
from cct_cloudflare.merging.tree import Tree

ALLOW = {"permissions": {"allow": ["Read"]}}
ENV = {"env": {"A": "1"}}


def check(before: str | None, component: dict[str, Any], after: str) -> None:
    text = None if before is None else before.encode()
    merged = merge(text, settings.wanted(json.dumps(component).encode()))
    assert (merged.text or b"").decode() == after
    assert unmerge(merged.text, merged.owned).text == text


@pytest.mark.parametrize(
    ("before", "component", "after"),
    [
        (None, ENV, '{\n  "env": {\n    "A": "1"\n  }\n}\n'),
        ("", ENV, '{\n  "env": {\n    "A": "1"\n  }\n}\n'),
        ("\r\n", ENV, '{\r\n  "env": {\r\n    "A": "1"\r\n  }\r\n}\r\n'),
        ("{}", ENV, '{\n  "env": {\n    "A": "1"\n  }\n}'),
        ('{"model":"opus"}', ENV, '{"model":"opus","env":{"A":"1"}}'),
        ('{"model": "opus"}\n', ENV, '{"model": "opus", "env": {"A": "1"}}\n'),
        ('{ "model": "opus" }', ENV, '{ "model": "opus", "env": {"A": "1"} }'),
        ('{\n\t"model": "opus"\n}', ENV, '{\n\t"model": "opus",\n\t"env": {\n\t\t"A": "1"\n\t}\n}'),
        ('{\r\n    "x": 1\r\n}\r\n', ENV, '{\r\n    "x": 1,\r\n    "env": {\r\n        "A": "1"\r\n    }\r\n}\r\n'),
        ('\ufeff{\n  "env": {}\n}', ENV, '\ufeff{\n  "env": {\n    "A": "1"\n  }\n}'),
        ('{\n  "env": { }\n}', ENV, '{\n  "env": {\n    "A": "1"\n  }\n}'),
        (
            '{\n  "permissions": {\n    "allow": ["Bash(ls)", "Edit"]\n  }\n}\n',
            ALLOW,
            '{\n  "permissions": {\n    "allow": ["Bash(ls)", "Edit", "Read"]\n  }\n}\n',
        ),
        (
            '{\n  "permissions": {\n    "allow": [\n      "Bash(ls)"\n    ]\n  }\n}\n',
            ALLOW,
            '{\n  "permissions": {\n    "allow": [\n      "Bash(ls)",\n      "Read"\n    ]\n  }\n}\n',
        ),
        (
            '{\n  "permissions": {"allow": ["Bash(ls)","Edit",]},\n}\n',
            ALLOW,
            '{\n  "permissions": {"allow": ["Bash(ls)","Edit","Read",]},\n}\n',
        ),
        ('{"permissions": {"allow": [ ]}}', ALLOW, '{"permissions": {"allow": [ "Read" ]}}'),
    ],
)
def test_new_text_is_in_the_style_of_the_file(before: str | None, component: dict[str, Any], after: str) -> None:
    check(before, component, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (  # a comment stays with the line that it is about
            '{\n  // the big one\n  "model": "opus" // expensive\n}\n',
            '{\n  // the big one\n  "model": "opus", // expensive\n  "env": {\n    "A": "1"\n  }\n}\n',
        ),
        (  # what is commented out stays last
            '{\n  "model": "opus"\n  // "x": 1\n}\n',
            '{\n  "model": "opus",\n  "env": {\n    "A": "1"\n  }\n  // "x": 1\n}\n',
        ),
        (
            '{\n  "model": "opus", /* a */ // b\n}',
            '{\n  "model": "opus", /* a */ // b\n  "env": {\n    "A": "1"\n  },\n}',
        ),
        (  # a comment that ends a line may not swallow what is put behind it
            '{"model": "opus" // why\n}',
            '{"model": "opus", // why\n  "env": {\n    "A": "1"\n  }\n}',
        ),
        (
            "{\n  // nothing yet\n}\n",
            '{\n  // nothing yet\n  "env": {\n    "A": "1"\n  }\n}\n',
        ),
        (
            '{"model": "opus", "env": {/* later */}}',
            '{"model": "opus", "env": {/* later */ "A": "1"}}',
        ),
        ("// mine\n{}\n// end", '// mine\n{\n  "env": {\n    "A": "1"\n  }\n}\n// end'),
    ],
)
def test_comments_stay_where_they_are(before: str, after: str) -> None:
    check(before, ENV, after)


def test_a_list_stands_on_one_line_as_long_as_it_is_short() -> None:
    short = {"statusLine": {"type": "command", "args": ["-y", "x"], "none": {}, "long": ["y" * 60, "z" * 60]}}
    merged = merge(None, settings.wanted(json.dumps(short).encode()))
    assert merged.text is not None
    assert '    "args": ["-y", "x"],\n    "none": {},\n    "long": [\n      "yyy' in merged.text.decode()


@pytest.mark.parametrize(
    ("text", "written"),
    [("a\u202eb", "a\\u202eb"), ("\ud800", "\\ud800"), ("\U000e0001", "\\udb40\\udc01"), ("é\u3000漢", "é\u3000漢")],
)
def test_what_an_editor_would_not_show_is_escaped(text: str, written: str) -> None:
    assert escaped(f'"{text}"') == f'"{written}"'
    assert json.loads(escaped(f'"{text}"')) == text


def test_a_component_with_half_a_character_is_written_and_taken_out() -> None:
    merged = merge(b"{}", settings.wanted(b'{"env": {"A": "\\ud800"}}'))
    assert merged.text is not None
    assert b'"\\ud800"' in merged.text
    assert unmerge(merged.text, merged.owned).text == b"{}"


@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        ('{"a": 1, "b": 2, "c": 3}', "b", '{"a": 1, "c": 3}'),
        ('{"a": 1, "b": 2, "c": 3}', "c", '{"a": 1, "b": 2}'),
        ('{"a": 1, "b": 2, "c": 3}', "a", '{"b": 2, "c": 3}'),
        ('{"a": 1, "b": 2,}', "b", '{"a": 1,}'),
        ('{"a": 1,\n // about b\n "b": 2\n}', "b", '{"a": 1\n // about b\n}'),
        ('{"a": 1,\n "b": 2 // about b\n}', "b", '{"a": 1\n // about b\n}'),
        ('{"a": 1,\n "b": 2, // about b\n "c": 3}', "b", '{"a": 1,\n // about b\n "c": 3}'),
        ('{"a": 1, "b": 2 /* 1 */, "c": 3}', "b", '{"a": 1, /* 1 */ "c": 3}'),
        ('{"a": 1, // about a\n "b": 2 }', "b", '{"a": 1 // about a\n }'),
        ('{"a": 1 /* 1 */ , /* 2 */ "b": 2}', "b", '{"a": 1 /* 1 */  /* 2 */}'),
        ('{ /* only */ "a": 1 }', "a", "{ /* only */ }"),
        ('{"a": 1\r\n, // x\r\n"b": 2}', "b", '{"a": 1\r\n // x\r\n}'),
    ],
)
def test_taking_out_leaves_comments_and_valid_text(before: str, key: str, after: str) -> None:
    document = jsonc.parse(before)
    assert isinstance(document.root, jsonc.Container)
    item = document.root.member(key)
    assert item is not None
    remove(document.root, item)
    text = jsonc.render(document)
    assert jsonc.comments(document.root) == jsonc.comments(jsonc.parse_node(before))
    assert text == after
    assert jsonc.load(text.encode()) == {name: it for name, it in jsonc.load(before.encode()).items() if name != key}


def test_what_is_put_in_can_be_edited_further() -> None:
    tree = Tree(b"{}")
    spot = tree.ensure(("a", "b"), "[", lambda at, was: None)
    append(spot, 1, style_of(jsonc.parse("{}")))
    assert jsonc.load(tree.to_bytes()) == {"a": {"b": [1]}}
