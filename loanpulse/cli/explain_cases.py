"""The cases behind a figure, as tables."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from rich.console import RenderableType
from rich.markup import escape
from rich.text import Text

from kpi_rules.facts import FACTS
from kpi_rules.model import Rule
from loanpulse.cli.amounts import NOTHING
from loanpulse.cli.output import table
from loanpulse.rules.explanation import Contribution, Explanation, Listed, Part, Scalar, Series, Side
from loanpulse.rules.phrases import currencies, moment, money
from schemas.registry import EVENT_TYPES, STAFF

_PARTS: Mapping[Part, str] = {
    "window": "in the window",
    "before": "in the window before",
    "now": "as it stands now",
}
_SIDES: tuple[Mapping[Side, str], Mapping[Side, str]] = (
    {"all": "", "numerator": ", in the numerator", "denominator": ", in the denominator only"},
    {"all": "", "numerator": ", won", "denominator": ", lost"},
)
"""Of ratios, and of conversions."""
_LONGEST_FIRST = {"duration": "the longest first"}
_SAYS_IT_ALL = ("sum", "growth", "per_client")
"""Kinds whose amounts say all that there is to a case."""
_OF_STAFF = {event_type.kind for event_type in EVENT_TYPES.values() if event_type.topic == STAFF}
_LARGEST_FIRST = ("sum", "growth", "per_client", "level")


def cases_text(said: Explanation, listed: Listed, series: Series, rule: Rule) -> Iterator[RenderableType]:
    """A list of contributions with its heading and its sum."""
    order = "the largest first" if said.kind in _LARGEST_FIRST or listed.part == "now" else "the latest first"
    side = _SIDES[said.kind == "conversion"][listed.side]
    yield Text(
        f"{listed.n:,} {_PARTS[listed.part]}{side}, {_LONGEST_FIRST.get(said.kind, order)}", style="bold"
    )
    columns = [column for column in _columns(rule) if any(column.text(case) for case in listed.cases)]
    made = table(*(column.name for column in columns))
    for case in listed.cases:
        made.add_row(*(escape(column.text(case)) for column in columns))
    yield made
    if listed.more:
        yield Text(f"and {listed.more:,} more", style="dim")
    yield Text(f"together {_together(listed, series, rule)}", style="dim")


class _Column(NamedTuple):
    name: str
    text: Callable[[Contribution], str]


def _columns(rule: Rule) -> list[_Column]:
    """The key of what comes from staff-activity is the officer, who has a column already."""
    columns = [
        _Column("case", lambda case: case.subject or ""),
        _Column("client", lambda case: "" if case.kind in _OF_STAFF else case.key or ""),
        _Column("officer", lambda case: case.officer or ""),
        _Column("branch", lambda case: case.branch or ""),
        _Column("at", lambda case: "" if case.at is None else moment(case.at, year=True)),
        _Column("adds>", lambda case: case.says),
    ]
    if rule.measure.kind in _SAYS_IT_ALL:
        return columns
    return [*columns, _Column("by", lambda case: ", ".join(filter(None, map(_read, case.read.items()))))]


def _read(item: tuple[str, Scalar]) -> str:
    """`grade B`, of application.decided.grade; a fact is there or not."""
    path, value = item
    name = path.rpartition(".")[2].removesuffix("_minor").replace("_", " ")
    if isinstance(value, bool):
        return name if value else f"{'no' if path in FACTS else 'not'} {name}"
    if path.endswith("_minor"):  # it is what the case adds
        return ""
    return (
        f"no {name}"
        if value is None
        else f"{name} {value:,}"
        if isinstance(value, int)
        else f"{name} {value}"
    )


def _together(listed: Listed, series: Series, rule: Rule) -> str:
    currency, currency_below = currencies(rule, series.split)
    numerator = amount_text(listed.numerator, currency)
    if listed.denominator is None:
        return numerator
    return f"{numerator} / {amount_text(listed.denominator, currency_below)}"


def amount_text(number: int | None, currency: str) -> str:
    """A sum, as money where there is a currency."""
    return NOTHING if number is None else money(number, currency)
