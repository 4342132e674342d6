"""The fast decoder is held equal to the strict one, on what is valid, nearly valid, and garbage."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, create_model

from schemas.decode import Rejected
from schemas.derive import checks, event_struct
from schemas.envelope import LendingData
from schemas.event import Event
from schemas.fields import Currency
from schemas.judge import judge
from schemas.registry import EVENT_TYPES
from schemas.swift import swift
from tests.schemas_events import CONTRACTS, encode, event_of, events

ODD_TEXTS = ["", "\n", "a\n", "EUR\n", "eur", "é", "a" * 64, "a" * 65, "s" * 257, "2026-01-05T10:00:00Z\n"]
ODD_NUMBERS = [
    -1,
    0,
    1,
    5,
    6,
    10,
    11,
    100,
    101,
    1000,
    1001,
    10**6,
    10**6 + 1,
    10**12,
    10**12 + 1,
    2**63,
    2**64,
]
odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([*ODD_NUMBERS, 10**30, 1.0, 1.5, -0.0]),
    st.integers(),
    st.sampled_from(ODD_TEXTS),
    st.sampled_from([*CONTRACTS, "approved", "withdrawn", "A", "critical", "1.0", "application/json"]),
    st.text(max_size=8),
    st.builds(list),
    st.builds(dict),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)
TOKENS = [
    b"null",
    b"NaN",
    b"-0",
    b"1e5",
    b"01",
    b'"\\ud800"',
    b'"\\u0041"',
    b"{}",
    b"[",
    b"}",
    b'"',
    b",",
    b"\xff",
]
TOKENS += [
    b'"type":"loan.paid_off",',
    b'"data":{},',
    b'"revision":1,',
    b'"time":"",',
    b"\x00",
    b"\xc3\xa9",
    b" ",
]


def of(event: Event | None) -> object:
    """All of an event that can be told apart, also True from 1."""
    return event and (event.type.name, event.subject, event.key_field, repr(event.statement))


def judged(value: bytes) -> object:
    try:
        return of(judge(value))
    except Rejected:
        return None


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """An event with one to three members removed, replaced or added, of those listed or not."""
    event = draw(events())
    for _ in range(draw(st.integers(1, 3))):
        inside = isinstance(event.get("data"), dict) and draw(st.booleans())
        members = event["data"] if inside else event
        name = draw(st.sampled_from([*members, "officer_id", "revision", "retracted", "unheard_of"]))
        if draw(st.integers(0, 3)):
            members[name] = draw(odd_values)
        else:
            members.pop(name, None)
    return event


@st.composite
def broken_bytes(draw: st.DrawFn) -> bytes:
    """The bytes of an event, compact or not, cut and spliced."""
    event = draw(st.one_of(events(), mutated()))
    spaced, ascii_only = draw(st.booleans()), draw(st.booleans())
    separators = (", ", ": ") if spaced else (",", ":")
    value = json.dumps(event, separators=separators, ensure_ascii=ascii_only).encode(errors="replace")
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(value)))
        stop = draw(st.integers(start, min(start + 12, len(value))))
        value = value[:start] + draw(st.sampled_from([b"", *TOKENS])) + value[stop:]
    return value


@settings(max_examples=300, deadline=None)
@given(st.one_of(events(), mutated()).map(encode))
def test_both_accept_the_same_events_with_the_same_content(value: bytes) -> None:
    assert of(swift(value)) == judged(value) or len(value) > 4096


@settings(max_examples=300, deadline=None)
@given(st.one_of(broken_bytes(), st.binary(max_size=60)))
def test_equal_to_judge(value: bytes) -> None:
    fast = of(swift(value))
    assert fast is None or fast == judged(value)


@settings(max_examples=150, deadline=None)
@given(events())
def test_valid_events_take_the_fast_way(event: dict[str, Any]) -> None:
    value = json.dumps(event, ensure_ascii=False).encode()
    assert swift(value) is not None or len(value) > 4096


@pytest.mark.parametrize("name", CONTRACTS)
def test_nulls_take_the_fast_way_too(name: str) -> None:
    optional: dict[str, Any] = {field.name: None for field in CONTRACTS[name].members if not field.required}
    event = event_of(name, **optional) | {"revision": None, "retracted": None, "datacontenttype": None}
    assert of(swift(encode(event))) == of(judge(encode(event)))


def test_more_ids_than_are_remembered_are_still_told_from_what_is_none() -> None:
    for number in range(70_000):
        assert swift(encode_plain(f"officer-{number}"))
    assert swift(encode_plain("a b")) is None
    assert swift(encode_plain("officer-1"))


def encode_plain(officer: str) -> bytes:
    event = (
        b'{"specversion":"1.0","source":"s","id":"i","type":"query.received","time":"2026-01-05T10:00:00Z",'
    )
    return event + b'"subject":"q","data":{"customer_id":"c","branch_id":"%s"}}' % officer.encode()


@pytest.mark.parametrize("annotation", [float, list[int], dict[str, int], int | str])
def test_a_type_that_cannot_be_derived_is_an_error(annotation: object) -> None:
    refuses_to_derive({"field": annotation})


@pytest.mark.parametrize("bound", [{"multiple_of": 5}, {"gt": 0}, {"pattern": "^[a-z]$"}])
def test_a_constraint_that_cannot_be_derived_is_an_error(bound: dict[str, Any]) -> None:
    refuses_to_derive({"field": (str if "pattern" in bound else int, Field(**bound))})


def refuses_to_derive(members: dict[str, Any]) -> None:
    paid_off = EVENT_TYPES["loan.paid_off"]
    data = create_model("Odd", __base__=LendingData, **members)
    with pytest.raises(TypeError, match="cannot derive"):
        event_struct(dataclasses.replace(paid_off, data=data), nullable=False)


def test_a_common_member_that_is_no_id_is_an_error() -> None:
    data = create_model("Odd", __base__=LendingData, channel=(Currency | None, None))
    with pytest.raises(TypeError, match="an envelope of its own kind"):
        checks(dataclasses.replace(EVENT_TYPES["loan.paid_off"], data=data))
