"""From answers to the command line, by value; and back, through the parser of the command line itself."""

from __future__ import annotations

import shlex

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cct_cloudflare.cli.main import cct
from cct_cloudflare.components.names import name_problem, parse_refs
from cct_cloudflare.wizard.draft import Draft, NewKey, NewWorker, Verb, Where, command_line, run_argv

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(lambda name: name_problem(name) is None)
NAME_LISTS = st.lists(NAMES, max_size=3, unique=True).map(tuple)
# A lone dash is refused where it is asked for: it means standard input.
PROMPTS = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text.strip() not in ("", "-"))


@st.composite
def drafts(draw: st.DrawFn, verb: Verb = "run") -> Draft:
    where = draw(st.sampled_from([Where.HERE, Where.WORKER, Where.DEMO]))
    return Draft(
        verb=verb,
        where=where,
        worker_url="https://worker.example" if where is Where.WORKER else None,
        local=where is Where.HERE and draw(st.booleans()),
        agents=draw(NAME_LISTS),
        commands=draw(NAME_LISTS),
        model=draw(st.sampled_from([None, "opus", "claude-haiku-5-5"])),
        prompt=draw(PROMPTS),
        yes=draw(st.booleans()),
    )


@pytest.mark.parametrize(
    ("draft", "argv"),
    [
        (Draft(where=Where.HERE, prompt="hi"), "--sandbox cloudflare --prompt hi"),
        (
            Draft(where=Where.DEMO, agents=("a/b", "c"), commands=("d",), model="opus", prompt="hi", yes=True),
            "--sandbox cloudflare --demo --agent a/b,c --command d --model opus --yes --prompt hi",
        ),
        (
            Draft(where=Where.WORKER, worker_url="https://w.example", prompt="two\nlines"),
            "--sandbox cloudflare --worker-url https://w.example --prompt 'two\nlines'",
        ),
        (Draft(verb="monitor", where=Where.DEMO, prompt="hi"), "monitor --demo hi"),
        (Draft(verb="monitor", where=Where.HERE, prompt="--help"), "monitor -- --help"),
        (Draft(given=("--demo", "--timeout", "5"), where=Where.DEMO, prompt="hi"), "--demo --timeout 5 --prompt hi"),
        (Draft(given=("--agent", "x"), agents=("x",), where=Where.HERE, prompt="-x"), "--agent x --prompt -x"),
    ],
)
def test_the_command_line_of_answers(draft: Draft, argv: str) -> None:
    assert run_argv(draft) == shlex.split(argv)


@given(drafts())
def test_the_command_line_parses_back_to_the_answers(draft: Draft) -> None:
    argv = run_argv(draft)
    assert shlex.split(command_line(argv)) == ["cct", *argv]
    parsed = cct.make_context("cct", list(argv)).params
    assert parsed["sandbox"] == "cloudflare"
    check(draft, parsed)


@given(drafts("monitor"))
def test_the_command_line_of_a_monitored_run_parses_back_too(draft: Draft) -> None:
    argv = run_argv(draft)
    parent = click.Context(cct)
    command = cct.get_command(parent, argv[0])
    assert command is not None
    check(draft, command.make_context("monitor", argv[1:], parent=parent).params)


def check(draft: Draft, parsed: dict[str, object]) -> None:
    assert parsed["prompt"] == draft.prompt
    assert parsed["demo"] == (draft.where is Where.DEMO)
    assert parsed["worker_url"] == draft.worker_url
    assert parsed["local"] == draft.local
    assert parsed["model"] == draft.model
    assert parsed["yes"] == draft.yes
    for option, names in (("agents", draft.agents), ("commands", draft.commands)):
        values = parsed[option]
        assert isinstance(values, tuple)
        assert tuple(parse_refs(values)) == names


def test_secrets_show_neither_in_the_command_line_nor_in_a_draft() -> None:
    draft = Draft(
        where=Where.HERE,
        prompt="hi",
        new_key=NewKey("sk-ant-secret", keep=False),
        new_worker=NewWorker("https://w.example", "token-secret"),
    )
    assert "secret" not in repr(draft)
    line = command_line(run_argv(draft), session_key=True)
    assert line == "ANTHROPIC_API_KEY=… cct --sandbox cloudflare --prompt hi"


@pytest.mark.parametrize("given", [("--anthropic-api-key", "sk-secret"), ("--anthropic-api-key=sk-secret",)])
def test_a_key_that_was_given_is_passed_on_and_not_shown(given: tuple[str, ...]) -> None:
    argv = run_argv(Draft(given=(*given, "--local"), where=Where.HERE, prompt="hi"))
    assert argv[: len(given)] == list(given)
    line = command_line(argv)
    assert "secret" not in line
    assert line.endswith("--local --prompt hi")


def test_a_draft_without_a_prompt_has_no_command_line() -> None:
    with pytest.raises(ValueError, match="prompt"):
        run_argv(Draft(where=Where.HERE))
