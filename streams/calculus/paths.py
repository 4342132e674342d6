"""Compiles what a rule says of facts (paths, conditions, amounts) into functions of a case and its anchor."""

from collections.abc import Callable
from operator import attrgetter

from kpi_rules.facts import ATTRIBUTES, FACTS, FactType, parse_path
from kpi_rules.measures import Amount, Condition, Conditions, Part, Range, ShareOf, SquaredError
from schemas.event import Statement
from schemas.registry import EVENT_TYPES
from streams.calculus.case import Case
from streams.calculus.derived import DERIVED

Value = int | str | bool | None
Finder = Callable[[Case], Statement | None]
Getter = Callable[[Case, Statement], Value]
Test = Callable[[Case, Statement], bool]
Integer = Callable[[Case, Statement], int | None]

BASIS_POINTS = 10_000


def finder(name: str) -> Finder:
    """A fact of a case by name; of several instances any one, which is all that `present` asks."""
    if name in DERIVED:
        return DERIVED[name]
    kind = EVENT_TYPES[name]
    code = kind.code
    if kind.per is None:
        return lambda case: case.fact(code)
    return lambda case: next((said for _, said in case.instances(code)), None)


def reads(names: set[str]) -> frozenset[int]:
    """The codes of the event types that the named facts are read from."""
    return frozenset(EVENT_TYPES[event].code for name in names for event in FACTS[name].reads)


def facts_in(*texts: str) -> set[str]:
    """The facts that paths name, other than the anchor."""
    return {path.fact for path in map(parse_path, texts) if path.fact is not None}


def field_of(fact: FactType, field: str) -> Callable[[Statement], Value]:
    """A field of a statement of one type."""
    if field in ATTRIBUTES:
        return attrgetter(field.removesuffix("_id"))
    index = fact.fields.index(field)
    return lambda said: said.values[index]


def getter(text: str, anchor: FactType) -> Getter:
    """The value that a path has for a case and its anchor; None where the fact or the field is absent."""
    path = parse_path(text)
    if path.fact is None:
        if path.field in ATTRIBUTES:
            own = field_of(anchor, path.field)
            return lambda _, said: own(said)
        index = anchor.fields.index(path.field or "")
        return lambda _, said: said.values[index]
    find = finder(path.fact)
    read = field_of(FACTS[path.fact], path.field or "")

    def get(case: Case, _: Statement) -> Value:
        found = find(case)
        return None if found is None else read(found)

    return get


def test_of(conditions: Conditions, anchor: FactType) -> Test | None:
    """All conditions at once; None where there are none, so that the caller need not ask."""
    tests = [_one(text, condition, anchor) for text, condition in conditions.items()]
    if len(tests) <= 1:
        return tests[0] if tests else None
    return lambda case, said: all(test(case, said) for test in tests)


def _one(text: str, condition: Condition, anchor: FactType) -> Test:
    path = parse_path(text)
    if path.field is None and path.fact is not None:
        find, wanted = finder(path.fact), condition == "present"
        return lambda case, _: (find(case) is not None) is wanted
    get = getter(text, anchor)
    if condition == "present":
        return lambda case, said: get(case, said) is not None
    if condition == "absent":
        return lambda case, said: get(case, said) is None
    if isinstance(condition, Range):
        holds = _in_range(condition)
        return lambda case, said: holds(get(case, said))
    wanted_values = frozenset(condition if isinstance(condition, list) else [condition])
    return lambda case, said: get(case, said) in wanted_values


def _in_range(bounds: Range) -> Callable[[Value], bool]:
    lower = [] if bounds.at_least is None else [bounds.at_least]
    lower += [] if bounds.more_than is None else [bounds.more_than + 1]
    least, most = max(lower, default=None), bounds.at_most
    return lambda value: (
        isinstance(value, int) and (least is None or value >= least) and (most is None or value <= most)
    )


def amount_of(amount: Amount, anchor: FactType) -> Integer:
    """The integer that an amount is worth; None where a field that it needs is absent."""
    if isinstance(amount, SquaredError):
        return _squared_error(amount, anchor)
    if isinstance(amount, ShareOf):
        return _share(amount, anchor)
    get = getter(amount, anchor)

    def integer(case: Case, said: Statement) -> int | None:
        value = get(case, said)
        return value if isinstance(value, int) else None

    return integer


def _share(amount: ShareOf, anchor: FactType) -> Integer:
    whole, points = getter(amount.field, anchor), getter(amount.basis_points, anchor)

    def share(case: Case, said: Statement) -> int | None:
        value, share_of = whole(case, said), points(case, said)
        if isinstance(value, int) and isinstance(share_of, int):
            return value * share_of // BASIS_POINTS
        return None

    return share


def _squared_error(amount: SquaredError, anchor: FactType) -> Integer:
    forecast, happened = getter(amount.forecast, anchor), test_of(amount.happened, anchor)
    assert happened is not None, "the loader refuses an empty `happened`"

    def error(case: Case, said: Statement) -> int | None:
        value = forecast(case, said)
        if not isinstance(value, int):
            return None
        return (value - BASIS_POINTS * happened(case, said)) ** 2

    return error


def part_of(part: Part, anchor: FactType) -> Integer:
    """What an anchor adds to one part of a ratio: its amount, or 1, where the conditions hold, else 0."""
    amount = (lambda _case, _said: 1) if part.amount is None else amount_of(part.amount, anchor)
    holds = _any_of([test_of(conditions, anchor) for conditions in part.any_of or [part.where]])
    if holds is None:
        return amount
    return lambda case, said: amount(case, said) if holds(case, said) else 0


def _any_of(tests: list[Test | None]) -> Test | None:
    """Whether one of the tests holds; None where one of them always does."""
    real = [test for test in tests if test is not None]
    if len(real) < len(tests):
        return None
    return real[0] if len(real) == 1 else lambda case, said: any(test(case, said) for test in real)


def paths_in_amount(amount: Amount | None) -> list[str]:
    """Every path that an amount names."""
    if isinstance(amount, SquaredError):
        return [amount.forecast, *amount.happened]
    if isinstance(amount, ShareOf):
        return [amount.field, amount.basis_points]
    return [] if amount is None else [amount]


def paths_in_part(part: Part) -> list[str]:
    """Every path that a part of a ratio names."""
    return [*part.where, *(text for any_of in part.any_of for text in any_of), *paths_in_amount(part.amount)]
