"""Why a fact is not counted by a measure, in words, and the values that the measure's sentence reads of it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from kpi_rules.facts import FACTS, OPENINGS, FactType, parse_path
from kpi_rules.measures import (
    Anchored,
    Condition,
    ConversionMeasure,
    DurationMeasure,
    GrowthMeasure,
    LevelMeasure,
    MeanMeasure,
    Range,
    RatioMeasure,
    SumMeasure,
)
from schemas.event import Statement
from schemas.registry import EVENT_TYPES
from streams.calculus.case import Case
from streams.calculus.paths import Getter, finder, getter, paths_in_amount, paths_in_part, test_of

QUARANTINED = "quarantined: more facts than one real case has"
RETRACTED = "retracted"
REOPENED = "reopened, and not resolved since"
OFF_THE_BOOK = "no longer on the book: paid off"
NOTHING_LEFT = "no longer on the book: nothing outstanding"

Observable = Anchored | ConversionMeasure | LevelMeasure
Value = int | str | bool | None


class Absent(NamedTuple):
    """Why a case that comes near a measure has no fact to observe, and when it came near."""

    at: int | None
    why: str


class Exclusions:
    """What one measure leaves out of the cases that it looks at."""

    def __init__(self, measure: Observable) -> None:
        self._measure = measure
        self._anchor = FACTS[fact_of(measure)]
        self._conditions = [
            (_phrase(text, condition, self._anchor), test)
            for text, condition in measure.where.items()
            if (test := test_of({text: condition}, self._anchor)) is not None
        ]
        self._needs = [(path, getter(path, self._anchor)) for path in _needed(measure)]
        self._read = _readers(measure, self._anchor)
        self._opening = _opening(measure, self._anchor)

    def refused(self, case: Case, said: Statement) -> str:
        """The first condition that a fact does not meet; empty if it meets all."""
        return next((say(case, said) for say, holds in self._conditions if not holds(case, said)), "")

    def lacking(self, case: Case, said: Statement) -> str:
        """Why a fact that meets all conditions is still not counted: what it lacks."""
        if isinstance(self._measure, DurationMeasure):
            return f"has no {self._measure.since}"
        missing = next((path for path, get in self._needs if get(case, said) is None), None)
        return "below every band" if missing is None else f"has no {missing}"

    def read(self, case: Case, said: Statement) -> dict[str, Value]:
        """What the conditions and amounts of the measure read of a fact, by path."""
        return {path: read(case, said) for path, read in self._read.items()}

    def absent(self, case: Case) -> Iterator[Absent]:
        """Why there is no fact to observe. `case` has none that is in force, or the retracted are among several."""
        retracted = list(_retracted(case, self._anchor))
        yield from (Absent(said.at, RETRACTED) for said in retracted)
        if retracted or any(case.facts(EVENT_TYPES[name].code) for name in self._own_event()):
            return
        yield from self._never_there(case)

    def _own_event(self) -> tuple[str, ...]:
        return (self._anchor.name,) if self._anchor.name in EVENT_TYPES else ()

    def _never_there(self, case: Case) -> Iterator[Absent]:
        if self._anchor.name == "loan.book":
            yield from _off_the_book(case)
        elif isinstance(self._measure, ConversionMeasure):
            success = finder(self._measure.success)(case)
            if success is not None:
                yield Absent(success.at, f"has no {self._anchor.name}")
        elif self._opening is not None:
            opened = finder(self._opening)(case)
            if opened is not None:
                reopened = self._anchor.name == "complaint.closed" and any(_reopenings(case))
                yield Absent(opened.at, REOPENED if reopened else not_yet(self._anchor.name))


def fact_of(measure: Observable) -> str:
    """The fact that is observed: an anchor, a conversion's opening, what a level is of."""
    if isinstance(measure, LevelMeasure):
        return measure.of
    return measure.opening if isinstance(measure, ConversionMeasure) else measure.anchor


def not_yet(fact: str) -> str:
    """`not decided so far`, of application.decided."""
    return f"not {fact.partition('.')[2].replace('_', ' ')} so far"


def _opening(measure: Observable, anchor: FactType) -> str | None:
    """The fact that says that the observed one may still come; None where its absence is no news."""
    if isinstance(measure, DurationMeasure):
        return measure.since
    if isinstance(measure, RatioMeasure) and (measure.stock is not None or measure.since is not None):
        return measure.since
    opening = OPENINGS.get(anchor.kind)
    return None if opening == anchor.name or anchor.name not in EVENT_TYPES else opening


def _retracted(case: Case, anchor: FactType) -> Iterator[Statement]:
    """The statements that took back the observed fact; of a derived one, the event that states it first of all."""
    code = EVENT_TYPES[anchor.reads[0]].code
    single = case.single.get(code)
    for said in (*([] if single is None else [single]), *case.many.get(code, {}).values()):
        if said.retracted:
            yield said


def _reopenings(case: Case) -> Iterator[Statement]:
    return iter(case.facts(EVENT_TYPES["complaint.reopened"].code))


def _off_the_book(case: Case) -> Iterator[Absent]:
    funded, reports = (EVENT_TYPES[name].code for name in ("loan.funded", "loan.status_reported"))
    paid = case.fact(EVENT_TYPES["loan.paid_off"].code)
    if case.fact(funded) is not None or case.facts(reports):
        yield Absent(None, NOTHING_LEFT if paid is None else OFF_THE_BOOK)


def _needed(measure: Observable) -> list[str]:
    """The paths of amounts, without which nothing is counted."""
    if isinstance(measure, LevelMeasure):
        return paths_in_amount(measure.part.amount) + paths_in_amount(measure.whole.amount)
    if isinstance(measure, RatioMeasure):
        return paths_in_amount(measure.numerator.amount) + paths_in_amount(measure.denominator.amount)
    if isinstance(measure, (SumMeasure, GrowthMeasure)):
        return paths_in_amount(measure.amount)
    return [measure.points] if isinstance(measure, MeanMeasure) else []


def _readers(measure: Observable, anchor: FactType) -> dict[str, Getter]:
    """What reads each path of a measure: a field's value, of a fact alone whether it is there."""
    paths = [*measure.where, *_needed(measure)]
    if isinstance(measure, RatioMeasure):
        paths += [*paths_in_part(measure.numerator), *paths_in_part(measure.denominator)]
    elif isinstance(measure, LevelMeasure):
        paths += [*paths_in_part(measure.part), *paths_in_part(measure.whole)]
    readers: dict[str, Getter] = {}
    for path in dict.fromkeys(paths):
        present = test_of({path: "present"}, anchor) if path in FACTS else None
        readers[path] = getter(path, anchor) if present is None else present
    return readers


def _phrase(text: str, condition: Condition, anchor: FactType) -> Callable[[Case, Statement], str]:
    """How a condition that does not hold is said of a fact."""
    if condition in ("present", "absent"):
        return lambda _case, _said: f"has {'no' if condition == 'present' else 'a'} {text}"
    if parse_path(text).field is None or isinstance(condition, Range):
        return lambda _case, _said: f"{text} is outside what counts"
    get = getter(text, anchor)

    def say(case: Case, said: Statement) -> str:
        value = get(case, said)
        if value is None:
            return f"has no {text}"
        return f"{text} is {str(value).lower() if isinstance(value, bool) else value}"

    return say
