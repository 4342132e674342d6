"""Canonical JSON, and that a statement keeps all that it takes to write it."""

from typing import Any

from hypothesis import given, settings

from schemas.decode import decode
from schemas.event import Event, canonical_json
from tests.schemas_events import canonical, encode, event_of, events


def rebuilt(event: Event) -> bytes:
    customer = event.key_field if event.type.lending else None
    return canonical_json(event.type, event.subject, customer, event.statement)


@settings(max_examples=500, deadline=None)
@given(events(utc=True))
def test_canonical_json_is_the_event_with_sorted_keys_no_spaces_and_ascii_escapes(
    event: dict[str, Any],
) -> None:
    assert rebuilt(decode(encode(event))) == canonical(event)


def test_members_that_are_not_listed_are_not_in_it() -> None:
    event = event_of("loan.funded")
    more = event_of("loan.funded", note="x") | {"traceparent": "y"}
    assert rebuilt(decode(encode(more))) == canonical(event)


def test_the_customer_is_no_part_of_a_staff_event() -> None:
    event = decode(encode(event_of("peer.rated", full=False, officer_id="ann")))
    assert canonical_json(event.type, event.subject, "ann", event.statement) == rebuilt(event)


def test_time_is_written_in_utc_with_milliseconds() -> None:
    event = event_of("loan.paid_off") | {"time": "2026-01-05T11:00:00.0009+01:00"}
    assert rebuilt(decode(encode(event))) == canonical(event | {"time": "2026-01-05T10:00:00.000Z"})
