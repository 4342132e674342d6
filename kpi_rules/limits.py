"""What a kind of measure cannot do with facts that do exist: it would be ignored, or hang on the order of arrival."""

from collections.abc import Iterable, Iterator

from kpi_rules.facts import FACTS, is_time, parse_path
from kpi_rules.lengths import parse_length
from kpi_rules.measures import (
    Amount,
    Anchored,
    Conditions,
    ConversionMeasure,
    DistinctMeasure,
    DurationMeasure,
    GrowthMeasure,
    LevelMeasure,
    MeanMeasure,
    Part,
    Pause,
    PerClientMeasure,
    RatioMeasure,
    ShareOf,
    SquaredError,
    SumMeasure,
)
from kpi_rules.model import Rule
from kpi_rules.names import Place, Wrong
from schemas.registry import EVENT_TYPES

Named = Iterator[tuple[Place, str]]


def beyond(rule: Rule) -> Wrong:
    """What a rule asks of its measure that no measure of that kind does; every name in it is right already."""
    measure = rule.measure
    yield from _several(_paths(measure))
    if isinstance(measure, ConversionMeasure):
        yield from _conversion(measure)
    elif isinstance(measure, (DistinctMeasure, PerClientMeasure)):
        yield from _seen_once(measure.anchor, ("anchor",), measure.kind)
        yield from _own(_conditions(measure.where, ("where",)), measure.anchor)
        if isinstance(measure, PerClientMeasure):
            yield from _own([(("amount",), measure.amount)], measure.anchor)
    elif isinstance(measure, DurationMeasure):
        for i, pause in enumerate(measure.pauses):
            yield from _pause(pause, ("pauses", i))
    elif isinstance(measure, RatioMeasure) and measure.elapsed_more_than is not None:
        yield from _plain(measure.elapsed_more_than, ("elapsed_more_than",))


def _conversion(measure: ConversionMeasure) -> Wrong:
    if measure.within is not None:
        yield from _plain(measure.within, ("within",))
    if measure.due is not None:
        yield from _own([(("due",), measure.due)], measure.opening)
        if not is_time(measure.opening, measure.due):
            yield ("due",), f"{measure.due} of {measure.opening} is not a time"
    if measure.over == "case":
        for member in ("match", "one_chance_per", "won_at_once_by", "success_may_precede"):
            if member in measure.model_fields_set:
                yield (member,), "is only looked at with over: client"
        return
    for name, fact in (("opening", measure.opening), ("success", measure.success)):
        yield from _seen_once(fact, (name,), "conversion over a client's cases")
    yield from _own(_conditions(measure.where, ("where",)), measure.opening)
    yield from _own([(("match", own), own) for own in measure.match], measure.success)
    others = [(("match", own), text) for own, text in measure.match.items()]
    chance = measure.one_chance_per
    yield from _own([*others, *([] if chance is None else [(("one_chance_per",), chance)])], measure.opening)


def _several(named: Named) -> Wrong:
    """One field of a fact that a case has several of would be that of whichever came first."""
    for place, text in named:
        path = parse_path(text)
        if path.fact is not None and path.field is None and place[-1] != text:
            yield place, f"{text} is a fact: name one of its fields"
        elif path.fact is not None and path.field is not None and FACTS[path.fact].per:
            yield place, f"a case may have several {path.fact}: ask only whether it is present or absent"


def _paths(measure: object) -> Named:
    """Every path in a measure; a condition's place ends with the path itself."""
    if isinstance(measure, Anchored):
        yield from _conditions(measure.where, ("where",))
    if isinstance(measure, (SumMeasure, GrowthMeasure, PerClientMeasure)):
        yield from _amount(measure.amount, ("amount",))
    elif isinstance(measure, MeanMeasure):
        yield ("points",), measure.points
    elif isinstance(measure, RatioMeasure):
        yield from _part(measure.numerator, ("numerator",))
        yield from _part(measure.denominator, ("denominator",))
        if measure.stock is not None:
            yield from _conditions(measure.stock.where, ("stock", "where"))
            yield from _amount(measure.stock.amount, ("stock", "amount"))
    elif isinstance(measure, LevelMeasure):
        yield from _conditions(measure.where, ("where",))
        yield from _part(measure.part, ("part",))
        yield from _part(measure.whole, ("whole",))
    elif isinstance(measure, ConversionMeasure):
        yield from _conditions(measure.where, ("where",))
    yield from _facts_alone(measure)


def _facts_alone(measure: object) -> Named:
    """Facts of which the time alone counts, as paths to a field that every fact has."""
    since = getattr(measure, "since", None)
    if since is not None:
        yield ("since",), f"{since}.officer_id"
    if isinstance(measure, ConversionMeasure) and measure.over == "case":
        yield ("success",), f"{measure.success}.officer_id"


def _part(part: Part, place: Place) -> Named:
    yield from _conditions(part.where, (*place, "where"))
    for i, conditions in enumerate(part.any_of):
        yield from _conditions(conditions, (*place, "any_of", i))
    yield from _amount(part.amount, (*place, "amount"))


def _amount(amount: Amount | None, place: Place) -> Named:
    if isinstance(amount, ShareOf):
        yield (*place, "field"), amount.field
        yield (*place, "basis_points"), amount.basis_points
    elif isinstance(amount, SquaredError):
        yield (*place, "forecast"), amount.forecast
        yield from _conditions(amount.happened, (*place, "happened"))
    elif amount is not None:
        yield place, amount


def _conditions(conditions: Conditions, place: Place) -> Named:
    return (((*place, text), text) for text in conditions)


def _own(named: Iterable[tuple[Place, str]], fact: str) -> Wrong:
    for place, text in named:
        if parse_path(text).fact is not None:
            yield place, f"{text} is another fact's: only the fields of {fact} itself are seen here"


def _seen_once(fact: str, place: Place, kind: str) -> Wrong:
    """What a case shows its client: an event that it has once."""
    if fact not in EVENT_TYPES or FACTS[fact].per:
        yield place, f"a {kind} cannot look at {fact}: only at events that a case has once"


def _pause(pause: Pause, place: Place) -> Wrong:
    per = [EVENT_TYPES[name].per if name in EVENT_TYPES else None for name in (pause.start, pause.end)]
    if per[0] != per[1] or per[0] in (None, "event"):
        yield place, f"{pause.start} and {pause.end} have no id in common that tells pauses apart"


def _plain(text: str, place: Place) -> Wrong:
    if parse_length(text).business_days:
        yield place, f"{text!r} is business time, but a deadline is plain time: write days of 24 hours"
