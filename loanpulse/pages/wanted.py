"""A rule's target and goal in words."""

from collections.abc import Iterator
from datetime import date

from kpi_rules.measures import ADDING_KINDS
from kpi_rules.model import Goal, GoalValue, Rule, Target
from loanpulse.pages.values import number, percent, rough_length

WINDOWS = {
    "1h": "the last hour",
    "24h": "the last 24 hours",
    "7d": "the last 7 days",
    "30d": "the last 30 days",
    "90d": "the last 90 days",
    "180d": "the last 180 days",
    "today": "today",
    "month": "this month",
    "quarter": "this quarter",
    "now": "as it stands now",
}
HALF, DOUBLE = -0.5, 1.0


def target_words(rule: Rule) -> str:
    """What is wanted, when it warns, and for which window, with what was wanted before; or why there is none."""
    if not rule.targets:
        return "each lender sets its own" if rule.target_set_by_user else "none of its own"
    *before, last = rule.targets
    said = _target(last, rule) + (f" (since {_date(last.valid_from)})" if last.valid_from else "")
    for target, following in zip(before, rule.targets[1:], strict=True):
        assert following.valid_from is not None, "the model lets only the first one do without"
        since = f"from {_date(target.valid_from)} " if target.valid_from else ""
        said += f"; {since}until {_date(following.valid_from)}: {_target(target, rule)}"
    return said


def _target(target: Target, rule: Rule) -> str:
    least, most = (_bound(bound, rule) for bound in (target.at_least, target.at_most))
    if least and most:
        said = f"{least} to {most}"
    elif most:
        said = "none at all" if target.at_most == 0 else f"at most {most}"
    else:
        said = f"at least {least}"
    if target.warning_at is not None:
        side = "below" if _warns_below(target) else "above"
        said += f"; a warning {side} {_bound(target.warning_at, rule)}"
    return f"{said} (in {WINDOWS[target.window]})" if target.window else said


def _warns_below(target: Target) -> bool:
    """The warning belongs to the bound that it is nearer to."""
    low, high, level = target.at_least, target.at_most, target.warning_at
    if low is None or high is None:
        return high is None
    numbers = [bound for bound in (low, high, level) if isinstance(bound, (int, float))]
    return len(numbers) == 3 and numbers[2] - low < numbers[1] - numbers[2]  # all three


def _bound(bound: GoalValue | None, rule: Rule) -> str:
    if bound is None or isinstance(bound, str):
        return bound or ""
    if rule.unit == "seconds":
        return rough_length(bound)
    if rule.unit == "ratio":
        return percent(bound)
    return number(bound / 100 if rule.unit == "amount_minor" else bound)


def goal_words(goal: Goal, rule: Rule) -> str:
    """From where to where, by when, of which window, and whose it is besides the organisation's."""
    start = _bound(goal.start_value, rule)
    window = WINDOWS[goal.window or "30d"] if rule.timed else WINDOWS["now"]
    said = f"from {start} on {_date(goal.start)} {_end(goal, rule)} by {_date(goal.due)}, in {window}"
    if goal.each:
        said += f"; also for each {' and '.join(goal.each)}"
    return said.replace("in as it", "as it")


def _end(goal: Goal, rule: Rule) -> str:
    if goal.change is None:
        return f"to {_bound(goal.end_value, rule)}"
    if goal.change in (HALF, DOUBLE):
        return "to half of it" if goal.change == HALF else "to twice as much"
    return f"to {percent(abs(goal.change))} {'more' if goal.change > 0 else 'less'}"


def _date(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def verdict_words(rule: Rule) -> str:
    """From how many observations on a value is held against its target."""
    if rule.measure.kind in ADDING_KINDS:
        return "always, since it only adds up"
    return f"from {rule.min_samples} observations on; with fewer the value stands without one"


def window_words(rule: Rule) -> str:
    return ", ".join(_windows(rule))


def _windows(rule: Rule) -> Iterator[str]:
    if not rule.timed:
        yield "none: it is the state as it stands now"
        return
    rolling = [WINDOWS[window].removeprefix("the last ") for window in rule.windows if window[0].isdigit()]
    if rolling:
        yield "the last " + ", ".join(rolling)
    yield from (WINDOWS[window] for window in rule.windows if not window[0].isdigit())
