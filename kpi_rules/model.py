"""The rule model: what a rule file may say. A rule is a definition, never running state."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    SerializerFunctionWrapHandler,
    StringConstraints,
    WrapSerializer,
    model_validator,
)

from kpi_rules.lengths import parse_length
from kpi_rules.measures import Count, Measure, Model, Text

WindowName = Literal["1h", "24h", "7d", "30d", "90d", "180d", "today", "month", "quarter"]
ALL_WINDOWS: tuple[WindowName, ...] = ("1h", "24h", "7d", "30d", "90d", "180d", "today", "month", "quarter")
OFFICER_WINDOWS: tuple[WindowName, ...] = ("30d",)
DIMENSIONS = {"lending": ("officer", "branch", "product", "channel"), "staff": ("officer", "branch")}

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]


def _day(said: object) -> object:
    """JSON has no dates; a year so far off that it overflows in some zone is a slip."""
    try:
        day = date.fromisoformat(said) if isinstance(said, str) else said
    except ValueError:
        day = None
    if not isinstance(day, date) or isinstance(day, datetime) or day.year not in _YEARS:
        raise ValueError(f"{str(said)!r} is not a date: write e.g. 2026-12-31")
    return day


_YEARS = range(1970, 2200)
Day = Annotated[date, BeforeValidator(_day)]


class Target(Model):
    """What is wanted: a bound or two, in the rule's unit; of a duration `at_most` is a length such as `4 hours`."""

    at_least: float | int | None = None
    """The least value on target."""
    at_most: float | int | str | None = None
    """The greatest value on target."""
    warning_at: float | int | str | None = None
    """Where a value is still on target, but near its end."""
    window: WindowName | None = None
    """The only window that it is meant for: five in 30 days says nothing about an hour. None: any window."""
    valid_from: Day | None = None
    """The day from whose local midnight on it is in force, until the next one's; None: always before."""

    @model_validator(mode="after")
    def _bounds_something(self) -> "Target":
        if self.at_least is None and self.at_most is None:
            raise ValueError("a target needs at_least or at_most")
        return self


def _in_a_list(said: object) -> object:
    """One target is a history of one."""
    if said is None:
        return []
    return said if isinstance(said, list) else [said]


def _in_order(targets: list[Target]) -> list[Target]:
    for before, after in pairwise(targets):
        if after.valid_from is None:
            raise ValueError(
                "only the first target may do without valid_from: write the day on which it begins"
            )
        if before.valid_from is not None and after.valid_from <= before.valid_from:
            raise ValueError(
                f"valid_from {after.valid_from} does not come after {before.valid_from} before it:"
                " write targets in the order of their days"
            )
    return targets


def _as_written(targets: list[Target], say: SerializerFunctionWrapHandler) -> object:
    said: list[object] = say(targets)
    return said[0] if len(said) == 1 else said


Targets = Annotated[
    list[Target],
    BeforeValidator(_in_a_list, json_schema_input_type=Target | list[Target] | None),
    AfterValidator(_in_order),
    WrapSerializer(_as_written),
]
"""The targets of a rule through time, the earliest first; empty where there is none. Written as one, or as a list."""


def in_force(targets: Sequence[Target], day: date) -> Target | None:
    """The target of a day; None before the first, and where there is none at all."""
    begun = [target for target in targets if target.valid_from is None or target.valid_from <= day]
    return begun[-1] if begun else None


GoalValue = FiniteFloat | int | str
"""A value in the rule's unit; of a duration seconds, or a length such as `4 hours`."""


class Improvement(Model):
    """From a baseline to another value, written as that value (`to`) or as a relative `change`."""

    model_config = ConfigDict(populate_by_name=True)

    start_value: GoalValue | None = Field(default=None, alias="from")
    end_value: GoalValue | None = Field(default=None, alias="to")
    change: FiniteFloat | int | None = None
    """0.3 is +30 %, −0.5 is half, 1.0 is doubled."""


