"""The SMART lint: what a rule must say before people are measured by it, and how to mend what is missing.

Specific: which facts, in one sentence. Measurable: a unit that fits the kind. Achievable: a target with a warning level,
or a word that each lender sets its own. Relevant: why its key responsibility area asks for it. Time-bound: windows, for
a sum the one its target is meant for, for a goal a baseline with its date and a date to reach it.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from kpi_rules.bounds import unfit_bounds
from kpi_rules.goal_checks import unfit_goal
from kpi_rules.lengths import parse_length
from kpi_rules.measures import ADDING_KINDS
from kpi_rules.model import Rule, Target
from kpi_rules.names import Place

UNITS = {
    "count": {"count"},
    "sum": {"amount_minor", "count"},
    "mean": {"score", "ratio"},
    "ratio": {"ratio", "score"},
    "duration": {"seconds"},
    "conversion": {"ratio"},
    "distinct": {"count"},
    "per_client": {"amount_minor"},
    "level": {"ratio"},
    "growth": {"ratio"},
    "per_head": {"score"},
}


class Problem(NamedTuple):
    """What a rule lacks: the letter of SMART, the place in the rule, what is wrong and how to mend it."""

    letter: str
    place: Place
    message: str


def lint(rule: Rule) -> list[Problem]:
    """Everything that keeps a rule from being SMART; nothing for a good one. A sub-measure stands in its KPI's relevance
    and may do without a target."""
    return [problem for check in _CHECKS for problem in check(rule)]


def _specific(rule: Rule) -> Iterator[Problem]:
    if len(rule.says.split()) < 4:
        yield Problem(
            "S", ("says",), "says too little: name what is counted, over what, and at which fact's time"
        )
    if rule.says.strip() == rule.wording.strip():
        yield Problem("S", ("says",), "only repeats the wording: say what is counted")


def _measurable(rule: Rule) -> Iterator[Problem]:
    allowed = UNITS[rule.measure.kind]
    if rule.unit not in allowed:
        wanted = " or ".join(sorted(allowed))
        yield Problem("M", ("unit",), f"a {rule.measure.kind} is not measured in {rule.unit}: write {wanted}")


def _achievable(rule: Rule) -> Iterator[Problem]:
    if not rule.targets and not (rule.target_set_by_user or rule.goal or "." in rule.id):
        yield Problem("A", ("target",), "has no target: give one, a goal, or target_set_by_user: true")
    if rule.targets and rule.target_set_by_user:
        yield Problem("A", ("target_set_by_user",), "contradicts the target: leave out one of the two")
    wrong = list(unfit_lengths(rule, rule.targets))
    yield from wrong
    for place, target in () if wrong else placed(rule.targets):
        yield from (Problem("A", (*place, member), said) for member, said in unfit_bounds(rule, target))


def placed(targets: Sequence[Target]) -> Iterator[tuple[Place, Target]]:
    """Each with its place: one alone is no list."""
    for number, target in enumerate(targets):
        yield ("target",) if len(targets) == 1 else ("target", number), target


def unfit_lengths(rule: Rule, targets: Sequence[Target]) -> Iterator[Problem]:
    """Bounds of a rule's targets, its own or an organisation's, that are no length of time or should be none."""
    for place, target in placed(targets):
        for member in ("at_most", "warning_at"):
            if wrong := _unfit_length(rule, getattr(target, member)):
                yield Problem("A", (*place, member), wrong)


def _unfit_length(rule: Rule, bound: float | str | None) -> str | None:
    if not isinstance(bound, str):
        is_negative = bound is not None and bound < 0 and rule.measure.kind == "duration"
        return f"is {bound}: a length of time is not below 0" if is_negative else None
    if rule.measure.kind != "duration":
        return "is a length of time, but the rule measures none: write a number"
    try:
        parse_length(bound)
    except ValueError as error:
        return str(error)
    return None


def _relevant(rule: Rule) -> Iterator[Problem]:
    if rule.relevant is None and "." not in rule.id:
        yield Problem(
            "R", ("relevant",), "does not say why its responsibility area asks for it: one sentence is enough"
        )


def _time_bound(rule: Rule) -> Iterator[Problem]:
    for place, target in placed(rule.targets):
        for message in _unfit_window(target, rule):
            yield Problem("T", (*place, "window"), message)
    if "officers_in_metrics" in rule.model_fields_set:
        for number, window in enumerate(rule.officers_in_metrics):
            if window not in rule.windows:
                message = f"is {window}: must be one of the rule's windows"
                yield Problem("T", ("officers_in_metrics", number), message)


def _alert(rule: Rule) -> Iterator[Problem]:
    """Without a target nothing alerts, which is no problem: a lender may set one."""
    window = None if rule.alert is None else rule.alert.window
    if window is None:
        return
    meant = next((target.window for target in rule.targets if target.window not in (None, window)), None)
    if not rule.timed:
        message = f"is {window}, but a level stands as of now: leave it out"
    elif window not in rule.windows:
        message = f"is {window}: must be one of the rule's windows"
    elif meant is not None:
        message = f"is {window}, but the target is meant for {meant} only: leave it out"
    else:
        return
    yield Problem("T", ("alert", "window"), message)


def _goal(rule: Rule) -> Iterator[Problem]:
    for letter, place, message in unfit_goal(rule, rule.goal) if rule.goal else ():
        yield Problem(letter, ("goal", *place), message)


def _unfit_window(target: Target, rule: Rule) -> Iterator[str]:
    if target.window is None and rule.measure.kind in ADDING_KINDS and (target.at_least or target.at_most):
        yield "is missing: a longer window has more, so name the one that is meant, such as 30d"
    if target.window is not None and target.window not in rule.windows:
        yield f"is {target.window}: must be one of the rule's windows"


_CHECKS: tuple[Callable[[Rule], Iterator[Problem]], ...] = (
    _specific,
    _measurable,
    _achievable,
    _relevant,
    _time_bound,
    _alert,
    _goal,
)
