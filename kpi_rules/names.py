"""Checks that what a rule names exists: facts, their fields, lengths of time."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from kpi_rules.facts import ATTRIBUTES, FACTS, FactType, parse_path
from kpi_rules.lengths import parse_length
from kpi_rules.measures import (
    Amount,
    Anchored,
    Conditions,
    ConversionMeasure,
    DurationMeasure,
    GrowthMeasure,
    LevelMeasure,
    MeanMeasure,
    Part,
    PerClientMeasure,
    RatioMeasure,
    ShareOf,
    SquaredError,
    SumMeasure,
)
from kpi_rules.model import Rule

Place = tuple[int | str, ...]
Wrong = Iterator[tuple[Place, str]]


def unknown_names(rule: Rule) -> Wrong:
    """Every name in a rule's measure that means nothing, with its place and the nearest right one."""
    measure = rule.measure
    if isinstance(measure, ConversionMeasure):
        yield from _conversion(measure)
    elif isinstance(measure, LevelMeasure):
        yield from _level(measure)
    else:
        yield from _anchored(measure)


def _anchored(measure: Anchored) -> Wrong:
    yield from _fact(measure.anchor, ("anchor",))
    anchor = FACTS.get(measure.anchor)
    if anchor is None:
        return
    yield from _conditions(measure.where, anchor, ("where",))
    if measure.split is not None:
        yield from _path(measure.split, anchor, ("split",))
    if isinstance(measure, MeanMeasure):
        yield from _path(measure.points, anchor, ("points",))
    elif isinstance(measure, (SumMeasure, GrowthMeasure, PerClientMeasure)):
        yield from _amount(measure.amount, anchor, ("amount",))
    elif isinstance(measure, RatioMeasure):
        yield from _ratio(measure, anchor)
    elif isinstance(measure, DurationMeasure):
        yield from _fact(measure.since, ("since",), anchor.kind)
        for i, pause in enumerate(measure.pauses):
            yield from _fact(pause.start, ("pauses", i, "from"), anchor.kind)
            yield from _fact(pause.end, ("pauses", i, "to"), anchor.kind)


def _ratio(measure: RatioMeasure, anchor: FactType) -> Wrong:
    yield from _part(measure.numerator, anchor, ("numerator",))
    yield from _part(measure.denominator, anchor, ("denominator",))
    if measure.stock is not None:
        yield from _fact(measure.stock.of, ("stock", "of"))
        if measure.stock.of in FACTS:
            yield from _conditions(measure.stock.where, FACTS[measure.stock.of], ("stock", "where"))
            if measure.stock.amount is not None:
                yield from _amount(measure.stock.amount, FACTS[measure.stock.of], ("stock", "amount"))
    if (measure.since is None) != (measure.elapsed_more_than is None):
        yield ("since",), "since and elapsed_more_than belong together: give both or neither"
    elif measure.since is not None:
        yield from _fact(measure.since, ("since",), anchor.kind)
        yield from _length(measure.elapsed_more_than or "", ("elapsed_more_than",))


def _conversion(measure: ConversionMeasure) -> Wrong:
    yield from _fact(measure.opening, ("opening",))
    yield from _fact(measure.success, ("success",))
    opening, success = FACTS.get(measure.opening), FACTS.get(measure.success)
    if opening is None or success is None:
        return
    yield from _conditions(measure.where, opening, ("where",))
    if measure.over == "case" and opening.kind != success.kind:
        yield ("over",), f"{success.name} is in another case than {opening.name}: write over: client"
    for of_success, of_opening in measure.match.items():
        yield from _path(of_success, success, ("match", of_success))
        if of_opening != "subject":
            yield from _path(of_opening, opening, ("match", of_success), "subject")
    if measure.due is not None:
        yield from _path(measure.due, opening, ("due",))
    if measure.one_chance_per is not None:
        yield from _path(measure.one_chance_per, opening, ("one_chance_per",))
    if measure.within is not None:
        yield from _length(measure.within, ("within",))


def _level(measure: LevelMeasure) -> Wrong:
    yield from _fact(measure.of, ("of",))
    fact = FACTS.get(measure.of)
    if fact is None:
        return
    yield from _conditions(measure.where, fact, ("where",))
    if measure.split is not None:
        yield from _path(measure.split, fact, ("split",))
    yield from _part(measure.part, fact, ("part",))
    yield from _part(measure.whole, fact, ("whole",))


def _part(part: Part, anchor: FactType, place: Place) -> Wrong:
    yield from _conditions(part.where, anchor, (*place, "where"))
    for i, conditions in enumerate(part.any_of):
        yield from _conditions(conditions, anchor, (*place, "any_of", i))
    if part.amount is not None:
        yield from _amount(part.amount, anchor, (*place, "amount"))


def _amount(amount: Amount, anchor: FactType, place: Place) -> Wrong:
    if isinstance(amount, ShareOf):
        yield from _path(amount.field, anchor, (*place, "field"))
        yield from _path(amount.basis_points, anchor, (*place, "basis_points"))
    elif isinstance(amount, SquaredError):
        yield from _path(amount.forecast, anchor, (*place, "forecast"))
        yield from _conditions(amount.happened, anchor, (*place, "happened"))
        if not amount.happened:
            yield (*place, "happened"), "is empty: say when the forecast event happened"
    else:
        yield from _path(amount, anchor, place)


def _conditions(conditions: Conditions, anchor: FactType, place: Place) -> Wrong:
    for text, condition in conditions.items():
        yield from _path(text, anchor, (*place, text))
        if text in FACTS and condition not in ("present", "absent"):
            yield (*place, text), f"{text} is a fact: it can be present or absent, not {condition!r}"


def _path(text: str, anchor: FactType, place: Place, *more: str) -> Wrong:
    """`more` are names that would do as well."""
    path = parse_path(text)
    if path.fact is not None:
        yield from _fact(path.fact, place, anchor.kind)
    fact = anchor if path.fact is None else FACTS.get(path.fact)
    fields = () if fact is None else (*fact.fields, *ATTRIBUTES)
    if fact is not None and path.field is not None and path.field not in fields:
        yield place, f"{fact.name} has no field {path.field!r}{nearest(path.field, (*fields, *more))}"


def _fact(name: str, place: Place, kind: str | None = None) -> Wrong:
    fact = FACTS.get(name)
    if fact is None:
        yield place, f"{name!r} is not a fact{nearest(name, FACTS)}"
    elif kind is not None and fact.kind != kind:
        yield place, f"{name} belongs to a {fact.kind}, the anchor to a {kind}"


def _length(text: str, place: Place) -> Wrong:
    try:
        parse_length(text)
    except ValueError as error:
        yield place, str(error)


def nearest(wrong: str, right: Iterable[str]) -> str:
    """`: did you mean 'x'?`, or nothing where no name is near."""
    close = nearest_name(wrong, right)
    return f": did you mean {close!r}?" if close else ""


def nearest_name(wrong: str, right: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The name that is most like another, or whose last part is it; None where none is like it, of at most 1."""
    names = list(right)
    close = get_close_matches(wrong, names, n=1, cutoff=likeness)
    return close[0] if close else next((name for name in names if name.endswith(f".{wrong}")), None)
