"""What the events of an import are called: by the fact that each states, so that a second telling changes nothing."""

import hashlib
from typing import Any

import msgspec

from schemas.fields import time_ms
from schemas.registry import EventType

Event = dict[str, Any]
"""A CloudEvents object, ready to be written as JSON."""

encode = msgspec.json.Encoder().encode
"""An event as the bytes of a record."""

_LENGTH = 32  # hexadecimal digits: 128 bits


def fact_name(kind: EventType, event: Event) -> str:
    """A name for the fact that an event states: its type, customer or officer, case and instance.

    Where each event is a fact, that is its time.
    """
    data = event["data"]
    parts = [kind.name, data.get("customer_id" if kind.lending else "officer_id"), event["subject"]]
    if kind.per == "event":
        parts.append(_instant(event["time"]))
    elif kind.per is not None:
        parts.append(data.get(kind.per))
    return hashlib.sha256(encode(parts)).hexdigest()[:_LENGTH]


def _instant(time: str) -> int | str:
    try:
        return time_ms(time)
    except ValueError:
        return time
