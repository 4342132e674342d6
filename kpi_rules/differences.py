"""What one set of rules says otherwise than another, in words, and whether the past is counted anew for it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from kpi_rules.aims import goal_text, targets_text
from kpi_rules.measures import DurationMeasure
from kpi_rules.model import Rule, Target
from kpi_rules.words import words_of


class Change(NamedTuple):
    """One thing that is said otherwise; an empty text where nothing was said, or is said any more."""

    what: str
    before: str
    after: str
    recounts: bool
    """Whether history is counted anew from the stored cases; else only how it is shown or judged changes."""


@dataclass(frozen=True)
class Difference:
    """A rule that only one side has, or both otherwise. Of a rule that is new, changes are all that it says."""

    kpi: str
    wording: str
    kind: Literal["added", "removed", "changed"]
    changes: Sequence[Change]

    @property
    def recounts(self) -> bool:
        """Whether figures of the past change by it, or come to be, or cease."""
        return any(change.recounts for change in self.changes)


def differences(old: Iterable[Rule], new: Iterable[Rule]) -> list[Difference]:
    """Every rule that differs, in the order of the new ones, then those that are gone.

    Invariants:
        equal_rules_do_not_differ_and_others_do
        what_recounts_is_what_the_program_counts_by
    """
    was, will = ({rule.id: rule for rule in rules} for rules in (old, new))
    found = [_difference(was.get(kpi), rule) for kpi, rule in will.items() if was.get(kpi) != rule]
    return found + [_difference(rule, None) for kpi, rule in was.items() if kpi not in will]


def _difference(old: Rule | None, new: Rule | None) -> Difference:
    rule = new or old
    assert rule is not None
    kind: Literal["added", "removed", "changed"] = (
        "added" if old is None else "removed" if new is None else "changed"
    )
    return Difference(rule.id, rule.wording, kind, list(_changes(old, new)))


def _changes(old: Rule | None, new: Rule | None) -> Iterable[Change]:
    for aspect in _ASPECTS:
        before, after = ("" if rule is None else aspect.say(rule) for rule in (old, new))
        if before != after:
            yield Change(aspect.what, before, after, aspect.recounts(old, new))


def _never(_old: Rule | None, _new: Rule | None) -> bool:
    return False


def _always(_old: Rule | None, _new: Rule | None) -> bool:
    return True


def _by_limits(old: Rule | None, new: Rule | None) -> bool:
    """A duration's observations say whether they are within its longest length."""
    of_duration = [rule is not None and isinstance(rule.measure, DurationMeasure) for rule in (old, new)]
    limits = [[] if rule is None else limits_of(rule.targets) for rule in (old, new)]
    return any(of_duration) and limits[0] != limits[1]


def limits_of(targets: Sequence[Target]) -> list[tuple[str, float | str | None]]:
    """The longest lengths through time, each from a day on."""
    found: list[tuple[str, float | str | None]] = []
    for target in targets:
        if not found or found[-1][1] != target.at_most:
            found.append((str(target.valid_from or ""), target.at_most))
    return found


class _Aspect(NamedTuple):
    """A thing that rules say of themselves."""

    what: str
    say: Callable[[Rule], str]
    recounts: Callable[[Rule | None, Rule | None], bool] = _never


def _of_duration(say: Callable[[DurationMeasure], str]) -> Callable[[Rule], str]:
    return lambda rule: say(rule.measure) if isinstance(rule.measure, DurationMeasure) else ""


def _numerator(rule: Rule) -> str:
    """Of a duration it is told by what it is made of."""
    return "" if isinstance(rule.measure, DurationMeasure) else words_of(rule).numerator


def _pauses(measure: DurationMeasure) -> str:
    return "; ".join(f"{pause.reason}, from `{pause.start}` to `{pause.end}`" for pause in measure.pauses)


def _goal(rule: Rule) -> str:
    return "" if rule.goal is None else goal_text(rule.goal, rule.unit)


def _alert(rule: Rule) -> str:
    if rule.alert is None:
        return "never"
    where = f" in {rule.alert.window}" if rule.alert.window else ""
    return f"when off target{where} for {rule.alert.held}"


_ASPECTS = (
    _Aspect("wording", lambda rule: rule.wording),
    _Aspect("says", lambda rule: rule.says),
    _Aspect("why it matters", lambda rule: rule.relevant or ""),
    _Aspect("kind", lambda rule: rule.measure.kind, _always),
    _Aspect("counted at", lambda rule: words_of(rule).anchor, _always),
    _Aspect("numerator", _numerator, _always),
    _Aspect("denominator", lambda rule: words_of(rule).denominator, _always),
    _Aspect("measured since", _of_duration(lambda measure: f"`{measure.since}`"), _always),
    _Aspect("clock", _of_duration(lambda measure: f"{measure.clock} time"), _always),
    _Aspect("the clock stands still while", _of_duration(_pauses), _always),
    _Aspect("split by", lambda rule: rule.split or "", _always),
    _Aspect("broken down by", lambda rule: ", ".join(rule.dimensions), _always),
    _Aspect("unit", lambda rule: rule.unit),
    _Aspect("windows", lambda rule: ", ".join(rule.windows)),
    _Aspect("target", lambda rule: targets_text(rule.targets, rule.unit), _by_limits),
    _Aspect("target set by the lender", lambda rule: "yes" if rule.target_set_by_user else ""),
    _Aspect("goal", _goal),
    _Aspect("observations that a verdict asks for", lambda rule: str(rule.min_samples)),
    _Aspect("alerts", _alert),
    _Aspect("windows in which officers are metrics", lambda rule: ", ".join(rule.officers_in_metrics)),
)
