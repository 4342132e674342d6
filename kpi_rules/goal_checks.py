"""What keeps a goal from being followed: no line can be drawn, or no value belongs to it."""

from collections.abc import Iterator
from itertools import pairwise

from kpi_rules.lengths import measured, parse_length
from kpi_rules.measures import ADDING_KINDS
from kpi_rules.model import Goal, GoalValue, Improvement, Rule, Target
from kpi_rules.names import Place

GOAL_WINDOW = "30d"
"""Whose value is compared where a goal names no window."""
MOST_CHANGE = 10
Wrong = Iterator[tuple[str, Place, str]]
"""The letter of SMART, the place in the goal, what is wrong and the way out."""


def unfit_goal(rule: Rule, goal: Goal) -> Wrong:
    """What is wrong with a goal of a rule, the rule's own or an organisation's; nothing if it can be followed."""
    if goal.due <= goal.start:
        yield "T", ("due",), f"is {goal.due}, not after its start {goal.start}"
    yield from _window(rule, goal)
    wrong = list(_improvement(rule, goal))
    yield from wrong
    if not wrong:
        yield from _aim(rule.targets[-1] if rule.targets else None, goal)
        yield from _members(rule, goal)


def _window(rule: Rule, goal: Goal) -> Wrong:
    if not rule.timed:
        if goal.window is not None:
            yield "T", ("window",), f"is {goal.window}, but a level stands as of now: leave it out"
    elif goal.window is None and rule.measure.kind in ADDING_KINDS:
        message = "is missing: a longer window has more, so name the one that is meant, such as 30d"
        yield "T", ("window",), message
    elif (goal.window or GOAL_WINDOW) not in rule.windows:
        message = f"is {goal.window or GOAL_WINDOW}: must be one of the rule's windows"
        yield "T", ("window",), message if goal.window else f"{message} (left out, it is {GOAL_WINDOW})"


def _improvement(rule: Rule, wanted: Improvement) -> Wrong:
    """Of the whole goal, or of a member with all that it takes from the goal."""
    start, end, change = wanted.start_value, wanted.end_value, wanted.change
    if start is None:
        yield "T", ("from",), "names no baseline: write the value at its start"
    if (end is None) == (change is None):
        yield "T", ("to",), "needs exactly one of to and change"
    for name, value in (("from", start), ("to", end)):
        yield from _value(rule, name, value)
    if change is not None and not -1 <= change <= MOST_CHANGE:
        yield "A", ("change",), f"is {change:g}: it is a share of the baseline, 0.3 is +30 %, -0.5 is half"
    elif change is not None and isinstance(start, (int, float)) and start <= 0:
        yield "A", ("change",), f"is a share of the baseline, which is {start}: write to"
    elif change == 0 or (start is not None and start == end):
        yield (
            "A",
            ("to" if change is None else "change",),
            "ends where it starts: write what is to be reached",
        )


def _value(rule: Rule, name: str, value: GoalValue | None) -> Wrong:
    if not isinstance(value, str):
        return
    if rule.measure.kind != "duration":
        yield "A", (name,), "is a length of time, but the rule measures none: write a number"
        return
    try:
        parse_length(value)
    except ValueError as error:
        yield "A", (name,), str(error)


def _members(rule: Rule, goal: Goal) -> Wrong:
    adding = rule.measure.kind in ADDING_KINDS
    if adding and goal.each:
        message = "makes no sense of what adds up: give officers or branches a baseline of their own"
        yield "A", ("for",), message
    for dimension, place in (("officer", "officers"), ("branch", "branches")):
        for member, own in goal.own(dimension).items():
            at = (place, member)
            wanted = goal.improvement(dimension, member)
            assert wanted is not None
            wrong = list(_improvement(rule, wanted))
            yield from ((letter, (*at, *where), message) for letter, where, message in wrong)
            if adding and own.start_value is None:
                yield "A", (*at, "from"), "is missing: of what adds up a member has a baseline of its own"
            elif not wrong and _rise(wanted) * _rise(goal) < 0:
                yield "A", at, "goes the other way than the goal: write a to beyond its from"


def _aim(target: Target | None, goal: Goal) -> Wrong:
    """A goal that leads away from the only bound there is has a sign wrong, or its ends exchanged."""
    if target is None or (target.at_least is None) == (target.at_most is None):
        return
    if _rise(goal) * (-1 if target.at_least is None else 1) < 0:
        bound = "at_most" if target.at_least is None else "at_least"
        yield "A", ("to" if goal.change is None else "change",), f"leads away from the target's {bound}"


def _rise(wanted: Improvement) -> float:
    """Above 0 if it goes up, below if it goes down; 0 where only a calendar could tell."""
    if wanted.change is not None:
        return wanted.change
    ends = [measured(value) for value in (wanted.start_value, wanted.end_value) if value is not None]
    return sum(b[1] - a[1] for a, b in pairwise(ends) if a[0] == b[0])
