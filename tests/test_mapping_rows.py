"""A row that is several events, days without a time of day, and what an import refuses in a mapping."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.mapping_lab import MINIMAL, Write, complaint, events_of, time_of


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_csv(text: str) -> Path:
        path = tmp_path / "export.csv"
        path.write_text(text, "utf-8")
        return path

    return write_csv


MANY = """\
source: los
match: all
subject: file
data: {customer_id: client}
optional: [held]
events:
  - {type: loan.funded, time: funded, given: amount, data: {amount_minor: {column: amount, as: minor, decimals: currency},
     currency: currency, product: {value: car}}}
  - {type: loan.paid_off, time: {column: paid, day: end}, when: {status: DONE}}
  - {type: loan.defaulted, time: {column: paid, minus_days: late, plus_days: 1}, above: {late: 90}}
  - {type: application.held, time: held}
"""


def test_a_row_may_be_one_event_of_each_entry_that_fits_and_whose_time_is_given(write: Write) -> None:
    header = "file,client,funded,amount,currency,paid,status,late\n"
    rows = (
        "f,c,2026-01-05,7,JPY,2026-02-05,DONE,91",
        "f,c,2026-01-05,,EUR,2026-02-05,OPEN,90",
        "f,c,,7,EUR,,DONE,x",
    )
    events = events_of(write(header + "\n".join(rows)), MANY, ZoneInfo("Europe/Amsterdam"))
    assert [(event["type"], event["time"]) for event in events] == [
        ("loan.funded", "2026-01-04T23:00:00.000Z"),
        ("loan.paid_off", "2026-02-05T22:59:59.999Z"),
        ("loan.defaulted", "2025-11-06T23:00:00.000Z"),
    ]
    assert events[0]["data"] == {"customer_id": "c", "amount_minor": 7, "currency": "JPY", "product": "car"}
    assert len({event["id"] for event in events}) == 3


def test_with_an_id_of_its_own_each_event_of_a_row_is_named_by_it_and_its_type(write: Write) -> None:
    header = "file,client,funded,amount,currency,paid,status,late\n"
    path = write(header + "f,c,2026-01-05,7,JPY,2026-02-05,DONE,0")
    assert [event["id"] for event in events_of(path, MANY + "id: file\n")] == [
        "f/loan.funded",
        "f/loan.paid_off",
    ]


@pytest.mark.parametrize(
    ("text", "time", "expected"),
    [
        ("2026-10-25", "{column: at, day: end}", "2026-10-25T22:59:59.999Z"),
        ("2026-10-25", "at", "2026-10-24T22:00:00.000Z"),
        ("25.10.2026", "{column: at, format: '%d.%m.%Y', day: end}", "2026-10-25T22:59:59.999Z"),
        ("25.10.2026 07:00", "{column: at, format: '%d.%m.%Y %H:%M', day: end}", "2026-10-25T06:00:00.000Z"),
        ("2026-10-25T07:00", "{column: at, day: yielding}", "2026-10-25T06:00:00.000Z"),
        ("2026-10-25", "{column: at, day: yielding}", "2026-10-25T22:59:59.999Z"),
        ("2026-10-25T00:00:00+02:00", "{column: at, plus_days: 2}", "2026-10-26T22:00:00.000Z"),
        ("2026-10-25", "{column: at, plus_days: 2}", "2026-10-26T23:00:00.000Z"),
        ("9999-12-31", "{column: at, plus_days: 2}", "9999-12-31"),
    ],
)
def test_a_day_has_its_place_and_may_be_moved(write: Write, text: str, time: str, expected: str) -> None:
    assert time_of(write, text, time, "Europe/Amsterdam") == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("time: at\n", "", "m.yaml:5: events.0: has no time: give it here, or once for all events"),
        (
            "time: at",
            "time: {column: at, day: noon}",
            "m.yaml:2: time.day: Input should be 'start', 'end' or 'yielding'",
        ),
        (
            "submitted",
            "submitted\n    time: {column: at, dya: end}",
            "m.yaml:8: events.0.time.dya: no such member: did you mean 'day'?",
        ),
        (
            "source: los",
            "source: los\nmatch: both",
            "m.yaml:2: match: Input should be 'first' or 'all', not 'both'",
        ),
        (
            "submitted",
            "submitted\n    data: {amount_minor: {column: a, as: minor, decimals: 9}}",
            "m.yaml:8: events.0.data.amount_minor.decimals: Input should be less than or equal to 4, not 9",
        ),
    ],
)
def test_what_is_wrong_with_times_and_conditions_is_told_where_it_stands(
    old: str, new: str, expected: str
) -> None:
    assert expected in complaint(MINIMAL.replace(old, new, 1))
