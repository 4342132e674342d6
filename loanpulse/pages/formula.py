"""A measure's formula in plain words: what is divided by what, and when it counts."""

from collections.abc import Iterator
from typing import NamedTuple

from kpi_rules.measures import (
    Amount,
    Condition,
    Conditions,
    ConversionMeasure,
    CountMeasure,
    DistinctMeasure,
    DurationMeasure,
    GrowthMeasure,
    LevelMeasure,
    MeanMeasure,
    Part,
    PerClientMeasure,
    PerHeadMeasure,
    Range,
    RatioMeasure,
    ShareOf,
    SquaredError,
    SumMeasure,
)
from kpi_rules.model import Rule
from loanpulse.pages.vocabulary import ABSENT, CONDITIONS, PRESENT, QUALITIES, VALUES, field_words, many, one
from schemas.registry import EVENT_TYPES


class Formula(NamedTuple):
    """`lower` is empty for what is not divided."""

    upper: str
    lower: str
    counted: str
    """When it counts."""


def formula_of(rule: Rule) -> Formula:
    """The formula of a rule's measure."""
    measure = rule.measure
    if isinstance(measure, LevelMeasure):
        whole = _those(many(measure.of), measure.where)
        return Formula(_part(measure.part, whole), _part(measure.whole, whole), "as it stands now")
    if isinstance(measure, ConversionMeasure):
        return _conversion(measure)
    upper, lower = _divided(rule)
    counted = f"at {one(measure.anchor)}"
    if isinstance(measure, (DistinctMeasure, PerClientMeasure)):
        counted += "; a client counts once, where its latest one is"
    return Formula(upper, lower, counted)


def _divided(rule: Rule) -> tuple[str, str]:
    measure = rule.measure
    assert not isinstance(measure, (LevelMeasure, ConversionMeasure))
    those = _those(many(measure.anchor), measure.where)
    match measure:
        case CountMeasure():
            return f"the number of {those}", ""
        case SumMeasure():
            return f"{_amount(measure.amount)} of {those}", ""
        case MeanMeasure():
            return _points(measure), _scaled(f"the number of {those}{_if_given(measure)}", measure.scale)
        case RatioMeasure():
            return _ratio(measure, those)
        case DurationMeasure():
            return _duration(measure) + (f"; only of {those}" if measure.where else ""), ""
        case DistinctMeasure():
            again = " that is not their first ever" if measure.after_first else ""
            return f"the number of clients with a funding in the window{again}", ""
        case PerClientMeasure():
            return f"{_amount(measure.amount)} of {those}", "the number of clients"
        case GrowthMeasure():
            amount = f"{_amount(measure.amount)} of {those}"
            return f"{amount} in the window, less that of the window before", "that of the window before"
        case PerHeadMeasure():
            return f"the number of {those}", "the number of officers who have one"
    raise TypeError(f"{type(measure).__name__} has no formula")


def _ratio(measure: RatioMeasure, those: str) -> tuple[str, str]:
    if isinstance(measure.numerator.amount, SquaredError):
        return _amount(measure.numerator.amount), f"the number of {those}"
    lower = _scaled(_part(measure.denominator, those), measure.scale)
    if measure.elapsed_more_than:
        return f"those more than {measure.elapsed_more_than} after {one(measure.since or '')}", lower
    if measure.stock is not None:
        stock = _those(many(measure.stock.of), measure.stock.where)
        lower += f" + {_amount(measure.stock.amount)} of {stock}" if measure.stock.amount else f" + {stock}"
        return _part(measure.numerator, those), f"{lower}, as the book stands now"
    if measure.numerator.amount is not None and not measure.numerator.where:
        return _amount(measure.numerator.amount), lower
    return _part(measure.numerator, those, of_them=True), lower


