"""Bounds of a target that nobody could mean: out of order, without room for a warning, or in another unit."""

from collections.abc import Iterator

from kpi_rules.lengths import measured
from kpi_rules.model import Rule, Target

Wrong = Iterator[tuple[str, str]]
"""The member, and what is wrong with it."""
SHARES = ("conversion", "level", "ratio")
MOST_OF_A_SHARE = {"conversion": 1, "level": 1}
"""What a share cannot be more than; of a ratio of amounts a multiple may be meant, but hardly ten."""
UNLIKELY = 10


def unfit_bounds(rule: Rule, target: Target) -> Wrong:
    """What is wrong with a target whose lengths can be read."""
    yield from [*_unit(rule, target), *_order(target)] or _warning(target)


def _unit(rule: Rule, target: Target) -> Wrong:
    if rule.measure.kind == "duration" and target.at_most is None:
        yield "at_most", "is missing: a duration is judged by its longest length"
    if rule.unit != "ratio" or rule.measure.kind not in SHARES:
        return
    most = MOST_OF_A_SHARE.get(rule.measure.kind, UNLIKELY)
    for member in ("at_least", "at_most", "warning_at"):
        bound = getattr(target, member)
        if isinstance(bound, (int, float)) and bound > most:
            yield member, f"is {bound:g}: a ratio is a share, {bound:g} % is {bound / 100:g}"


def _order(target: Target) -> Wrong:
    least, most = target.at_least, target.at_most
    if least is None or most is None:
        return
    low, high = measured(least), measured(most)
    if low[0] == high[0] and low[1] > high[1]:
        yield "at_least", "is above at_most: no value could be on target"


def _warning(target: Target) -> Wrong:
    """The level lies inside the bounds; business days and plain time cannot be compared without a calendar."""
    if target.warning_at is None:
        if target.at_most != 0:  # exactly nothing leaves no room for a warning
            yield (
                "warning_at",
                "has no warning level: say where a value is still on target, but near its end",
            )
        return
    level = measured(target.warning_at)
    for sign, bound in ((-1, target.at_least), (1, target.at_most)):
        edge = None if bound is None else measured(bound)
        if edge is None or edge[0] != level[0]:
            continue
        if sign * level[1] > sign * edge[1]:
            yield "warning_at", "is off the target: write a value that is still on it"
            return
        if level[1] == edge[1]:
            yield "warning_at", "is the end of the target itself: it would never warn"
