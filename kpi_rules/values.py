"""Conditions that could never hold, and sums of what is no number: wrong figures that nobody would notice."""

from collections.abc import Iterator

from pydantic import BaseModel

from kpi_rules.facts import parse_path
from kpi_rules.field_types import FieldType, type_of
from kpi_rules.measures import Condition, Conditions, Range
from kpi_rules.model import Rule
from kpi_rules.names import Place, Wrong, nearest

_SUMMED = ("amount", "points", "field", "basis_points", "forecast")
_FACT = ("anchor", "opening", "of")
_QUOTES = ": put it in quotes if it is meant as text"


def unfit_values(rule: Rule) -> Wrong:
    """What a measure compares or sums and cannot be; every name in it is right already."""
    for place, fact, path, condition in _read(rule.measure, "", ()):
        parsed = parse_path(path)
        if parsed.field is None:
            continue
        said = type_of(parsed.fact or fact, parsed.field)
        message = _unsummed(path, said) if condition is None else _never(path, said, condition)
        if message:
            yield place, message


def _read(model: BaseModel, fact: str, place: Place) -> Iterator[tuple[Place, str, str, Condition | None]]:
    """Each path with the fact that it is looked up at, and the condition on it; None where it is summed."""
    own = next((getattr(model, name) for name in _FACT if hasattr(model, name)), fact)
    for name in type(model).model_fields:
        value = getattr(model, name)
        if name in ("where", "happened"):
            yield from _conditions(value, own, (*place, name))
        elif name == "any_of":
            for number, conditions in enumerate(value):
                yield from _conditions(conditions, own, (*place, name, number))
        elif name in _SUMMED and isinstance(value, str):
            yield (*place, name), own, value, None
        elif isinstance(value, BaseModel):
            yield from _read(value, own, (*place, name))


def _conditions(
    conditions: Conditions, fact: str, place: Place
) -> Iterator[tuple[Place, str, str, Condition | None]]:
    for path, condition in conditions.items():
        yield (*place, path), fact, path, condition


def _unsummed(path: str, said: FieldType) -> str | None:
    """True is 1 and false 0."""
    if said.sort in ("a number", "true or false"):
        return None
    return f"{path} is {said.sort}: only numbers can be summed"


def _never(path: str, said: FieldType, condition: Condition) -> str | None:
    if isinstance(condition, Range):
        return _never_in(path, said, condition)
    if condition in ("present", "absent"):
        return None
    values = condition if isinstance(condition, list) else [condition]
    return next((message for value in values if (message := _never_is(path, said, value))), None)


def _never_is(path: str, said: FieldType, value: bool | int | str) -> str | None:
    if isinstance(value, bool):
        is_right = said.sort == "true or false"
        return None if is_right else f"{path} is {_sort(said)}, never {str(value).lower()}{_QUOTES}"
    if isinstance(value, int):
        if said.sort != "a number":
            quotes = _QUOTES if said == FieldType("a text") else ""
            return f"{path} is {_sort(said)}, never {value}{quotes}"
        return f"{path} is {_span(said)}, never {value}" if _none_in(said, value, value) else None
    if said.sort != "a text":
        return f"{path} is {_sort(said)}, never {value!r}"
    if said.choices and value not in said.choices:
        return f"{path} is {_sort(said)}, never {value!r}{nearest(value, said.choices)}"
    return None


def _never_in(path: str, said: FieldType, bounds: Range) -> str | None:
    if said.sort != "a number":
        return f"{path} is {_sort(said)}: a range is of a number"
    more = None if bounds.more_than is None else bounds.more_than + 1
    lows = [low for low in (bounds.at_least, more) if low is not None]
    if _none_in(said, max(lows, default=None), bounds.at_most):
        return f"{path} is {_span(said)}: no such number is in this range"
    return None


def _none_in(said: FieldType, low: int | None, high: int | None) -> bool:
    lows = [bound for bound in (low, said.least) if bound is not None]
    highs = [bound for bound in (high, said.most) if bound is not None]
    return bool(lows and highs) and max(lows) > min(highs)


def _sort(said: FieldType) -> str:
    return f"one of {', '.join(said.choices)}" if said.choices else said.sort


def _span(said: FieldType) -> str:
    if said.least is None:
        return said.sort
    return f"{said.least} or more" if said.most is None else f"{said.least} to {said.most}"
