"""A table of answers that students give: wrong ones with words of their hint, and right ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Function = Callable[..., Any]


class Answer(NamedTuple):
    gap: str
    function: Function
    hint: str = ""  # a regular expression; nothing for a right answer

    def __str__(self) -> str:
        return self.function.__name__


class Answers(list[Answer]):
    """Filled by decorators."""

    def wrong(self, gap: str, hint: str) -> Callable[[Function], Function]:
        def add(function: Function) -> Function:
            self.append(Answer(gap, function, hint))
            return function

        return add

    def right(self, *gaps: str) -> Callable[[Function], Function]:
        def add(function: Function) -> Function:
            for gap in gaps:
                self.append(Answer(gap, function))
            return function

        return add
