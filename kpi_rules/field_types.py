"""What values each field of a fact can have, from the contract of its event."""

from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from kpi_rules.facts import FACTS, is_time
from schemas.registry import EVENT_TYPES

Sort = Literal["a number", "true or false", "a text", "a time"]


class FieldType(NamedTuple):
    """The sort of a field's values; the texts that it is one of, if they are listed; the least and greatest number."""

    sort: Sort
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None


_TEXT, _AMOUNT = FieldType("a text"), FieldType("a number", least=0)
_DERIVED: dict[tuple[str, str], FieldType] = {
    ("loan.default", "balance_minor"): _AMOUNT,
    ("loan.matured", "outcome"): FieldType("a text", ("repaid", "default")),
    ("loan.book", "outstanding_minor"): _AMOUNT,
    ("loan.book", "days_past_due"): _AMOUNT,
    ("loan.book", "in_default"): FieldType("true or false"),
}
"""Of facts that no single event tells; what is not listed is a text."""


@cache
def type_of(fact: str, field: str) -> FieldType:
    """The values of a field that the fact has."""
    if fact not in EVENT_TYPES:
        return _DERIVED.get((fact, field), _TEXT)
    info = EVENT_TYPES[fact].data.model_fields.get(field)
    if info is None or field not in FACTS[fact].fields:
        return _TEXT
    if is_time(fact, field):
        return FieldType("a time")
    bare, bounds = _bare(info.annotation, list(info.metadata))
    if get_origin(bare) is Literal:
        return FieldType("a text", get_args(bare))
    if bare is bool:
        return FieldType("true or false")
    if bare is not int:
        return _TEXT
    least, most = (next((getattr(b, n) for b in bounds if hasattr(b, n)), None) for n in ("ge", "le"))
    return FieldType("a number", (), least, most)


def _bare(annotation: Any, bounds: list[Any]) -> tuple[Any, list[Any]]:
    """A type without None and annotations, and the bounds in these."""
    if get_origin(annotation) is Annotated:
        bare, *more = get_args(annotation)
        return _bare(bare, bounds + [inner for each in more for inner in getattr(each, "metadata", [each])])
    given = [option for option in get_args(annotation) if option is not type(None)]
    return _bare(given[0], bounds) if type(None) in get_args(annotation) else (annotation, bounds)