class Goal(Improvement):
    """An improvement by a date: from the midnight that begins `start` to the one that ends `due`, in the organisation's zone."""

    start: Day
    due: Day
    window: WindowName | None = None
    """Whose value is compared; None: 30d. A level stands as of now."""
    tolerance: Annotated[FiniteFloat | int, Field(ge=0, le=1)] = 0.1
    """How far from the straight line is still on course, as a share of the whole way."""
    each: list[Literal["officer", "branch"]] = Field(default_factory=list, alias="for")
    """Also held against each officer's or branch's own value."""
    officers: dict[str, Improvement] = Field(default_factory=dict)
    """Officers with their own baseline or end; what is left out is the goal's. They need no `for`."""
    branches: dict[str, Improvement] = Field(default_factory=dict)

    def own(self, dimension: str) -> dict[str, Improvement]:
        """The members of a dimension that have their own."""
        return {"officer": self.officers, "branch": self.branches}.get(dimension, {})

    def improvement(self, dimension: str | None = None, member: str = "") -> Improvement | None:
        """What is wanted of the organisation, or of one member; None of a member that it is not for."""
        if dimension is None:
            return self
        own = self.own(dimension).get(member)
        if own is None:
            return self if dimension in self.each else None
        end = self if own.end_value is None and own.change is None else own
        start = self.start_value if own.start_value is None else own.start_value
        return Improvement(start_value=start, end_value=end.end_value, change=end.change)


def _once(windows: list[WindowName]) -> list[WindowName]:
    twice = next((window for at, window in enumerate(windows) if window in windows[:at]), None)
    if twice is not None:
        raise ValueError(f"{twice} is written twice")
    return windows


Windows = Annotated[list[WindowName], AfterValidator(_once)]
Unit = Literal["seconds", "ratio", "score", "count", "amount_minor"]


def _plain(said: str) -> str:
    """Business time stands still at night, when a figure may well be off target."""
    if parse_length(said).business_days:
        raise ValueError(f"{said!r} is business time, but alerts wait in plain time: write e.g. 15 minutes")
    return said


class Alerting(Model):
    """When a value off target is told: it must be so all the time, with at least `min_samples`."""

    window: WindowName | None = None
    """Whose value is held against the target; None: the target's own window, else 24h, else the rule's shortest."""
    held: Annotated[Text, AfterValidator(_plain)] = Field(default="15 minutes", alias="for")
    """For how long, in plain time, e.g. `15 minutes`; it is over when it was on target as long."""


class Rule(Model):
    """One KPI, or one of its sub-measures (`approval_rate.of_submitted`)."""

    id: Identifier
    """Its name in metrics, commands and configuration; `kpi.part` is a measure beside the KPI before it."""
    wording: Text
    """The business's own words, by which people look for it."""
    says: Text
    """The definition in one sentence: what is counted, over what, at which fact's time."""
    unit: Unit
    """What a value is in; it must fit the kind of measure."""
    by: Literal["lending", "staff"]
    """What it is broken down by: officer, branch, product and channel, or (staff) officer and branch."""
    windows: Windows = Field(default_factory=lambda: list(ALL_WINDOWS), min_length=1)
    """The windows that it is computed for; left out: all."""
    measure: Measure
    """What is counted, by its kind."""
    relevant: Text | None = None
    """Why its KRA asks for it."""
    targets: Targets = Field(default_factory=list, alias="target")
    """What is wanted, or a list of it with the day on which each begins."""
    target_set_by_user: bool = False
    """No target out of the box: each lender sets its own."""
    goal: Goal | None = None
    """An improvement by a date."""
    min_samples: Count = 10
    """With fewer observations a value gets no verdict."""
    alert: Alerting | None = Field(default_factory=Alerting)
    """When a value off target is told; null: never."""
    officers_in_metrics: Windows = Field(default_factory=lambda: list(OFFICER_WINDOWS))
    """The windows of which officers' values are exported as metrics; the API has all."""

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What it can be broken down by."""
        return DIMENSIONS[self.by]

    def alert_window(self, meant: str | None = None) -> str | None:
        """The window whose value alerts, where the target is `meant` for one or (None) for any; None: no alerts are wanted.

        `now` of a level. Of an organisation's own target `meant` is that one's, so the rule alone cannot tell.
        """
        if self.alert is None:
            return None
        if not self.timed:
            return "now"
        wanted = self.alert.window or meant or "24h"
        return wanted if wanted in self.windows else min(self.windows, key=ALL_WINDOWS.index)

    @property
    def split(self) -> str | None:
        return getattr(self.measure, "split", None)

    @property
    def timed(self) -> bool:
        """Whether it has windows; a level stands as of now."""
        return self.measure.kind != "level"


class RuleFile(Model):
    """One key responsibility area and its rules."""

    kra: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    """The area's name in metrics."""
    title: Text
    """The area's name for people."""
    rules: list[Rule] = Field(min_length=1)
    """Its KPIs, each followed by the measures beside it."""
