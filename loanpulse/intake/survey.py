"""A whole file judged before anything of it is sent."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from loanpulse.intake.judging import Judge, Problem
from loanpulse.intake.naming import fact_name
from loanpulse.intake.rows import Mapped
from loanpulse.intake.table import Line, Table
from schemas.event import Event
from schemas.registry import BY_CODE

_STRIDE = 2_000

Keep = Callable[[Event, Mapped], bool]
"""Whether an event, made so, is to be sent; the others are left to the stream."""
Tell = Callable[[int], None]
"""Hears how many rows have been read."""


@dataclass
class Survey:
    """What a file says, and what is wrong with it."""

    rows: int = 0
    silent: int = 0
    """Rows that say nothing."""
    types: Counter[str] = field(default_factory=Counter)
    """Events to be sent, those of bad rows left out."""
    left: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    """Events that a row before says in the same words."""
    problems: list[Problem] = field(default_factory=list)
    bad: dict[int, str] = field(default_factory=dict)
    """By number of the row: the first thing that is wrong with it."""
    unread: list[str] = field(default_factory=list)
    """Columns that the mapping has no use for."""

    def blame(self, number: int, problem: Problem) -> None:
        self.problems.append(problem)
        self.bad.setdefault(number, problem.text)


class _Again(NamedTuple):
    """A fact that is told a second time: by which rows and lines, and whether in the same words."""

    numbers: tuple[int, int]
    lines: tuple[int, int]
    type: str
    same: bool


class _Facts:
    """Which fact each event states and in which words, 33 bytes each: a book may have millions."""

    def __init__(self) -> None:
        self._names, self._words = array("Q"), array("Q")
        self._lines, self._numbers, self._codes = array("Q"), array("Q"), array("B")

    def add(self, line: Line, name: str, event: Event, value: bytes) -> None:
        self._names.append(int(name[:16], 16))
        self._words.append(int.from_bytes(blake2b(value, digest_size=8).digest()))
        self._lines.append(line.line)
        self._numbers.append(line.number)
        self._codes.append(event.type.code)

    def again(self) -> Iterator[_Again]:
        """Every telling of a fact after its first."""
        names = np.frombuffer(self._names, "u8") if self._names else np.empty(0, "u8")
        order = np.argsort(names, kind="stable")
        ordered = names[order]
        for at in (np.flatnonzero(ordered[1:] == ordered[:-1]) + 1).tolist():
            first, later = int(order[np.searchsorted(ordered, ordered[at])]), int(order[at])
            yield _Again(
                (self._numbers[first], self._numbers[later]),
                (self._lines[first], self._lines[later]),
                BY_CODE[self._codes[later]].name,
                self._words[first] == self._words[later],
            )

    def types(self, without: dict[int, str]) -> Counter[str]:
        """How many events of each type the other rows state."""
        pairs = zip(self._codes, self._numbers, strict=True)
        return Counter(BY_CODE[code].name for code, number in pairs if number not in without)


def surveyed(table: Table, now_ms: int, keep: Keep, tell: Tell = lambda _: None) -> Survey:
    """Read a file to its end."""
    survey, facts, judge = Survey(), _Facts(), Judge(table, now_ms)
    for line in table:
        survey.rows += 1
        survey.silent += not line.events
        judged = judge.judge(line)
        for problem in judged.problems:
            survey.blame(line.number, problem)
        for (event, value), mapped in zip(judged.events, line.events, strict=False):
            if judged.problems:
                break
            if keep(event, mapped):
                facts.add(line, fact_name(event.type, mapped.event), event, value)
            else:
                survey.left[event.type.name] += 1
        if line.number % _STRIDE == 0:
            tell(line.number)
    _compare(survey, facts)
    survey.types = facts.types(survey.bad)
    survey.problems.sort(key=lambda problem: problem.line)
    survey.unread = table.mapper.unread
    return survey


def _compare(survey: Survey, facts: _Facts) -> None:
    """Nobody but who made the file knows which of two tellings is right, so both rows are bad."""
    for told in facts.again():
        if told.same:
            survey.repeated += 1
            continue
        for here, there in ((0, 1), (1, 0)):
            message = (
                f"states {told.type} otherwise than line {told.lines[there]} does of the same case: keep one"
            )
            survey.blame(told.numbers[here], Problem(told.lines[here], "", message))
