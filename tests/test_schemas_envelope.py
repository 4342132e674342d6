"""The rules of the envelope, those that join several members, and what cannot be read at all."""

import json
from typing import Any

import pytest

from schemas.decode import Rejected, decode
from tests.schemas_events import encode, event_of


def rejected(value: bytes | None) -> Rejected:
    with pytest.raises(Rejected) as caught:
        decode(value)
    return caught.value


def message(event: object) -> str:
    return rejected(encode(event)).message


def test_an_event_is_its_type_its_case_and_its_statement() -> None:
    event = decode(encode(event_of("loan.funded") | {"revision": 3, "retracted": True}))
    assert (event.type.name, event.subject, event.key_field) == ("loan.funded", "case-1", "x-1")
    statement = event.statement
    assert (statement.revision, statement.retracted) == (3, True)
    assert (statement.at, statement.source, statement.id) == (1_767_607_200_000, "core", "e-1")
    assert (statement.officer, statement.branch, statement.product, statement.channel) == ("x-1",) * 4
    assert statement.values == (1_000_000_000_000, "EUR", 1_000_000_000_000, "x-1")


def test_the_key_of_staff_activity_is_its_officer() -> None:
    assert decode(encode(event_of("peer.rated", officer_id="ann"))).key_field == "ann"
    event = decode(encode(event_of("peer.rated", full=False, customer_id="c")))
    assert event.key_field is None
    assert (event.statement.officer, event.statement.product, event.statement.channel) == (None, None, None)


@pytest.mark.parametrize("name", ["specversion", "source", "id", "type", "time", "subject", "data"])
def test_a_required_attribute_must_be_there(name: str) -> None:
    event = event_of("loan.paid_off")
    del event[name]
    refused = rejected(encode(event))
    assert (refused.reason, refused.field, refused.value) == ("invalid", name, None)
    assert refused.message.startswith(f"{name} is missing: must be given")


@pytest.mark.parametrize(
    ("attribute", "value", "rule"),
    [
        ("specversion", "0.3", "must be '1.0'"),
        ("specversion", 1.0, "must be '1.0'"),
        ("source", "", "must have at least 1 character"),
        ("source", "s" * 257, "must have at most 256 characters"),
        ("source", 7, "must be a string"),
        ("source", None, "must be a string"),
        ("id", "", "must have at least 1 character"),
        ("id", "\N{GRINNING FACE}" * 129, "must have at most 128 characters"),
        ("subject", "a b", "must be an id: "),
        ("subject", "a\n", "must be an id: "),
        ("time", "2026-01-05T10:00:00", "must be RFC 3339 with an offset"),
        ("time", "0001-01-01T00:00:00+01:00", "must be an instant of the years 1 to 9999 UTC"),
        ("time", 0, "must be a string"),
        ("datacontenttype", "text/plain", "must be 'application/json'"),
        ("revision", -1, "must be at least 0"),
        ("revision", 1_000_001, "must be at most 1000000"),
        ("revision", True, "must be an integer"),
        ("revision", 1.0, "must be an integer"),
        ("retracted", 1, "must be true or false"),
        ("retracted", "true", "must be true or false"),
        ("data", [], "must be an object"),
        ("data", None, "must be an object"),
    ],
)
def test_an_attribute_is_refused_by_name_value_and_rule(attribute: str, value: Any, rule: str) -> None:
    refused = rejected(encode(event_of("loan.paid_off") | {attribute: value}))
    assert (refused.reason, refused.field) == ("invalid", attribute)
    assert refused.message.startswith(f"{attribute} is {refused.value}: {rule}")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("source", "\N{GRINNING FACE}" * 256),
        ("id", "\u0000" * 128),
        ("revision", 1_000_000),
        ("revision", None),
        ("retracted", None),
        ("datacontenttype", None),
        ("datacontenttype", "application/json"),
    ],
)
def test_an_attribute_may_be_at_its_limit_or_null_where_optional(attribute: str, value: Any) -> None:
    statement = decode(encode(event_of("loan.paid_off") | {attribute: value})).statement
    if attribute in ("source", "id", "revision"):
        assert getattr(statement, attribute) == (value if value is not None else 0)
    assert not statement.retracted


def test_a_long_value_is_cut_off_in_the_message() -> None:
    refused = rejected(encode(event_of("loan.paid_off") | {"subject": "x" * 10_000}))
    assert refused.value == "'" + "x" * 98 + "…"


def test_of_several_broken_rules_the_first_is_told() -> None:
    assert message(event_of("nps.answered", score=11) | {"revision": -1}).startswith("revision is -1: ")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("loan.fundd", "loan.funded"),
        ("Loan.Funded", "loan.funded"),
        ("loan_status_reported", "loan.status_reported"),
        ("application.submit", "application.submitted"),
    ],
)
def test_an_unknown_type_names_the_nearest(name: str, meant: str) -> None:
    refused = rejected(encode(event_of("loan.funded") | {"type": name}))
    assert (refused.reason, refused.field) == ("unknown_type", "type")
    assert (
        refused.message == f"type is {name!r}: must be one of the known event types; did you mean {meant!r}?"
    )


