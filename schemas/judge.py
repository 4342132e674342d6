"""The strict decoder: pydantic judges, and says what is wrong. The fast decoder is held equal to it."""

from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from schemas.envelope import Envelope
from schemas.event import ENVELOPE_OPTIONAL, Event, assemble, null_bit
from schemas.registry import EVENT_TYPES, EventType
from schemas.rejected import Rejected, from_validation, invalid, missing, shorten

MAX_BYTES = 1 << 20


def judge(value: bytes) -> Event:
    """The event that the bytes hold; raises Rejected.

    Of a member given twice the last counts. JSON nested deeper than 200, or with an integer of more than
    4,300 digits, even in a member that is ignored, is undecodable: these are the reader's bounds.
    """
    read = _read(value)
    event_type = _type_of(read)
    try:
        model = event_type.model.model_validate(read)
    except ValidationError as error:
        raise from_validation(error) from None
    return _event(event_type, model)


def _read(value: bytes) -> dict[str, Any]:
    if len(value) > MAX_BYTES:
        raise Rejected("undecodable", f"the value has {len(value)} bytes: must have at most {MAX_BYTES}")
    try:
        read = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        raise Rejected("undecodable", f"the value is not JSON in UTF-8: {error}") from None
    if not isinstance(read, dict):
        raise Rejected("undecodable", f"the value is {shorten(read)}: must be a JSON object")
    return read


def _type_of(read: dict[str, Any]) -> EventType:
    if "type" not in read:
        raise missing("type", "must be given, such as 'loan.funded'")
    name = read["type"]
    if not isinstance(name, str):
        raise invalid("type", name, "must be a string, such as 'loan.funded'")
    if name not in EVENT_TYPES:
        raise invalid("type", name, f"must be {_nearest(name)}", reason="unknown_type")
    return EVENT_TYPES[name]


def _nearest(name: str) -> str:
    near = get_close_matches(name[:100].lower(), EVENT_TYPES, n=1, cutoff=0.6)
    return (
        f"one of the known event types; did you mean {near[0]!r}?" if near else "one of the known event types"
    )


def _event(event_type: EventType, model: Envelope) -> Event:
    nulls = 0
    for said, names in ((model, ENVELOPE_OPTIONAL), (model.data, event_type.optional)):
        for name in names:
            if name in said.model_fields_set and getattr(said, name) is None:
                nulls |= null_bit(event_type, name)
    row = tuple(getattr(model.data, name) for name in event_type.data.model_fields)
    return assemble(event_type, model, row, nulls)
