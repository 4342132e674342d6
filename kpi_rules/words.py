"""A measure in words: which fact's time places an observation in a window, and what is divided by what."""

from typing import NamedTuple

from kpi_rules.measures import (
    Amount,
    Anchored,
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

NOW = "now"
"""A level has no anchor: it is counted as it stands."""
ALL = "all"
"""What a part counts that asks for nothing."""


class Words(NamedTuple):
    """Names of facts and fields stand between backticks; `denominator` is empty for what is not divided."""

    anchor: str
    numerator: str
    denominator: str


def words_of(rule: Rule) -> Words:
    """What a rule counts, in words."""
    measure = rule.measure
    if isinstance(measure, LevelMeasure):
        whole = f"`{measure.of}`{_those(measure.where)}"
        return Words(NOW, _part(measure.part, whole), _part(measure.whole, whole))
    if isinstance(measure, ConversionMeasure):
        return _conversion(measure)
    anchor = f"`{measure.anchor}`{_those(measure.where)}"
    return Words(anchor, *_counted(measure))


def _conversion(measure: ConversionMeasure) -> Words:
    opening = f"`{measure.opening}`{_those(measure.where)}"
    whose = " of the client" if measure.over == "client" else ""
    success = f"`{measure.success}`{whose}{_matching(measure.match)}"
    deadline = f"within {measure.within} of" if measure.within else f"by `{measure.due}` of"
    won = f"won: {success} {deadline} {opening}"
    if not measure.success_may_precede:
        won += ", and not before it"
    if measure.won_at_once_by:
        won += ", or another loan open at that instant"
    if measure.one_chance_per:
        won += f"; one chance a client and `{measure.one_chance_per}`"
    at = f"`{measure.success}`, not before `{measure.opening}`, if won; the deadline if lost"
    return Words(at, won, "won and lost")


def _matching(match: dict[str, str]) -> str:
    pairs = [f"`{own}` is the opening's `{other}`" for own, other in match.items()]
    return f" whose {' and '.join(pairs)}" if pairs else ""


def _counted(measure: Anchored) -> tuple[str, str]:
    """Numerator and denominator of what has an anchor."""
    match measure:
        case SumMeasure():
            return _amount(measure.amount), ""
        case GrowthMeasure():
            amount = _amount(measure.amount)
            return f"{amount} less that of the window before", f"{amount} of the window before"
        case PerHeadMeasure():
            return "how many", "officers who have one, neither `unassigned` nor programs"
        case MeanMeasure():
            return f"Σ {_points(measure)}", _scaled(f"how many with `{measure.points}`", measure.scale)
        case RatioMeasure():
            return _ratio(measure)
        case DurationMeasure():
            time = f"{measure.clock} time since `{measure.since}`{_pauses(measure)}"
            return f"within target: {time}", "how many"
        case DistinctMeasure():
            earlier = ", with an earlier one" if measure.after_first else ""
            return f"clients, each at its latest{earlier}", ""
        case PerClientMeasure():
            return _amount(measure.amount), "clients, each at its latest"
        case CountMeasure():
            return "how many", ""
    raise TypeError(f"{type(measure).__name__} has no words")


def _ratio(measure: RatioMeasure) -> tuple[str, str]:
    numerator = _part(measure.numerator)
    if measure.elapsed_more_than:
        late = f"more than {measure.elapsed_more_than} after `{measure.since}`"
        numerator = f"those {late}" if numerator == ALL else f"{numerator}, if {late}"
    denominator = _scaled(_part(measure.denominator), measure.scale)
    if (stock := measure.stock) is not None:
        those = f"`{stock.of}`{_those(stock.where)}, now"
        denominator += f" + {_amount(stock.amount)} of {those}" if stock.amount else f" + {those}"
    return numerator, denominator


def _part(part: Part, of: str = "") -> str:
    chosen = [_all(conditions) for conditions in part.any_of or [part.where] if conditions]
    if len(chosen) > 1:
        chosen = [f"({words})" for words in chosen]
    those = f"those with {' or '.join(chosen)}" if chosen else ""
    whose = f"{of}, {those}" if of and those else of or those
    if part.amount is None:
        return whose or ALL
    return f"{_amount(part.amount)} of {whose}" if whose else _amount(part.amount)


def _points(measure: MeanMeasure) -> str:
    if not measure.bands:
        return f"`{measure.points}`"
    bands = ", ".join(f"{band.points} from {band.at_least}" for band in measure.bands).replace("-", "−")
    return f"points for `{measure.points}` ({bands})"


def _pauses(measure: DurationMeasure) -> str:
    return "".join(f", less while {pause.reason}" for pause in measure.pauses)


def _scaled(words: str, scale: int) -> str:
    return words if scale == 1 else f"{words}, × {scale:,}"


def _amount(amount: Amount) -> str:
    if isinstance(amount, ShareOf):
        return f"Σ ⌊`{amount.field}` × `{amount.basis_points}` / 10,000⌋"
    if isinstance(amount, SquaredError):
        return f"Σ (`{amount.forecast}` − outcome)², outcome 10,000 where {_all(amount.happened)}, else 0"
    return f"Σ `{amount}`"


def _those(conditions: Conditions) -> str:
    return f" with {_all(conditions)}" if conditions else ""


def _all(conditions: Conditions) -> str:
    return " and ".join(_condition(path, condition) for path, condition in conditions.items())


def _condition(path: str, condition: Condition) -> str:
    match condition:
        case "present":
            return f"`{path}`"
        case "absent":
            return f"no `{path}`"
        case bool():
            return f"`{path}` {str(condition).lower()}"
        case list():
            return f"`{path}` {' or '.join(map(str, condition))}"
        case Range():
            signs = (("≥", condition.at_least), (">", condition.more_than), ("≤", condition.at_most))
            return f"`{path}` {', '.join(f'{sign} {bound}' for sign, bound in signs if bound is not None)}"
    return f"`{path}` {condition}"
