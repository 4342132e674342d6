"""The fast decoder: reads what is plainly right, and leaves all else to `judge`.

Invariants:
    equal_to_judge: where it gives an event, `judge` gives the same one.
"""

from typing import Any, NamedTuple, Union

import msgspec
from msgspec import UNSET
from msgspec.structs import astuple

from schemas.derive import Check, checks, event_struct
from schemas.event import ENVELOPE_OPTIONAL, Event, assemble, null_bit
from schemas.fields import is_id
from schemas.registry import EVENT_TYPES, EventType
from schemas.rules import RULES, Rule

# `judge` bounds nesting (to 200) and the digits of an integer (to 4,300), msgspec does not in what it
# ignores. Too few bytes cannot break the bounds; a longer value that might is left to `judge`.
_SHORT_BYTES, _LONG_BYTES, _NESTED = 400, 4096, 200
_MOST_SEEN = 65_536


class _Plan(NamedTuple):
    event_type: EventType
    common: int  # how many members of `data` are those of the topic; they come first
    checks: tuple[tuple[int, Check], ...]
    rule: Rule | None


def _plan(event_type: EventType) -> _Plan:
    common = len(event_type.data.model_fields) - len(event_type.fields)
    return _Plan(event_type, common, checks(event_type), RULES.get(event_type.name))


def _decoder(*, nullable: bool) -> tuple[msgspec.json.Decoder[Any], dict[type, _Plan]]:
    plans: dict[type, _Plan] = {
        event_struct(event_type, nullable=nullable): _plan(event_type) for event_type in EVENT_TYPES.values()
    }
    return msgspec.json.Decoder(Union[tuple(plans)]), plans  # noqa: UP007  # a union of a computed tuple


# Two steps: most producers write no nulls, and to tell null from absent costs a fifth of the time.
_PLAIN, _PLAIN_PLANS = _decoder(nullable=False)
_NULLABLE, _NULLABLE_PLANS = _decoder(nullable=True)

# Ids of officers, branches, products, channels: few, and in nearly every event.
_seen: set[str | None] = {None}


def swift(value: bytes) -> Event | None:
    """The event, or None if `judge` has to look at it."""
    if len(value) > _SHORT_BYTES and not _bounded(value):
        return None
    if not value.isascii() and not _is_utf8(value):
        return None
    try:
        said = _PLAIN.decode(value)
    except msgspec.DecodeError:
        return _swift_with_nulls(value)
    return _finish(_PLAIN_PLANS[type(said)], said, 0)


def _swift_with_nulls(value: bytes) -> Event | None:
    try:
        said = _NULLABLE.decode(value)
    except msgspec.DecodeError:
        return None
    plan = _NULLABLE_PLANS[type(said)]
    return _finish(plan, said, _absent_to_none(plan.event_type, said))


def _absent_to_none(event_type: EventType, said: Any) -> int:
    """Writes None for what is UNSET, in place; the `null_bit`s of what was null."""
    nulls = 0
    for struct, names in ((said, ENVELOPE_OPTIONAL), (said.data, event_type.optional)):
        for name in names:
            written = getattr(struct, name)
            if written is UNSET:
                setattr(struct, name, None)
            elif written is None:
                nulls |= null_bit(event_type, name)
    return nulls


def _finish(plan: _Plan, said: Any, nulls: int) -> Event | None:
    """The checks that msgspec was not given, because they are faster here, and the event."""
    event_type, common, own_checks, rule = plan
    row = astuple(said.data)
    key = row[0]
    if not is_id(said.subject) or (key is not None and not is_id(key)):
        return None
    for text in row[1:common]:
        if text not in _seen and not _see(text):
            return None
    for index, check in own_checks:
        text = row[common + index]
        if text is not None and not check(text):
            return None
    if rule is not None and rule.broken(said) is not None:
        return None
    try:
        return assemble(event_type, said, row, nulls)
    except ValueError:  # not a time
        return None


def _see(text: str) -> bool:
    """Whether it is an id, remembered if so; forgets all at a bound that honest ids do not reach."""
    if not is_id(text):
        return False
    if len(_seen) >= _MOST_SEEN:
        _seen.clear()
        _seen.add(None)
    _seen.add(text)
    return True


def _bounded(value: bytes) -> bool:
    return len(value) <= _LONG_BYTES and value.count(b"[") + value.count(b"{") <= _NESTED


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