def _duration(measure: DurationMeasure) -> str:
    clock = "business time" if measure.clock == "business" else "time"
    pauses = "".join(f", less the time while {pause.reason}" for pause in measure.pauses)
    return f"the time that 9 of 10 stay within: {clock} from {one(measure.since)} to {one(measure.anchor)}{pauses}"


def _conversion(measure: ConversionMeasure) -> Formula:
    opening, success = one(measure.opening), one(measure.success)
    own = "".join(f" of that {field_words(name)}" for name in measure.match)
    limit = f"within {measure.within}" if measure.within else f"by the {field_words(measure.due or '')}"
    won = f"the chances won: {success}{own} comes {limit}"
    if measure.won_at_once_by:
        won += ", or another loan is open at that moment"
    chances = _those(many(measure.opening), measure.where)
    if measure.one_chance_per:
        chances += f" (of a {field_words(measure.one_chance_per)} the first to each client)"
    counted = f"won at {success} (at {opening}, if that is later), lost at the deadline"
    return Formula(won, f"the chances settled, won or lost: {chances}", counted)


def _part(part: Part, those: str, of_them: bool = False) -> str:
    chosen = ", or ".join(_with(conditions) for conditions in part.any_of or [part.where] if conditions)
    if part.amount is not None:
        return f"{_amount(part.amount)} of {those} {chosen}".rstrip()
    if not chosen:
        return f"the number of {those}"
    return f"those of them {chosen}" if of_them else f"the number of {those} {chosen}"


def _if_given(measure: MeanMeasure) -> str:
    """A field that may be left out counts where it is given."""
    field = EVENT_TYPES[measure.anchor].data.model_fields.get(measure.points)
    needed = field is None or field.is_required()
    return "" if needed else f" {_condition(measure.points, 'present')}"


def _points(measure: MeanMeasure) -> str:
    points = field_words(measure.points)
    if not measure.bands:
        return f"the sum of the {points if points.endswith('s') else points + 's'}"
    bands = ", ".join(f"{band.points:+d} from {band.at_least}" for band in measure.bands)
    return f"the sum of the points ({bands} up)".replace("-", "−").replace("+0", "0")


def _scaled(words: str, scale: int) -> str:
    return words if scale == 1 else f"{words} × {scale:,}"


def _amount(amount: Amount) -> str:
    if isinstance(amount, ShareOf):
        return f"total of {field_words(amount.field)} × {field_words(amount.basis_points)}"
    if isinstance(amount, SquaredError):
        happened = _with(amount.happened)
        return f"the sum of ({field_words(amount.forecast)} − outcome)², the outcome being 1 for loans {happened}, else 0"
    return f"total {field_words(amount)}"


def _those(things: str, conditions: Conditions) -> str:
    return f"{things} {_with(conditions)}" if conditions else things


def _with(conditions: Conditions) -> str:
    return " ".join(_condition(path, condition) for path, condition in conditions.items())


def _condition(path: str, condition: Condition) -> str:
    words, name = field_words(path), path if path in PRESENT else path.rpartition(".")[2]
    match condition:
        case "present":
            return PRESENT.get(name, f"with {words}")
        case "absent":
            return ABSENT.get(name, f"without {words}")
        case bool():
            return QUALITIES.get(name, (f"that are not {words}", f"that are {words}"))[condition]
        case Range():
            return f"with {' and '.join(_bounds(condition))} {words}"
    values = [VALUES.get(str(v), str(v)) for v in (condition if isinstance(condition, list) else [condition])]
    return f"{CONDITIONS.get(name, f'with {words}')} {_listed(values)}"


def _listed(values: list[str]) -> str:
    return " or ".join([", ".join(values[:-1]), values[-1]] if values[1:] else values)


def _bounds(bounds: Range) -> Iterator[str]:
    if bounds.at_least is not None:
        yield f"{bounds.at_least} or more"
    if bounds.more_than is not None:
        yield f"more than {bounds.more_than}"
    if bounds.at_most is not None:
        yield f"at most {bounds.at_most}"
