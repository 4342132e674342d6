"""A value against its target: the state that alarms, dashboards and tables show."""

from enum import IntEnum
from typing import NamedTuple

from kpi_rules.measures import ADDING_KINDS
from kpi_rules.model import Rule
from streams.calculus.clocks import length_ms
from streams.calculus.program import Program


class State(IntEnum):
    """The numbers are the metric's."""

    ON_TARGET = 0
    WARNING = 1
    OFF_TARGET = 2
    TOO_FEW = 3
    NO_TARGET = 4


class Bounds(NamedTuple):
    """A target in the rule's unit (durations: seconds), and the only window that it is meant for, if there is one."""

    at_least: float | None
    at_most: float | None
    warning_at: float | None
    window: str | None


def bounds_of(program: Program, rule: Rule, at_ms: int) -> Bounds | None:
    """The target in force at an instant, its lengths in seconds of the organisation's calendar; None without one."""
    target = program.target(rule, at_ms)
    if target is None:
        return None
    calendar = program.clocks.calendar("")
    at_most, warning_at = (
        length_ms(bound, calendar) / 1000 if isinstance(bound, str) else bound
        for bound in (target.at_most, target.warning_at)
    )
    return Bounds(target.at_least, at_most, warning_at, target.window)


def fewest(rule: Rule) -> int:
    """How many observations a verdict asks for; what only adds is never too few."""
    return 0 if rule.measure.kind in ADDING_KINDS else rule.min_samples


def state_of(value: float, n: int, window: str, rule: Rule, bounds: Bounds | None) -> State:
    """Too few comes first: a value with little behind it is neither good nor bad."""
    if n < fewest(rule):
        return State.TOO_FEW
    if bounds is None or bounds.window not in (None, window):
        return State.NO_TARGET
    if _outside(value, bounds):
        return State.OFF_TARGET
    return State.WARNING if _near(value, bounds) else State.ON_TARGET


def _outside(value: float, bounds: Bounds) -> bool:
    too_low = bounds.at_least is not None and value < bounds.at_least
    return too_low or (bounds.at_most is not None and value > bounds.at_most)


def _near(value: float, bounds: Bounds) -> bool:
    """Between the warning level and the bound that it is nearer to."""
    level, low, high = bounds.warning_at, bounds.at_least, bounds.at_most
    if level is None:
        return False
    if high is None or (low is not None and level - low < high - level):
        return value < level
    return value > level
