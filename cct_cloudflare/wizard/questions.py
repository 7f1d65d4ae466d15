"""What can be asked, as data. Whoever asks answers with a value, or with BACK."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Generic, Literal, Protocol, TypeAlias, TypeVar

from cct_cloudflare.errors import CctError

T = TypeVar("T")


class Back(enum.Enum):
    """The answer that is none: to the question before."""

    BACK = "back"


BACK: Final = Back.BACK

#: A text's fault as a sentence for people, or None where it has none.
Check: TypeAlias = Callable[[str], "str | None"]

#: What is typed to search a list → the options that fit, by their place in it, the best first.
Rank: TypeAlias = Callable[[str], Sequence[int]]


@dataclass(frozen=True)
class Option(Generic[T]):
    """`title` and `description` are one line each and safe to print; `closed` says why it cannot be chosen now."""

    value: T
    title: str
    description: str = ""
    closed: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """`label` stands before the answer in what stays on the screen; without one nothing stays."""

    message: str
    label: str = ""
    has_back: bool = True


@dataclass(frozen=True, kw_only=True)
class ChooseOne(Question, Generic[T]):
    """`default` is where the pointer begins, when it is among the options.

    `rank` is how they are searched; without one, what is typed has to stand in a row.
    """

    options: Sequence[Option[T]]
    default: T | None = None
    is_searchable: bool = False
    rank: Rank | None = None


@dataclass(frozen=True, kw_only=True)
class ChooseMany(Question, Generic[T]):
    options: Sequence[Option[T]]
    chosen: Sequence[T] = ()
    rank: Rank | None = None


@dataclass(frozen=True, kw_only=True)
class Enter(Question):
    """A line of text; `secret` shows stars, and nothing of it stays."""

    check: Check
    default: str = ""
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class Write(Question):
    """A text of several lines. It has no way back: Esc begins the key that ends it."""

    check: Check
    default: str = ""
    has_back: Literal[False] = False


#: A label and its lines.
Fact: TypeAlias = tuple[str, Sequence[str]]


class Screen(Protocol):
    """Asks and tells. Every question raises KeyboardInterrupt on Ctrl-C and leaves the terminal as it was."""

    def choose(self, question: ChooseOne[T]) -> T | Back: ...

    def choose_many(self, question: ChooseMany[T]) -> list[T] | Back: ...

    def enter(self, question: Enter) -> str | Back: ...

    def write(self, question: Write) -> str: ...

    def note(self, text: str) -> None:
        """A sentence that stays."""

    def error(self, error: CctError) -> None: ...

    def facts(self, title: str, facts: Sequence[Fact]) -> None: ...

    def text(self, title: str, text: str) -> None:
        """A text of several lines, which somebody else wrote."""

    def gap(self) -> None:
        """An empty line."""

    def command(self, line: str) -> None:
        """A command line, ready to be copied."""

    def waiting(self, text: str) -> AbstractContextManager[None]:
        """Shows what is being waited for."""
