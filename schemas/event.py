"""An event once it is read: what it is about, and the statement that it makes of a fact."""

import json
from typing import Any, NamedTuple

import msgspec

from schemas.envelope import Envelope
from schemas.fields import time_ms, time_text
from schemas.registry import EventType

# The bits of `Statement.form`: three for the envelope's optional attributes written with a value, three for
# the same written as null, then one for each of `EventType.optional` written as null.
ENVELOPE_OPTIONAL = ("retracted", "revision", "datacontenttype")
_RETRACTED, _REVISION, _DATACONTENTTYPE = (1 << bit for bit in range(len(ENVELOPE_OPTIONAL)))
_NULLS = len(ENVELOPE_OPTIONAL)


class Statement(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What one event says of its fact: the part that is kept as state.

    `at` is UTC milliseconds. `values` are the type's own fields in the order of `EventType.fields`, None
    where absent; a time among them is the text as it was written. `product` is never among them. `form` holds
    how the optional members were written, so that `canonical_json` can tell "absent" from "null"; no rule
    depends on it otherwise.
    """

    revision: int
    at: int
    source: str
    id: str
    retracted: bool
    officer: str | None
    branch: str | None
    product: str | None
    channel: str | None
    form: int
    values: tuple[int | str | bool | None, ...]


class Event(NamedTuple):
    """A statement and its case: (partition key, `type.kind`, `subject`).

    `key_field` is the member of `data` that is the partition key: customer_id, in staff-activity officer_id
    or None.
    """

    type: EventType
    subject: str
    key_field: str | None
    statement: Statement


def null_bit(event_type: EventType, name: str) -> int:
    """The bit of `Statement.form` for an optional member of the envelope or of `data` written as null."""
    if name in ENVELOPE_OPTIONAL:
        return 1 << _NULLS + ENVELOPE_OPTIONAL.index(name)
    return 1 << 2 * _NULLS + event_type.optional.index(name)


def assemble(event_type: EventType, said: Envelope, row: tuple[Any, ...], nulls: int) -> Event:
    """The event of an envelope and its `data`, the latter as a row in the order of its model; both are valid.

    `said` may be any object with the attributes of an Envelope, None where absent. `nulls` are the
    `null_bit`s of what was written as null. Raises ValueError if `time` is not one, as `time_ms` does.
    """
    form = nulls
    revision, retracted = said.revision, said.retracted
    if revision is None:
        revision = 0
    else:
        form |= _REVISION
    if retracted is None:
        retracted = False
    else:
        form |= _RETRACTED
    if said.datacontenttype is not None:
        form |= _DATACONTENTTYPE
    if event_type.lending:
        key, officer, branch, product, channel = row[:5]
        values = row[5:]
    else:
        key, branch = row[:2]
        officer, product, channel, values = key, None, None, row[2:]
    statement = Statement(
        revision,
        time_ms(said.time),
        said.source,
        said.id,
        retracted,
        officer,
        branch,
        product,
        channel,
        form,
        values,
    )
    return Event(event_type, said.subject, key, statement)


def canonical_json(
    event_type: EventType, subject: str, customer_id: str | None, statement: Statement
) -> bytes:
    """The event's canonical JSON (EVENTS.md, Merging 4), of its listed members only: others are ignored.

    It orders statements of one fact that agree in revision, time, source and id. `time` is written in UTC
    with milliseconds, whatever its text was: of the keys after it in the order only `type` is left, equal for
    one fact, so the text could decide only between statements equal in all else, where either is as good.
    `customer_id` is that of the case; None, and ignored, in staff-activity.
    """
    event: dict[str, Any] = {
        "specversion": "1.0",
        "source": statement.source,
        "id": statement.id,
        "type": event_type.name,
        "time": time_text(statement.at),
        "subject": subject,
        "data": _data(event_type, customer_id, statement),
    }
    written = (statement.retracted, statement.revision, "application/json")
    for bit, (name, value) in enumerate(zip(ENVELOPE_OPTIONAL, written, strict=True)):
        if statement.form >> bit & 1:
            event[name] = value
        elif statement.form & null_bit(event_type, name):
            event[name] = None
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode("ascii")


def _data(event_type: EventType, customer_id: str | None, statement: Statement) -> dict[str, Any]:
    members: dict[str, Any] = {"officer_id": statement.officer, "branch_id": statement.branch}
    if event_type.lending:
        members |= {
            "customer_id": customer_id,
            "product": statement.product,
            "channel": statement.channel,
        }
    members |= zip(event_type.fields, statement.values, strict=True)
    return {
        name: value
        for name, value in members.items()
        if value is not None or statement.form & null_bit(event_type, name)
    }
