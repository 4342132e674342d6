"""From the bytes of a Kafka record to an event, or to the reason why not."""

from schemas.event import Event
from schemas.judge import judge
from schemas.rejected import Rejected
from schemas.swift import swift

__all__ = ["Rejected", "decode"]


def decode(value: bytes | None) -> Event:
    """The event of a record's value; raises Rejected, whose message names field, value and rule.

    What it accepts depends on the bytes alone, so that every replay agrees.
    """
    if value is None:
        raise Rejected("undecodable", "the record has no value")
    event = swift(value)
    return event if event is not None else judge(value)
