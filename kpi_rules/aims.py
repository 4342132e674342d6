"""What is wanted of a value, in signs and words: targets through time, and improvement goals."""

from collections.abc import Sequence

from kpi_rules.model import Goal, GoalValue, Improvement, Rule, Target

_SECONDS = "seconds"


def aim_of(rule: Rule) -> str:
    """A rule's own targets; where it has none its goal, or that each lender sets one; empty where nothing is wanted."""
    if rule.targets:
        return targets_text(rule.targets, rule.unit)
    if rule.goal is not None:
        return f"goal by {rule.goal.due}"
    return "set by the lender" if rule.target_set_by_user else ""


def targets_text(targets: Sequence[Target], unit: str = "") -> str:
    """`≤ 4 hours, warning at 3 hours; from 2026-04-01 ≤ 3 hours`; empty without targets."""
    return "; ".join(_target(target, unit) for target in targets)


def _target(target: Target, unit: str) -> str:
    signs = (("≥", target.at_least), ("≤", target.at_most), ("warning at", target.warning_at))
    said = ", ".join(f"{sign} {_bound(bound, unit)}" for sign, bound in signs if bound is not None)
    begun = "" if target.valid_from is None else f"from {target.valid_from} "
    return f"{begun}{said}{f' (in {target.window})' if target.window else ''}"


def _bound(bound: GoalValue, unit: str) -> str:
    return f"{bound:g} s" if unit == _SECONDS and not isinstance(bound, str) else str(bound)


def goal_text(goal: Goal, unit: str = "") -> str:
    """`from 4.2 to 4.6, 2026-01-01 to 2026-12-31, in 90d, tolerance 0.1; for each officer`, with all that it says."""
    parts = [
        _improvement(goal, unit),
        f"{goal.start} to {goal.due}",
        f"in {goal.window}" if goal.window else "",
        f"tolerance {goal.tolerance:g}",
    ]
    said = ", ".join(part for part in parts if part)
    each = f"for each {' and '.join(goal.each)}" if goal.each else ""
    return "; ".join(part for part in (said, each, *_own(goal, unit)) if part)


def _own(goal: Goal, unit: str) -> list[str]:
    return [
        f"{dimension} {member} {_improvement(own, unit)}"
        for dimension in ("officer", "branch")
        for member, own in goal.own(dimension).items()
    ]


def _improvement(wanted: Improvement, unit: str) -> str:
    start = "" if wanted.start_value is None else f"from {_bound(wanted.start_value, unit)}"
    end = "" if wanted.end_value is None else f"to {_bound(wanted.end_value, unit)}"
    change = "" if wanted.change is None else f"by {wanted.change:+.0%}"
    return " ".join(part for part in (start, end, change) if part)
