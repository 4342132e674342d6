"""Which records are merged, which are not, and what the sender of those is told."""

import json
import random
from typing import Any

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import time_ms
from schemas.registry import LOAN, STAFF
from streams.runtime.admission import MOST_AHEAD_MS, Admission, Admitted, DeadLetter
from tests.partition_lab import lead, loan_events, record, records_of

AT = "2026-01-05T10:00:00Z"
AT_MS = time_ms(AT)

REPORT = {
    "specversion": "1.0", "source": "desk", "id": "1", "type": "report.corrected", "time": AT, "subject": "r-1",
    "data": {"officer_id": "o-1"},
}  # fmt: skip
GIVEN = lead(1, AT)


def admit(
    event: dict[str, Any] | bytes | None, key: bytes | None, at: int = AT_MS, **options: Any
) -> Admitted | DeadLetter:
    """The verdict on a record of a topic's one partition, or of one of several."""
    value = event if event is None or isinstance(event, bytes) else json.dumps(event).encode()
    admission = Admission(
        options.get("topic", LOAN),
        options.get("partition", 0),
        options.get("partitions", 1),
        options.get("partitioner", "murmur2"),
    )
    return admission.admit(record(value, 7, key, at))


def refused(*arguments: Any, **options: Any) -> DeadLetter:
    verdict = admit(*arguments, **options)
    assert isinstance(verdict, DeadLetter)
    assert verdict.record.offset == 7
    return verdict


def test_an_event_in_its_place_is_admitted_under_its_key() -> None:
    verdict = admit(GIVEN, b"c-1")
    assert isinstance(verdict, Admitted)
    assert (verdict.key, verdict.event.subject, verdict.event.statement.at) == ("c-1", "lead-1", AT_MS)


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"\xff", b"7"])
def test_what_is_no_json_object_is_undecodable(value: bytes | None) -> None:
    assert refused(value, b"c-1").reason == "undecodable"


def test_an_unknown_type_is_named() -> None:
    letter = refused(GIVEN | {"type": "lead.creatd"}, b"c-1")
    assert (letter.reason, letter.field, letter.value) == ("unknown_type", "type", "'lead.creatd'")


def test_an_invalid_field_is_named_with_its_value_and_the_rule() -> None:
    event = GIVEN | {"data": {"customer_id": "c-1", "referred_by": 7}}
    letter = refused(event, b"c-1")
    assert (letter.reason, letter.field, letter.value) == ("invalid", "data.referred_by", "7")
    assert letter.message.startswith("data.referred_by is 7: must be ")


def test_an_event_of_another_topic_is_told_where_it_belongs() -> None:
    letter = refused(GIVEN, b"c-1", topic=STAFF)
    assert (letter.reason, letter.field, letter.value) == ("wrong_topic", "type", "'lead.created'")
    assert letter.message == f"type is 'lead.created': it belongs to the topic {LOAN}, not {STAFF}"


@pytest.mark.parametrize(
    ("key", "shown"),
    [(b"c-2", "'c-2'"), (b"C-1", "'C-1'"), (None, "None"), (b"\xff", r"b'\xff'"), (b"", "''")],
)
def test_another_key_than_the_events_own_is_shown_beside_it(key: bytes | None, shown: str) -> None:
    letter = refused(GIVEN, key)
    assert (letter.reason, letter.field, letter.value) == ("key", "data.customer_id", "'c-1'")
    assert letter.message == f"the record's key is {shown}, but data.customer_id is 'c-1'"


def test_a_key_without_end_is_not_shown_to_its_end() -> None:
    assert len(refused(GIVEN, b"x" * 1_000_000).message) < 200


@pytest.mark.parametrize(("key", "is_right"), [(b"unassigned", True), (b"o-1", False), (None, False)])
def test_staff_events_without_an_officer_have_the_key_unassigned(key: bytes | None, is_right: bool) -> None:
    event = REPORT | {"type": "audit.completed", "data": {"score": 80}}
    verdict = admit(event, key, topic=STAFF)
    assert isinstance(verdict, Admitted) is is_right
    if isinstance(verdict, DeadLetter):
        assert verdict.message.endswith("but data.officer_id is absent: the key must be 'unassigned'")


@pytest.mark.parametrize(
    ("key", "is_right"), [(b"o-1", True), (b"o-2", True), (b"", False), (b"\xff", False), (None, False)]
)
def test_a_correction_of_a_report_may_have_its_authors_key(key: bytes | None, is_right: bool) -> None:
    assert isinstance(admit(REPORT, key, topic=STAFF), Admitted) is is_right


@given(
    customer=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@/-]{0,63}", fullmatch=True),
    partitions=st.integers(1, 64),
)
def test_a_key_is_admitted_where_kafkas_partitioner_puts_it_and_nowhere_else(
    customer: str, partitions: int
) -> None:
    event = GIVEN | {"data": {"customer_id": customer}}
    right = (murmur2(customer.encode()) & 0x7FFFFFFF) % partitions
    for partition in {right, 0, partitions - 1}:
        verdict = admit(event, customer.encode(), partition=partition, partitions=partitions)
        assert isinstance(verdict, Admitted) is (partition == right)
        unchecked = admit(
            event, customer.encode(), partition=partition, partitions=partitions, partitioner="none"
        )
        assert isinstance(unchecked, Admitted)


def test_a_key_in_another_partition_names_both_and_the_way_out() -> None:
    right = (murmur2(b"c-1") & 0x7FFFFFFF) % 4
    letter = refused(GIVEN, b"c-1", partition=(right + 1) % 4, partitions=4)
    assert (letter.reason, letter.field, letter.value) == ("partitioner", "key", "'c-1'")
    assert letter.message.startswith(
        f"the key 'c-1' is in partition {(right + 1) % 4}, murmur2 puts it in {right}: every producer must"
    )


def test_more_than_five_minutes_ahead_of_its_record_is_the_future() -> None:
    assert isinstance(admit(GIVEN, b"c-1", AT_MS - MOST_AHEAD_MS), Admitted)
    letter = refused(GIVEN, b"c-1", AT_MS - MOST_AHEAD_MS - 1)
    assert (letter.reason, letter.field, letter.value) == ("future", "time", "'2026-01-05T10:00:00.000Z'")
    assert letter.message.startswith("time is 2026-01-05T10:00:00.000Z, 300 s after the record's timestamp")


def test_a_verdict_depends_on_the_record_alone() -> None:
    """Whatever came before it: a replay in another order, on another day, decides alike."""
    records = records_of(loan_events(11, 30))
    for number in range(0, len(records), 3):
        records[number] = record(b"rubbish", number)
    first = Admission(LOAN, 0, 1, "murmur2")
    verdicts = {found.offset: first.admit(found) for found in records}
    random.Random(1).shuffle(records)
    second = Admission(LOAN, 0, 1, "murmur2")
    assert {found.offset: second.admit(found) for found in records} == verdicts