def test_a_type_like_no_other_is_unknown_too() -> None:
    refused = rejected(encode(event_of("loan.funded") | {"type": "käse" * 1000}))
    assert refused.reason == "unknown_type"
    assert refused.message.endswith("must be one of the known event types")


@pytest.mark.parametrize("name", [None, 7, ["loan.funded"]])
def test_a_type_is_a_string(name: object) -> None:
    refused = rejected(encode(event_of("loan.funded") | {"type": name}))
    assert (refused.reason, refused.field) == ("invalid", "type")


@pytest.mark.parametrize(
    ("data", "field", "rule"),
    [
        (
            {"documents_required": 3},
            "documents_accepted",
            "is missing: must be given, since documents_required",
        ),
        (
            {"documents_accepted": 3},
            "documents_required",
            "is missing: must be given, since documents_accepted",
        ),
        (
            {"documents_required": 3, "documents_accepted": 4},
            "documents_accepted",
            "is 4: must be at most documents_required, 3",
        ),
        ({"amount_minor": 5}, "currency", "is missing: must be given, since amount_minor is"),
        (
            {"amount_minor": 5, "currency": None},
            "currency",
            "is missing: must be given, since amount_minor is",
        ),
    ],
)
def test_a_submission_keeps_its_figures_together(data: dict[str, Any], field: str, rule: str) -> None:
    refused = rejected(encode(event_of("application.submitted", full=False, **data)))
    assert (refused.reason, refused.field) == ("invalid", f"data.{field}")
    assert refused.message.startswith(f"data.{field} {rule}")


@pytest.mark.parametrize(
    "data",
    [
        {"documents_required": 0, "documents_accepted": 0},
        {"documents_required": 3, "documents_accepted": 3},
        {"documents_required": None, "documents_accepted": None},
        {"currency": "EUR"},
        {"amount_minor": None},
    ],
)
def test_a_submission_may_do_without_figures(data: dict[str, Any]) -> None:
    assert decode(encode(event_of("application.submitted", full=False, **data))).type.opening


@pytest.mark.parametrize(("attribute", "value"), [("revision", 1), ("retracted", True)])
def test_a_status_report_is_never_revised(attribute: str, value: object) -> None:
    refused = rejected(encode(event_of("loan.status_reported") | {attribute: value}))
    assert (refused.reason, refused.field) == ("invalid", attribute)
    assert "a status report is never revised" in refused.message


def test_a_status_report_may_say_that_it_is_no_revision() -> None:
    event = event_of("loan.status_reported") | {"revision": 0, "retracted": False}
    assert not decode(encode(event)).statement.retracted


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"null",
        b"[]",
        b'"loan.funded"',
        b"{",
        b"{} {}",
        b"not json",
        encode(event_of("loan.paid_off")).decode().encode("utf-16"),
        b"\xef\xbb\xbf" + encode(event_of("loan.paid_off")),
        encode(event_of("loan.paid_off", x="@")).replace(b"@", b"\xff"),
        encode(event_of("loan.paid_off", x="@")).replace(b"@", b"\\ud800"),
        encode(event_of("loan.paid_off", x=float("nan"))),
        encode(event_of("loan.paid_off", x=float("inf"))),
        encode(event_of("loan.paid_off", x=1)).replace(b'"x": 1', b'"x": 01'),
        encode(event_of("loan.paid_off", x=1)).replace(b'"x": 1', b'"x": ' + b"1" * 5000),
        encode(event_of("loan.paid_off", x=1)).replace(b'"x": 1', b'"x": ' + b"[" * 200 + b"]" * 200),
        encode(event_of("loan.paid_off", x=1)).replace(b'"x": 1', b'"x": ' + b"[" * 100_000),
        encode(event_of("loan.paid_off", x="x" * (1 << 20))),
    ],
)
def test_what_is_not_a_json_object_in_utf_8_is_undecodable(value: bytes | None) -> None:
    refused = rejected(value)
    assert (refused.reason, refused.field, refused.value) == ("undecodable", None, None)
    assert len(refused.message) < 250


@pytest.mark.parametrize(
    "value",
    [
        encode(event_of("loan.paid_off", x=1)).replace(b'"x": 1', b'"x": ' + b"[" * 190 + b"]" * 190),
        encode(event_of("loan.paid_off", x=[{}] * 5000)),
        encode(event_of("loan.paid_off", x=10**4000)),
        encode(event_of("loan.paid_off", x=1)).replace(b'"x": 1', b'"x": 1e999'),
        encode(event_of("loan.paid_off", x="x" * 500_000)),
        b" \r\n\t" + encode(event_of("loan.paid_off", x="é\N{GRINNING FACE}")) + b"\n",
        json.dumps(event_of("loan.paid_off", x="é"), ensure_ascii=False).encode(),
    ],
)
def test_what_is_ignored_may_be_large_within_bounds(value: bytes) -> None:
    assert decode(value).type.name == "loan.paid_off"


def test_of_a_member_given_twice_the_last_counts() -> None:
    value = encode(event_of("loan.funded"))
    twice = b'{"type": "loan.paid_off", "time": 5, "data": 7, ' + value[1:]
    assert decode(twice) == decode(value)
    assert decode(value[:-1] + b', "revision": 5}').statement.revision == 5
