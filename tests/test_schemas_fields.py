"""Each rule of the contract on one member: both ends of every range, and what the message says."""

from typing import Any

import pytest

from schemas.decode import Rejected, decode
from tests.schemas_events import CONTRACTS, Field, encode, event_of

FIELDS = [(row.type, field) for row in CONTRACTS.values() for field in row.members]
NOT_AN_ID = ["", "-a", ".a", "a b", "a\n", "\na", "é", "a" * 65, "a,b", "a\u0000", "\u0661", "a\x1fb"]
NOT_A_CURRENCY = ["", "EU", "EURO", "eur", "EUR\n", "E1R", "ÉUR"]


def of_kind(*starts: str) -> pytest.MarkDecorator:
    """Every field of every type whose kind starts so."""
    chosen = [(name, field) for name, field in FIELDS if field.kind.startswith(starts)]
    return pytest.mark.parametrize(("name", "field"), chosen, ids=[f"{name}-{f.name}" for name, f in chosen])


def rejected(event: object) -> Rejected:
    with pytest.raises(Rejected) as caught:
        decode(encode(event))
    return caught.value


def refuses(name: str, field: Field, value: Any, rule: str) -> None:
    refused = rejected(event_of(name, **{field.name: value}))
    assert refused.reason == "invalid"
    assert refused.field == f"data.{field.name}"
    assert refused.value == repr(value)
    assert refused.message == f"data.{field.name} is {value!r}: {rule}"


def kept(name: str, field: Field, value: Any) -> Any:
    event = decode(encode(event_of(name, **{field.name: value})))
    common = {
        "customer_id": event.key_field,
        "officer_id": event.statement.officer,
        "branch_id": event.statement.branch,
        "product": event.statement.product,
        "channel": event.statement.channel,
    }
    if field.name in common:
        return common[field.name]
    return event.statement.values[event.type.index(field.name)]


@of_kind("int")
def test_an_integer_may_be_either_end_of_its_range_and_no_more(name: str, field: Field) -> None:
    least, most = map(int, field.kind.removeprefix("int ").split(".."))
    other: dict[str, Any] = {"documents_accepted": 0} if field.name == "documents_required" else {}
    for value in (least, most):
        statement = decode(encode(event_of(name, **({field.name: value} | other)))).statement
        assert statement.values.count(value) >= 1
    refuses(name, field, least - 1, f"must be at least {least}")
    refuses(name, field, most + 1, f"must be at most {most}")
    refuses(name, field, 10**30, f"must be at most {most}")


@of_kind("int")
def test_a_boolean_a_float_and_a_text_are_no_integers(name: str, field: Field) -> None:
    things: list[object] = [True, 1.0, 1e3, "1", [1], {}]
    for thing in things:
        refuses(name, field, thing, "must be an integer")


@of_kind("bool")
def test_only_true_and_false_are_booleans(name: str, field: Field) -> None:
    for value in (True, False):
        assert kept(name, field, value) is value
    things: list[object] = [0, 1, "true", []]
    for thing in things:
        refuses(name, field, thing, "must be true or false")


@of_kind("id")
def test_an_id_has_1_to_64_of_its_characters(name: str, field: Field) -> None:
    for value in ("a", "9", "Z" * 64, "a._:/@-"):
        assert kept(name, field, value) == value
    for other in NOT_AN_ID:
        rule = "must be an id: 1 to 64 characters A-Z a-z 0-9 . _ : / @ -, the first a letter or digit"
        refuses(name, field, other, rule)
    things: list[object] = [7, True, ["a"], {}]
    for thing in things:
        refuses(name, field, thing, "must be a string")


@of_kind("currency")
def test_a_currency_is_three_capitals(name: str, field: Field) -> None:
    assert kept(name, field, "CHF") == "CHF"
    for other in NOT_A_CURRENCY:
        refuses(name, field, other, "must be an ISO 4217 currency: three capitals")


@of_kind("time")
def test_a_time_in_data_is_kept_as_it_is_written(name: str, field: Field) -> None:
    for value in ("2026-03-01T00:00:00+01:00", "2026-03-01t00:00:00.123456789z"):
        assert kept(name, field, value) == value
    rule = "must be RFC 3339 with an offset and no leap second, such as 2026-01-05T10:00:00.000Z"
    for other in ("2026-03-01", "2026-03-01T00:00:00", "2026-06-30T23:59:60Z"):
        refuses(name, field, other, rule)
    refuses(name, field, 1_767_600_000_000, "must be a string")


@of_kind("approved", "A /", "low")
def test_a_choice_is_one_of_its_words(name: str, field: Field) -> None:
    words = field.kind.split(" / ")
    for word in words:
        assert kept(name, field, word) == word
    rule = "must be " + ", ".join(map(repr, words[:-1])) + f" or {words[-1]!r}"
    for other in (words[0].swapcase(), words[0] + " ", "", 1):
        refuses(name, field, other, rule)


@pytest.mark.parametrize(("name", "field"), [f for f in FIELDS if f[1].required])
def test_a_required_member_must_be_there_and_not_null(name: str, field: Field) -> None:
    event = event_of(name)
    del event["data"][field.name]
    refused = rejected(event)
    assert (refused.field, refused.value) == (f"data.{field.name}", None)
    assert refused.message == f"data.{field.name} is missing: must be given"
    event["data"][field.name] = None
    assert rejected(event).field == f"data.{field.name}"


@pytest.mark.parametrize("name", CONTRACTS)
def test_optional_members_may_be_absent_or_null_which_is_the_same(name: str) -> None:
    bare = decode(encode(event_of(name, full=False)))
    optional: dict[str, Any] = {field.name: None for field in CONTRACTS[name].members if not field.required}
    null = decode(encode(event_of(name, full=False, **optional)))
    assert (null.key_field, null.subject) == (bare.key_field, bare.subject)
    assert null.statement.values == bare.statement.values
    assert null.statement.form != bare.statement.form
    assert (null.statement.officer, null.statement.branch) == (None, None)


@pytest.mark.parametrize("name", CONTRACTS)
def test_members_that_are_not_listed_are_ignored(name: str) -> None:
    event = event_of(name)
    more = event_of(name, x=[{"y": None}], comment="free text é") | {"traceparent": 7, "dataschema": None}
    assert decode(encode(more)) == decode(encode(event))
