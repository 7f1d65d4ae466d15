"""A `Screen` that answers from a script: what was asked must be what the script expects, in its order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cct_cloudflare.errors import CctError
from cct_cloudflare.wizard.questions import BACK, Back, ChooseMany, ChooseOne, Enter, Fact, Question, Write

T = TypeVar("T")

#: The beginning of a question, and its answer: a row's title, a list of titles, a text, BACK, or an exception to raise.
Answer = tuple[str, Any]


@dataclass
class ScriptedScreen:
    script: list[Answer]
    told: list[str] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)

    def choose(self, question: ChooseOne[T]) -> T | Back:
        answer = self._next(question)
        if isinstance(answer, Back):
            return answer
        (option,) = [option for option in question.options if option.title == answer]
        assert not option.closed
        return option.value

    def choose_many(self, question: ChooseMany[T]) -> list[T] | Back:
        answer = self._next(question)
        if isinstance(answer, Back):
            return answer
        if answer == "as it is":
            return list(question.chosen)
        return [option.value for option in question.options if option.title.split()[-1] in answer]

    def enter(self, question: Enter) -> str | Back:
        answer = self._next(question)
        if isinstance(answer, Back):
            return answer
        assert question.check(answer) is None
        return str(answer)

    def write(self, question: Write) -> str:
        answer = self._next(question)
        text = question.default if answer == "as it is" else str(answer)
        assert question.check(text) is None
        return text

    def note(self, text: str) -> None:
        self.told.append(text)

    def error(self, error: CctError) -> None:
        self.told.append(f"{error.code}: {error.message}")

    def facts(self, title: str, facts: Sequence[Fact]) -> None:
        self.told += [title, *(f"{label}: {line}" for label, lines in facts for line in lines)]

    def text(self, title: str, text: str) -> None:
        self.told += [title, text]

    def gap(self) -> None:
        return

    def command(self, line: str) -> None:
        self.told.append(line)

    @contextlib.contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        yield

    def _next(self, question: Question) -> Any:
        self.asked.append(question)
        assert self.script, f"nothing answers {question.message!r}"
        expected, answer = self.script.pop(0)
        assert question.message.startswith(expected)
        assert question.has_back or answer is not BACK
        if isinstance(answer, BaseException):
            raise answer
        return answer
