"""Words → components, the best first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.catalog import bundled_catalog
from cct_cloudflare.catalog.search import Match, search
from cct_cloudflare.components.model import Kind
from cct_cloudflare.components.package import Item


def item(name: str, description: str = "", kind: Kind = Kind.AGENT, **fields: object) -> Item:
    return Item(kind, name, description, "test", **fields)  # type: ignore[arg-type]


ITEMS = [
    item("web/react-developer", "Builds components"),
    item("web/frontend-developer", "Builds pages, also with React"),
    item("data/python-developer", "Writes programs"),
    item("quality/code-reviewer", "Reviews pull requests"),
    item("web/reactor", "Runs a power plant"),
    item("git/guard-main", "Blocks commits on main", Kind.HOOK),
    item("testing/playwright", "Drives a browser", Kind.SKILL, title="Browser driver"),
    item("ops/shell", "Runs things", tools=("Bash(git *)", "WebFetch")),
    item("misc/extractor", "Extracts abstract interactions"),
    item("misc/größe", "Misst die Größe"),
]


def found(query: str, items: list[Item] | None = None) -> list[str]:
    return [match.item.leaf for match in search(ITEMS if items is None else items, query)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("react", ["react-developer", "reactor", "frontend-developer"]),
        ("REACT developer", ["react-developer", "frontend-developer"]),
        ("react-developer", ["react-developer"]),
        ("codereviewer", ["code-reviewer"]),
        ("Code Reviewer", ["code-reviewer"]),
        ("git/guard-main", ["guard-main"]),
        ("hook", ["guard-main"]),
        ("hooks", ["guard-main"]),
        ("browser driver", ["playwright"]),
        ("webfetch", ["shell"]),
        ("the code review", ["code-reviewer"]),
        ("pull request", ["code-reviewer"]),
        ("commit", ["guard-main"]),
        ("grösse", ["größe"]),
        ("GRÖSSE", ["größe"]),
        ("gro\u0308\u00dfe", ["größe"]),
    ],
)
def test_the_best_come_first(query: str, expected: list[str]) -> None:
    assert found(query)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("raect", "react-developer"),
        ("pyhton", "python-developer"),
        ("playwrigth", "playwright"),
        ("frontedn", "frontend-developer"),
        ("revewer", "code-reviewer"),
        ("gaurd main", "guard-main"),
        ("pyton developer", "python-developer"),
    ],
)
def test_a_mistyped_word_finds_what_was_meant(query: str, best: str) -> None:
    assert found(query)[0] == best


def test_somebody_elses_mistake_does_not_hide_what_was_meant() -> None:
    items = [*ITEMS, item("misc/other", "Has pyhton in it")]
    assert {"python-developer", "other"} <= set(found("pyhton", items))


def test_much_of_a_longer_word_is_no_mistake() -> None:
    items = [item("x/javascript"), item("x/strict"), item("x/react"), item("x/extract")]
    assert found("script", items) == ["javascript"]
    assert found("ract", items)[0] == "react"


def test_a_word_that_is_there_is_not_taken_for_another() -> None:
    items = [item("a/port"), item("a/sort"), item("a/part")]
    assert found("port", items) == ["port"]


def test_a_name_is_worth_more_than_a_description_and_a_whole_word_more_than_a_part() -> None:
    items = [
        item("x/one", "about docker"),
        item("x/dockerfile"),
        item("x/docker"),
        item("docker/two"),
        item("x/three", "undockered"),
    ]
    assert found("docker", items) == ["docker", "dockerfile", "two", "one", "three"]


def test_more_of_the_words_come_before_fewer_and_half_is_enough() -> None:
    items = [item("x/alpha-beta"), item("x/alpha", "alpha alpha"), item("x/gamma", "beta"), item("x/delta")]
    assert found("alpha beta", items) == ["alpha-beta", "alpha", "gamma"]
    assert found("alpha beta gamma", items) == ["alpha-beta", "gamma"]


def test_a_word_that_nothing_has_does_not_hide_what_the_others_find() -> None:
    assert found("python qqqqqqqq")[0] == "python-developer"
    assert found("qqqqqqqq zzzzzzz") == []


def test_a_rare_word_decides() -> None:
    items = [item(f"x/code-{n}", "code") for n in range(30)] + [item("x/rust", "rust")]
    assert found("code rust", items)[0] == "rust"


@pytest.mark.parametrize("query", ["", "   ", "--", "*"])
def test_without_a_word_everything_comes_in_its_order(query: str) -> None:
    assert [match.item for match in search(ITEMS, query)] == ITEMS
    assert [match.item for match in search(ITEMS, query, 2)] == ITEMS[:2]


def test_a_short_word_says_something_only_as_a_word() -> None:
    items = [item("x/c-pro"), item("x/cobol"), item("x/go"), item("x/golang"), item("x/cargo")]
    assert found("c", items) == ["c-pro"]
    assert found("go", items) == ["go", "golang"]


def test_only_fillers_are_words_after_all() -> None:
    assert found("it", [item("x/it"), item("x/other")]) == ["it"]


TEXTS = st.text(max_size=40)


@given(
    st.lists(st.builds(Item, st.sampled_from(Kind), TEXTS, TEXTS, st.just("s"), st.lists(TEXTS, max_size=2), TEXTS)),
    TEXTS,
    st.none() | st.integers(1, 5),
)
def test_any_text_can_be_searched_for_in_any_text(items: list[Item], query: str, limit: int | None) -> None:
    matches = search(items, query, limit)
    assert all(match.item in items for match in matches)
    assert matches == search(items, query)[:limit]
    assert len({id(match.item) for match in matches}) == len(matches)


@given(st.sampled_from(bundled_catalog().items()))
def test_every_component_is_the_first_for_its_own_name(wanted: Item) -> None:
    items = bundled_catalog().items()
    for query in (wanted.name, wanted.leaf):
        best = search(items, query)[0].item
        assert best.leaf == wanted.leaf


def test_a_query_of_any_length_ends() -> None:
    assert search(ITEMS, "react " * 100_000)[0].item.leaf == "react-developer"
    assert isinstance(search(ITEMS, "x" * 1_000_000), list)
    assert search([], "react") == []
    assert isinstance(search(ITEMS, "react")[0], Match)
