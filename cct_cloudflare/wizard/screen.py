"""Asks on a terminal, with questionary, and shows what was answered. The wizard's only room that prints.

Questions go to stderr, as everything does that is not a program's output. A question vanishes when it is answered,
and one line with the answer stays.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from cct_cloudflare.errors import CctError
from cct_cloudflare.plain import plain, plain_line
from cct_cloudflare.tables import cell_width, fitted
from cct_cloudflare.terminal import show_error
from cct_cloudflare.wizard.questions import BACK, Back, Check, ChooseMany, ChooseOne, Enter, Fact, Option, Rank, Write

if TYPE_CHECKING:
    import questionary
    from prompt_toolkit.output import Output
    from rich.console import Console

T = TypeVar("T")

_STYLE = (
    ("qmark", "fg:ansicyan bold"),
    ("question", "bold"),
    ("instruction", "fg:ansibrightblack"),
    ("answer", ""),
    ("pointer", "fg:ansicyan bold"),
    ("highlighted", "fg:ansicyan bold"),
    ("selected", "fg:ansigreen noreverse"),
    ("search_success", "noinherit fg:ansigreen"),
    ("search_none", "noinherit fg:ansired"),
    ("disabled", "fg:ansibrightblack"),
    ("validation-toolbar", "fg:ansired bg:default noreverse"),
)
#: A lone Esc is told from an arrow key, which begins with the same byte, by what follows within this time, in seconds.
_ESCAPE_TIMEOUT = 0.1
_LABEL_WIDTH = 8
#: What stands before a title in a list, pointer, sign and blanks, and the last column, which stays free.
_MARGIN = 6
_MAX_DESCRIPTION_LINES = 3
#: Before each line of a text that somebody else wrote.
_BAR = "  │ "


class Terminal:
    """The `Screen` of a person at a terminal: stdin and stderr are one."""

    def __init__(self) -> None:
        self._no_color = bool(os.environ.get("NO_COLOR"))

    # Questions

    def choose(self, question: ChooseOne[T]) -> T | Back:
        import questionary

        width = _title_width(question.options)
        options = list(question.options)
        asked = questionary.select(
            question.message,
            choices=[_choice(str(number), option, width) for number, option in enumerate(options)],
            default=next((str(n) for n, option in enumerate(options) if _is_default(option, question.default)), None),
            instruction=_keys(question, "type to search, " if question.is_searchable else ""),
            use_search_filter=question.is_searchable,
            use_jk_keys=False,
            show_description=question.is_searchable,
            **self._settings(),
        )
        _search_by(asked, question.rank)
        answer = self._ask(asked, question.has_back)
        if isinstance(answer, Back):
            return answer
        option = options[int(answer)]
        self._answered(question.label, option.title)
        return option.value

    def choose_many(self, question: ChooseMany[T]) -> list[T] | Back:
        import questionary

        width = _title_width(question.options)
        options = list(question.options)
        asked = questionary.checkbox(
            question.message,
            choices=[
                _choice(str(number), option, width, checked=option.value in question.chosen)
                for number, option in enumerate(options)
            ],
            instruction=_keys(question, "space marks, type to search, "),
            use_search_filter=True,
            use_jk_keys=False,
            **self._settings(),
        )
        _search_by(asked, question.rank)
        answer = self._ask(asked, question.has_back)
        if isinstance(answer, Back):
            return answer
        chosen = [options[int(number)] for number in answer]
        self._answered(question.label, ", ".join(" ".join(option.title.split()) for option in chosen) or "none")
        return [option.value for option in chosen]

    def enter(self, question: Enter) -> str | Back:
        import questionary

        ask = questionary.password if question.secret else questionary.text
        asked = ask(
            f"{question.message}{' (Esc goes back)' if question.has_back else ''}\n>",
            default=question.default,
            validate=_verdict(question.check),
            **self._settings(),
        )
        answer = self._ask(asked, question.has_back)
        if isinstance(answer, Back):
            return answer
        text = str(answer).strip()
        self._answered(question.label, "●●●●●●●●" if question.secret else text)
        return text

    def write(self, question: Write) -> str:
        import questionary

        asked = questionary.text(
            question.message,
            default=question.default,
            multiline=True,
            instruction="\n  Several lines are fine. Ctrl-D when done, or Esc and then Enter.\n>",
            prompt_continuation="  ",
            validate=_verdict(question.check),
            **self._settings(),
        )
        answer = str(self._ask(asked, has_back=False, ends_with_control_d=True)).strip()
        first, _, rest = answer.partition("\n")
        self._answered(question.label, first + (f" … ({len(answer):,} characters)" if rest else ""))
        return answer

    def _settings(self) -> dict[str, Any]:
        from prompt_toolkit.output import ColorDepth
        from questionary import Style

        depth = {"color_depth": ColorDepth.DEPTH_1_BIT} if self._no_color else {}
        return {"style": Style(list(_STYLE)), "output": _output(), "erase_when_done": True, "qmark": "?", **depth}

    def _ask(self, asked: questionary.Question, has_back: bool, *, ends_with_control_d: bool = False) -> Any:
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings

        application = asked.application
        keys = KeyBindings()
        if has_back:
            application.ttimeoutlen = _ESCAPE_TIMEOUT

            @keys.add("escape", eager=True)
            def _(event: KeyPressEvent) -> None:
                event.app.exit(result=BACK)

        if ends_with_control_d:

            @keys.add("c-d", eager=True)
            def _(event: KeyPressEvent) -> None:
                event.current_buffer.validate_and_handle()

        own = [application.key_bindings] if application.key_bindings else []
        application.key_bindings = merge_key_bindings([*own, keys])
        try:
            return asked.unsafe_ask()
        except EOFError:  # the terminal has gone, or Ctrl-D where nothing was typed
            raise KeyboardInterrupt from None

    # What is told

    def note(self, text: str) -> None:
        self._print([(f"  {plain_line(text)}", "dim")])

    def error(self, error: CctError) -> None:
        show_error(error, no_color=self._no_color)

    def facts(self, title: str, facts: Sequence[Fact]) -> None:
        from rich.table import Table
        from rich.text import Text

        self._print([("", ""), (f"\n{title}", "bold cyan")])
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=_LABEL_WIDTH + 2, style="dim")
        grid.add_column(overflow="fold")
        for label, lines in facts:
            grid.add_row(f"  {label}", Text("\n".join(plain_line(line) for line in lines)))
        self._console().print(grid)

    def text(self, title: str, text: str) -> None:
        from rich.text import Text

        self._print([(f"\n{plain_line(title)}", "bold cyan")])
        console = self._console()
        width = max(20, console.width - len(_BAR))
        for line in plain(text).rstrip("\n").split("\n"):
            for part in Text(line.replace("\t", "    ")).wrap(console, width) or [Text()]:
                self._print([(_BAR, "dim"), (part.plain, "")])

    def gap(self) -> None:
        self._print([("", "")])

    def command(self, line: str) -> None:
        self._print([("  The same as", "dim")])
        self._print([(f"  {plain(line)}", "bold")])

    @contextlib.contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        from rich.text import Text

        if self._no_color:
            self.note(f"{text}…")
            yield
            return
        shown = Text(f"{plain_line(text)}…", style="dim")
        with self._console().status(shown, spinner="dots", spinner_style="cyan"):
            yield

    def _answered(self, label: str, text: str) -> None:
        if label:
            self.facts_line(label, " ".join(plain_line(text).split()))

    def facts_line(self, label: str, text: str) -> None:
        """One fact, in the column of all answers."""
        self._print([(f"  {label:<{_LABEL_WIDTH}} ", "dim"), (text, "")])

    def _print(self, spans: Sequence[tuple[str, str]]) -> None:
        from rich.text import Text

        self._console().print(Text.assemble(*spans), soft_wrap=True)

    def _console(self) -> Console:
        from rich.console import Console

        color: Literal["auto"] | None = None if self._no_color else "auto"
        return Console(file=sys.stderr, highlight=False, markup=False, emoji=False, color_system=color)


def _search_by(asked: questionary.Question, rank: Rank | None) -> None:
    """Lets `rank` say what a search shows. questionary itself looks for what was typed, in the order of the list."""
    if rank is None:
        return
    from questionary.prompts.common import InquirerControl

    ranked = functools.lru_cache(rank)  # it is asked for many times while the screen is drawn once

    class Ranked(InquirerControl):
        @property
        def filtered_choices(self) -> Any:
            if not self.search_filter:
                return self.choices
            found = [self.choices[place] for place in ranked(self.search_filter)]
            self.found_in_search = bool(found)
            return found or self.choices

    for control in asked.application.layout.find_all_controls():
        if isinstance(control, InquirerControl):
            control.__class__ = Ranked


class _Title(str):
    """A row's title that is cut to the terminal's width. questionary searches `title.lower()`: all of it is found."""

    __slots__ = ("searched",)
    searched: str

    def lower(self) -> str:
        return self.searched


def _choice(value: str, option: Option[Any], width: int, *, checked: bool = False) -> questionary.Choice:
    import questionary

    columns = shutil.get_terminal_size().columns
    # questionary says itself why a row is closed, behind the title.
    row = option.title if option.closed else f"{option.title:<{width}}  {option.description}".rstrip()
    title = _Title(fitted(row, columns - _MARGIN))
    title.searched = row.lower()
    return questionary.Choice(
        title,
        value=value,
        disabled=option.closed or None,
        checked=checked,
        description=_wrapped(option.description, columns) if option.description else None,
    )


def _is_default(option: Option[T], default: T | None) -> bool:
    return default is not None and option.value == default and not option.closed


def _title_width(options: Sequence[Option[Any]]) -> int:
    return max(cell_width(option.title) for option in options)


def _wrapped(text: str, columns: int) -> str:
    """Below the list, behind questionary's own "  Description: "."""
    lines = textwrap.wrap(
        f"  Description: {text}", max(20, columns - 1), subsequent_indent=" " * 15, drop_whitespace=True
    )
    if len(lines) > _MAX_DESCRIPTION_LINES:
        lines = [*lines[:_MAX_DESCRIPTION_LINES]]
        lines[-1] = fitted(lines[-1], columns - 4) + " …"
    return "\n".join(lines).removeprefix("  Description: ")


def _keys(question: ChooseOne[Any] | ChooseMany[Any], also: str) -> str:
    """Which keys there are, on a line of its own where the question leaves too little room."""
    keys = f"(arrow keys, {also}Enter{', Esc goes back' if question.has_back else ''})"
    fits = len(f"? {question.message} {keys}") < shutil.get_terminal_size().columns
    return keys if fits else f"\n  {keys}"


def _verdict(check: Check) -> Any:
    """questionary wants True, or the sentence that says what is wrong."""
    return lambda text: check(text.strip()) or True


def _output() -> Output:
    """stderr, without the question for the cursor's place, which not every terminal answers."""
    from prompt_toolkit.output import create_output

    output = create_output(stdout=sys.stderr)
    if hasattr(output, "enable_cpr"):
        output.enable_cpr = False
    return output
