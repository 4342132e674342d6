"""The rules as those who show the board need them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from kpi_rules.model import DIMENSIONS, Rule
from kpi_rules.rulebook import Area, Rulebook, kras_of
from loanpulse.board.plan import NOW
from loanpulse.serve.verdict import Bounds, bounds_of
from streams.calculus.program import Program
from streams.runtime.rulebook import program_of

CONFIDENTIAL = ("peer.rated", "satisfaction.rated")
"""Answers of people about people."""
FEWEST_ANSWERS = 5


@dataclass(frozen=True)
class Book:
    """A program and the areas that its rules belong to."""

    program: Program
    areas: Sequence[Area]

    @cached_property
    def rules(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in self.program.rules}

    @cached_property
    def kras(self) -> dict[str, str]:
        """The area of each rule."""
        return kras_of(self.areas)

    def bounds(self, kpi: str, as_of_ms: int) -> Bounds | None:
        """A rule's target in its unit, the one in force at a board's instant."""
        return bounds_of(self.program, self.rules[kpi], as_of_ms)

    def ranks(self, group: Mapping[str, str]) -> bool:
        """Whether a group stands in rankings: officers that are programs are in totals only."""
        return group.get("officer") not in self.program.system_users


def book_of(rulebook: Rulebook) -> Book:
    """A rulebook, compiled for those who show it."""
    return Book(program_of(rulebook), rulebook.areas)


def anchor_of(rule: Rule) -> str:
    """The fact whose time places an observation in a window; of a conversion it is settled by two, of a level by none."""
    measure = rule.measure
    if measure.kind == "conversion":
        return f"{measure.success} or deadline"
    return NOW if measure.kind == "level" else measure.anchor


def is_confidential(rule: Rule, n: int) -> bool:
    """Whether the figure of one officer or branch is kept back: so few answers would show who gave which."""
    return getattr(rule.measure, "anchor", "") in CONFIDENTIAL and n < FEWEST_ANSWERS


def dimension_of(group: Mapping[str, str]) -> str | None:
    """By what a row is broken down; None for the organisation's, also one of a split's value."""
    return next((name for name in DIMENSIONS["lending"] if name in group), None)
