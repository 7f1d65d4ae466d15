"""The conversation by value: which questions come, which command lines are run, what is kept and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cct_cloudflare import config, deployments
from cct_cloudflare.wizard.draft import Draft, Where
from cct_cloudflare.wizard.questions import BACK, ChooseOne
from cct_cloudflare.wizard.session import Session
from cct_cloudflare.wizard.steps import walk
from tests.wizard.screens import Answer, ScriptedScreen

WHERE, KEY, KEEP = "Where should programs run?", "Your Anthropic API key", "Should cct keep this key?"
HELPERS, ASKED, GO, NEXT = "Which agents and commands", "What should the program do?", "Go?", "What next?"
FIBONACCI = "What is the 10th Fibonacci number?"
A_KEY = "sk-ant-api03-CANARY"
WORKER = "https://worker.example"


class Commands:
    """Stands for the command line: what was run, and how that ends."""

    def __init__(self, code: int = 0, effect: Callable[[], object] = lambda: None) -> None:
        self.lines: list[list[str]] = []
        self.code = code
        self.effect = effect

    def __call__(self, argv: Sequence[str]) -> int:
        self.lines.append(list(argv))
        self.effect()
        return self.code


def prompting(where: str, *then: Answer, go: str = "Run it") -> list[Answer]:
    """The answers that lead to one prompt in a project that is set up; after a run, the menu is left."""
    leave: list[Answer] = [(NEXT, "Quit")] if go == "Run it" else []
    return [(NEXT, "Run a prompt"), (WHERE, where), *then, (HELPERS, []), (ASKED, "hi"), (GO, go), *leave]


def converse(
    project: Path, script: list[Answer], commands: Commands, environ: dict[str, str] | None = None
) -> tuple[int, ScriptedScreen]:
    screen = ScriptedScreen(script)
    code = Session(screen, commands, project, environ if environ is not None else {}).start()
    assert screen.script == [], "a question was not asked"
    return code, screen


@pytest.fixture
def with_key() -> None:
    config.store_anthropic_key(A_KEY)


def test_the_first_time_it_asks_at_once_and_then_offers_the_menu(tmp_path: Path) -> None:
    commands = Commands(code=1)
    script: list[Answer] = [
        (WHERE, "Just look"),
        (HELPERS, ["data/data-analyst", "code/explain-code"]),
        (ASKED, FIBONACCI),
        (GO, "Run it"),
        (NEXT, "Quit"),
    ]
    code, screen = converse(tmp_path, script, commands)
    assert code == 1, "the exit code of the last command"
    argv = ["--sandbox", "cloudflare", "--demo", "--agent", "data/data-analyst", "--command", "code/explain-code"]
    assert commands.lines == [[*argv, "--yes", "--prompt", FIBONACCI]]
    assert f"cct {' '.join(argv)} --yes --prompt '{FIBONACCI}'" in screen.told
    assert not screen.asked[0].has_back


def test_back_leads_through_the_questions_and_keeps_the_answers(tmp_path: Path, with_key: None) -> None:
    commands = Commands()
    script: list[Answer] = [
        (NEXT, "Run a prompt"),
        (WHERE, "Just look"),
        (HELPERS, ["data/data-analyst"]),
        (ASKED, BACK),
        (HELPERS, BACK),
        (WHERE, "This machine"),
        (HELPERS, ["data/sql-developer"]),
        (ASKED, "Sum it up"),
        (GO, BACK),
        (WHERE, BACK),
        (NEXT, "Monitor a run"),
        (WHERE, "This machine"),
        (HELPERS, ["data/sql-developer"]),
        (ASKED, "Sum it up"),
        (GO, "Change the helpers"),
        (HELPERS, BACK),
        (GO, "Choose the model"),
        ("Which model?", "claude-haiku-5-5"),
        (GO, "Change the prompt"),
        (ASKED, "--all of it"),
        (GO, "Monitor it"),
        (NEXT, "Quit"),
    ]
    code, _ = converse(tmp_path, script, commands)
    assert code == 0
    argv = ["monitor", "--agent", "data/sql-developer", "--model", "claude-haiku-5-5", "--yes", "--", "--all of it"]
    assert commands.lines == [argv]


def test_the_last_choices_stand_ready(tmp_path: Path, with_key: None) -> None:
    commands = Commands()
    once: list[Answer] = [
        (NEXT, "Run a prompt"),
        (WHERE, "This machine"),
        (HELPERS, ["data/data-analyst"]),
        (ASKED, "Sum it up"),
        (GO, "Run it"),
    ]
    again: list[Answer] = [
        (NEXT, "Run a prompt"),
        (WHERE, "This machine"),
        (HELPERS, "as it is"),
        (ASKED, "as it is"),
        (GO, "Run it"),
        (NEXT, "Quit"),
    ]
    _, screen = converse(tmp_path, once + again, commands)
    assert commands.lines[0] == commands.lines[1]
    where = screen.asked[6]
    assert isinstance(where, ChooseOne)
    assert where.default == (Where.HERE, None)


@pytest.mark.parametrize(
    ("item", "argv"),
    [
        ("Deploy", ["deploy"]),
        ("Develop", ["dev"]),
        ("Doctor", ["doctor"]),
        ("History", ["history"]),
        ("Statistics", ["stats"]),
    ],
)
def test_the_menu_runs_commands_and_shows_their_lines(
    tmp_path: Path, with_key: None, item: str, argv: list[str]
) -> None:
    commands = Commands(code=4)
    code, screen = converse(tmp_path, [(NEXT, item), (NEXT, "Quit")], commands)
    assert (code, commands.lines) == (4, [argv])
    assert f"cct {argv[0]}" in screen.told


@pytest.mark.parametrize(
    ("name", "how", "argv"),
    [
        ("", "Render it", ["init"]),
        ("my-worker", "Render it", ["init", "--name", "my-worker"]),
        ("my-worker", "Show first what would be written", ["init", "--name", "my-worker", "--dry-run"]),
    ],
)
def test_the_project_is_set_up(tmp_path: Path, with_key: None, name: str, how: str, argv: list[str]) -> None:
    commands = Commands()
    script: list[Answer] = [
        (NEXT, "Set up the project"),
        ("The Worker's name", name),
        ("Render the Worker project?", how),
        (NEXT, "Set up the project"),
        ("The Worker's name", BACK),
        (NEXT, "Quit"),
    ]
    converse(tmp_path, script, commands)
    assert commands.lines == [argv]


def test_a_component_is_found_looked_at_and_used(tmp_path: Path, with_key: None) -> None:
    folder = tmp_path / ".claude" / "agents" / "mine"
    folder.mkdir(parents=True)
    text = "---\nname: x\ndescription: Does \x1b[31mred\x1b[0m things\n---\nBe brief.\n" + "line\n" * 70
    (folder / "helper.md").write_text(text)
    (folder / "broken.md").write_bytes(b"\xff\x00")
    (folder / "not, typed.md").write_text("Its name cannot be given on a command line.")
    (folder.parent / "\u00a0.md").write_text("Nor can this one's.")
    commands = Commands()
    script: list[Answer] = [
        (NEXT, "Browse components"),
        ("Which component?", "agent   data/data-analyst"),
        ("data-analyst", "Install it"),
        ("Which component?", "agent   mine/helper"),
        ("helper", "Show its text"),
        ("helper", "Use it in the next run"),
        (WHERE, "This machine"),
        (HELPERS, "as it is"),
        (ASKED, "Sum it up"),
        (GO, "Run it"),
        (NEXT, "Browse components"),
        ("Which component?", BACK),
        (NEXT, "Quit"),
    ]
    _, screen = converse(tmp_path, script, commands)
    assert commands.lines == [
        ["add", "--agent", "data/data-analyst"],
        ["--sandbox", "cloudflare", "--agent", "mine/helper", "--yes", "--prompt", "Sum it up"],
    ]
    of_the_projects_own = next(question for question in screen.asked if question.message == "helper")
    assert isinstance(of_the_projects_own, ChooseOne)
    assert "install" not in {option.value for option in of_the_projects_own.options}
    assert any("Be brief." in told and "more lines in" in told for told in screen.told)
    components = next(question for question in screen.asked if question.message == "Which component?")
    assert isinstance(components, ChooseOne)
    rows = {option.title: option.description for option in components.options}
    assert all(rows.values())
    bundled = {title for title, description in rows.items() if not description.endswith("(this project)")}
    assert rows.keys() - bundled == {"agent   mine/helper"}
    assert "\x1b" not in "".join(rows.values())
    assert rows["agent   mine/helper"].endswith("(this project)")


def test_what_stops_a_run_is_said_before_the_confirm_and_can_be_changed(tmp_path: Path, with_key: None) -> None:
    commands = Commands()
    script: list[Answer] = [
        (NEXT, "Run a prompt"),
        (WHERE, "This machine"),
        (HELPERS, []),
        (ASKED, "x" * 300_000),
        ("What now?", "Change the prompt"),
        (ASKED, "less"),
        (GO, "Run it"),
        (NEXT, "Quit"),
    ]
    _, screen = converse(tmp_path, script, commands)
    assert any(told.startswith("payload_too_large") for told in screen.told)
    assert commands.lines == [["--sandbox", "cloudflare", "--yes", "--prompt", "less"]]


def test_leaving_at_the_confirm_runs_nothing(tmp_path: Path, with_key: None) -> None:
    commands = Commands()
    script = prompting("This machine", go="Leave")
    code, screen = converse(tmp_path, script, commands)
    assert (code, commands.lines) == (0, [])
    assert "Nothing was written." in screen.told


def test_an_existing_project_answers_its_own_questions(tmp_path: Path, with_key: None) -> None:
    (tmp_path / ".claude" / "sandbox" / "cloudflare").mkdir(parents=True)
    commands = Commands()
    script = prompting("This machine")
    converse(tmp_path, script, commands)
    assert "--yes" not in commands.lines[0]


# Deploying


def deploying(project: Path, url: str = WORKER) -> Callable[[], object]:
    """What a deployment leaves on this machine."""

    def effect() -> None:
        config.store_worker(url, "token-of-it")
        deployments.remember(project, deployments.Deployment("", "cct-sandbox", None, url))
        deployments.make_current(project, "")

    return effect


def test_a_new_worker_is_deployed_and_then_asked(tmp_path: Path, with_key: None) -> None:
    commands = Commands(effect=deploying(tmp_path))
    script = prompting("Deploy a new Worker", ("Start with it?", "Yes, show me the plan"))
    converse(tmp_path, script, commands)
    assert commands.lines[0] == ["deploy"]
    assert commands.lines[1][:4] == ["--sandbox", "cloudflare", "--worker-url", WORKER]


def test_a_deployment_that_fails_leads_back_to_the_places(tmp_path: Path, with_key: None) -> None:
    commands = Commands(code=3)
    script: list[Answer] = [
        (NEXT, "Run a prompt"),
        (WHERE, "Deploy a new Worker"),
        ("Start with it?", BACK),
        (WHERE, "Deploy a new Worker"),
        ("Start with it?", "Yes, show me the plan"),
        (WHERE, BACK),
        (NEXT, "Quit"),
    ]
    code, _ = converse(tmp_path, script, commands)
    assert (code, commands.lines) == (3, [["deploy"]])


# What the environment says


def test_a_worker_of_the_environment_is_offered_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"CLOUDFLARE_WORKER_URL": WORKER, "CCT_TOKEN": "a-token"}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    config.store_worker(WORKER, "another")
    config.store_worker("https://second.example", "token")
    script = prompting(WORKER)
    commands = Commands()
    _, screen = converse(tmp_path, script, commands, environ)
    where = screen.asked[1]
    assert isinstance(where, ChooseOne)
    titles = [option.title for option in where.options]
    assert titles == [
        "This machine",
        WORKER,
        "https://second.example",
        "Another Worker",
        "Deploy a new Worker",
        "Just look",
    ]
    assert commands.lines[0][:4] == ["--sandbox", "cloudflare", "--worker-url", WORKER]


def test_this_machine_stays_this_machine_in_a_project_with_a_worker(tmp_path: Path, with_key: None) -> None:
    deploying(tmp_path)()
    script = prompting("This machine")
    commands = Commands()
    converse(tmp_path, script, commands)
    assert commands.lines == [["--sandbox", "cloudflare", "--local", "--yes", "--prompt", "hi"]]


def test_a_key_that_cannot_be_used_closes_the_places_that_need_one(tmp_path: Path) -> None:
    environ = {"ANTHROPIC_API_KEY": "your-key-here"}
    script: list[Answer] = [(WHERE, "Just look"), (HELPERS, []), (ASKED, FIBONACCI), (GO, "Leave")]
    _, screen = converse(tmp_path, script, Commands(), environ)
    where = screen.asked[0]
    assert isinstance(where, ChooseOne)
    assert [bool(option.closed) for option in where.options] == [True, False, True, False]
    assert "your-key-here" not in "".join(option.closed for option in where.options)


# One step after the other


def test_back_skips_the_steps_that_asked_nothing() -> None:
    seen: list[str] = []

    def asks(name: str, answers: list[object]) -> Callable[[Draft], object]:
        def step(draft: Draft) -> object:
            seen.append(name)
            return BACK if answers.pop(0) is BACK else Draft(prompt=name)

        return step

    def silent(draft: Draft) -> Draft:
        seen.append("silent")
        return draft

    steps = [asks("first", [1, 1]), silent, asks("last", [BACK, 1])]
    assert walk(steps, Draft()) == Draft(prompt="last")  # type: ignore[arg-type]
    assert seen == ["first", "silent", "last", "first", "silent", "last"]
    assert walk([asks("only", [BACK])], Draft()) is BACK  # type: ignore[list-item]
