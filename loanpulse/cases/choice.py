"""Which open cases are asked for, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from loanpulse.rules.explain import ExplainError, rule_of
from loanpulse.serve.book import Book
from streams.calculus.open_cases import Band
from streams.calculus.watches import Watch

Sort = Literal["band", "due", "used", "since", "officer"]

BAND_ORDER = (Band.BREACHED, Band.AT_RISK, Band.WARNING, Band.ON_TRACK, Band.PAUSED)
"""What is worst first; whoever waits for others last."""
AT_RISK = frozenset((Band.AT_RISK, Band.BREACHED))
LISTED = 50


@dataclass(frozen=True)
class Choice:
    """What is asked for; what is left empty, or None, leaves nothing out.

    `sort`: `band` is the bands one after the other, each soonest due first and the paused longest paused first; `used` is
    the largest share of the target first, the others the earliest, or by name. `limit` is how many cases are listed.
    """

    kpis: tuple[str, ...] = ()
    bands: frozenset[Band] = frozenset()
    officer: str | None = None
    branch: str | None = None
    product: str | None = None
    sort: Sort = "band"
    limit: int | None = LISTED

    @property
    def group(self) -> Mapping[str, str]:
        """The members that are asked for, by dimension."""
        said = {"officer": self.officer, "branch": self.branch, "product": self.product}
        return {dimension: member for dimension, member in said.items() if member is not None}

    @property
    def wanted(self) -> frozenset[Band]:
        return self.bands or frozenset(Band)


def watches_of(book: Book, choice: Choice) -> list[Watch]:
    """The watches of the KPIs that are asked for. Raises ExplainError for one that has no open cases, or not by officer,
    branch or product."""
    watches = book.program.watches
    for kpi in choice.kpis:
        rule = rule_of(book, kpi)
        if all(watch.rule.id != kpi for watch in watches):
            having = ", ".join(watch.rule.id for watch in watches)
            raise ExplainError(f"{kpi} has no open cases; those that have them: {having or 'none'}")
        for dimension in choice.group:
            if dimension not in rule.dimensions:
                by = ", ".join(rule.dimensions)
                raise ExplainError(f"{kpi} is not broken down by {dimension}: it is by {by}")
    return [watch for watch in watches if not choice.kpis or watch.rule.id in choice.kpis]
