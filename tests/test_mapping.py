"""CSV through a mapping, and complaints that say where."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kpi_rules.organisation import Organisation
from loanpulse.intake.mapping_file import built_in, load_mapping, parse_mapping
from loanpulse.intake.sources import read_events
from loanpulse.lab.failures import InputError
from schemas.decode import decode
from tests.mapping_lab import MINIMAL, UTC, Write, complaint, events_of, time_of

BPIC2012 = Path(__file__).parents[2] / "shared" / "data" / "bpic2012_events.csv.gz"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_csv(text: str) -> Path:
        path = tmp_path / "export.csv"
        path.write_text(text, "utf-8")
        return path

    return write_csv


def value_of(write: Write, cell: str, field: str, **more: str) -> Any:
    """What one cell of the column `amount` becomes as data.amount_minor."""
    mapping = MINIMAL + f"    data: {{amount_minor: {field}}}\n"
    (event,) = events_of(
        write(f"at;file;client;clerk;status;amount\n1;f;c;o;NEW;{cell}\n"), mapping + "delimiter: ';'\n"
    )
    return event["data"].get("amount_minor")


def test_a_row_becomes_an_event_and_rows_of_no_interest_are_counted(write: Write) -> None:
    path = write("at,file,client,clerk,status\n2026-01-05T10:00:00+01:00,f-1,c-1,o-1,NEW\n,,,,IDLE\n\n")
    source = read_events(path, parse_mapping(MINIMAL, "m.yaml"), UTC)
    (raw,) = source
    assert source.ignored == 2
    assert (raw.topic, raw.key, raw.at) == ("loan-events", b"c-1", 1_767_603_600_000)
    assert json.loads(raw.value) == {
        "specversion": "1.0",
        "source": "los",
        "id": "1",
        "type": "application.submitted",
        "time": "2026-01-05T10:00:00+01:00",
        "subject": "f-1",
        "data": {"customer_id": "c-1", "officer_id": "o-1"},
    }
    assert decode(raw.value).subject == "f-1"


def test_an_empty_cell_is_an_absent_field(write: Write) -> None:
    (event,) = events_of(write("at,file,client,clerk,status\n2026-01-05T10:00:00Z,f,c, ,NEW\n"), MINIMAL)
    assert event["data"] == {"customer_id": "c"}


def test_a_short_row_has_absent_fields(write: Write) -> None:
    path = write("status,at,file,client,clerk\nNEW,2026-01-05T10:00:00Z,f,c\n")
    (event,) = events_of(path, MINIMAL)
    assert event["data"] == {"customer_id": "c"}


def test_the_first_entry_that_fits_wins_and_a_condition_may_list_cells(write: Write) -> None:
    mapping = MINIMAL.replace("{status: NEW}", "{status: [NEW, AGAIN], clerk: o}") + (
        "  - when: {status: [NEW, PAID]}\n    type: loan.paid_off\n"
    )
    rows = ("NEW,o", "NEW,x", "AGAIN,o", "PAID,o", "AGAIN,x")
    path = write(
        "status,clerk,at,file,client\n" + "".join(f"{row},2026-01-05T10:00:00Z,f,c\n" for row in rows)
    )
    types = [event["type"] for event in events_of(path, mapping)]
    assert types == ["application.submitted", "loan.paid_off", "application.submitted", "loan.paid_off"]


@pytest.mark.parametrize(
    ("cell", "field", "expected"),
    [
        ("1234.5", "{column: amount, as: minor}", 123_450),
        ("20000", "{column: amount, as: minor}", 2_000_000),
        ("0,07", "{column: amount, as: minor, decimal_point: ','}", 7),
        ("500", "{column: amount, as: minor, decimals: 0}", 500),
        ("0.1234567890123456", "{column: amount, as: minor}", "0.1234567890123456"),
        ("12.345", "{column: amount, as: minor}", "12.345"),
        ("NaN", "{column: amount, as: minor}", "NaN"),
        ("1e999999999", "{column: amount, as: minor}", "1e999999999"),
        ("much", "{column: amount, as: minor}", "much"),
        ("-12", "{column: amount, as: integer}", -12),
        ("1_2", "{column: amount, as: integer}", "1_2"),
        ("²", "{column: amount, as: integer}", "²"),
        ("Yes", "{column: amount, as: boolean}", True),
        ("0", "{column: amount, as: boolean}", False),
        ("perhaps", "{column: amount, as: boolean}", "perhaps"),
        ("x", "{column: amount, prefix: 'p-'}", "p-x"),
        ("J", "{column: amount, as: boolean, values: {J: yes, N: no}}", True),
        ("0", "{column: amount, as: minor, values: {'0': ''}}", None),
        ("x", "{value: 7}", 7),
    ],
)
def test_a_cell_is_read_as_the_mapping_says_or_stays_as_written(
    write: Write, cell: str, field: str, expected: object
) -> None:
    field = field.replace("yes", "'yes'").replace("no}", "'no'}")
    assert value_of(write, cell, field) == expected


@pytest.mark.parametrize(
    ("text", "time", "expected"),
    [
        ("2026-01-05T10:00:00.123+01:00", "at", "2026-01-05T10:00:00.123+01:00"),
        ("2026-01-05 10:00:00", "at", "2026-01-05T09:00:00.000Z"),
        ("2026-01-05 10:00", "{column: at, zone: America/New_York}", "2026-01-05T15:00:00.000Z"),
        ("05.01.2026 10:00", "{column: at, format: '%d.%m.%Y %H:%M'}", "2026-01-05T09:00:00.000Z"),
        ("1767603600.5", "{column: at, format: epoch_seconds}", "2026-01-05T09:00:00.500Z"),
        ("1767603600500", "{column: at, format: epoch_milliseconds}", "2026-01-05T09:00:00.500Z"),
        ("2026-10-25 02:30:00", "at", "2026-10-25T00:30:00.000Z"),
        ("yesterday", "at", "yesterday"),
        ("99999999999999999999", "{column: at, format: epoch_milliseconds}", "99999999999999999999"),
    ],
)
def test_a_time_is_read_in_its_format_and_zone_or_stays_as_written(
    write: Write, text: str, time: str, expected: str
) -> None:
    assert time_of(write, text, time, "Europe/Amsterdam") == expected


def test_every_built_in_mapping_loads_and_its_organisation_is_one() -> None:
    assert "bpic2012" in built_in()
    for name in built_in():
        Organisation.model_validate(load_mapping(name).organisation)


def test_the_bpic2012_mapping_gives_the_five_events(write: Write) -> None:
    header = "seq,case_id,activity,lifecycle,timestamp,resource,amount_req\n"
    at = "2011-10-30T02:30:00.546+01:00"
    names = ("A_SUBMITTED", "A_PREACCEPTED", "A_APPROVED", "A_DECLINED", "A_CANCELLED", "A_ACTIVATED")
    rows = "".join(f"{seq},9,{name},COMPLETE,{at},112,20000\n" for seq, name in enumerate(names))
    source = read_events(
        write(header + rows + f"6,10,A_SUBMITTED,COMPLETE,{at},,0\n"), load_mapping("bpic2012"), UTC
    )
    raws = list(source)
    events = [json.loads(raw.value) for raw in raws]
    assert source.ignored == 1
    assert [(event["id"], event["type"], event["data"].get("outcome")) for event in events] == [
        ("0", "application.submitted", None),
        ("2", "application.decided", "approved"),
        ("3", "application.decided", "declined"),
        ("4", "application.decided", "withdrawn"),
        ("5", "loan.funded", None),
        ("6", "application.submitted", None),
    ]
    assert {event["time"] for event in events} == {at}
    assert events[4]["data"] == {
        "customer_id": "9",
        "officer_id": "112",
        "product": "personal-loan",
        "amount_minor": 2_000_000,
        "currency": "EUR",
    }
    assert events[5]["data"] == {"customer_id": "10", "currency": "EUR"}
    for raw in raws:
        decode(raw.value)


@pytest.mark.slow
def test_the_bpic2012_log_has_its_publishers_totals() -> None:
    if not BPIC2012.exists():
        pytest.skip(f"the log is not here: {BPIC2012}")
    source = read_events(BPIC2012, load_mapping("bpic2012"), UTC)
    found: Counter[tuple[str, object]] = Counter()
    for raw in source:
        event = decode(raw.value)
        outcome = (
            event.statement.values[event.type.index("outcome")]
            if event.type.kind == "loan" and "outcome" in event.type.fields
            else None
        )
        found[event.type.name, outcome] += 1
    assert found == {
        ("application.submitted", None): 13_087,
        ("application.decided", "approved"): 2_246,
        ("application.decided", "declined"): 7_635,
        ("application.decided", "withdrawn"): 2_807,
        ("loan.funded", None): 2_246,
    }
    assert source.ignored + found.total() == 262_200


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("time: at", "tiem: at", "m.yaml:2: tiem: no such member: did you mean 'time'?"),
        (
            "time: at",
            "time: {column: at, from: x}",
            "m.yaml:2: time.from: no such member: did you mean 'form",
        ),
        ("NEW}", "NEW}\n    date: {}", "m.yaml:7: events.0.date: no such member: did you mean 'data'?"),
        (
            "clerk}",
            "{column: clerk, prefx: text}}",
            "m.yaml:4: data.officer_id.prefx: no such member: did you mean 'prefix'?",
        ),
        (
            "application.submitted",
            "application.submited",
            "m.yaml:7: events.0.type: 'application.submited' is no event type: did you mean 'application.submitted'?",
        ),
        (
            "submitted",
            "submitted\n    data: {amount: a}",
            "m.yaml:8: events.0.data.amount: 'amount' is no field of application.submitted: did you mean 'amount_minor'?",
        ),
        (
            "officer_id",
            "officer",
            "m.yaml:4: data.officer: 'officer' is no field of every event: did you mean 'officer_id'?",
        ),
        ("source: los", "source: ''", "m.yaml:1: source: String should have at least 1 character, not ''"),
        ("source: los\n", "", "source: Field required"),
        ("source: los", "encoding: klingon\nsource: los", "m.yaml:1: encoding: unknown encoding: klingon"),
        (
            "source: los",
            "source: los\norganisation: {tz: Mars/X}",
            "m.yaml:2: organisation.tz: 'Mars/X' is not an IANA",
        ),
        ("source: los", "source: [", "m.yaml:3: not YAML: "),
        ("source: los", "source: {column: x}", "m.yaml:1: source: Input should be a valid string"),
    ],
)
def test_a_wrong_mapping_is_told_with_file_line_field_and_the_nearest_name(
    old: str, new: str, expected: str
) -> None:
    assert expected in complaint(MINIMAL.replace(old, new, 1))


def test_a_mapping_that_is_no_mapping_is_told() -> None:
    assert complaint("- 1\n") == "m.yaml:1: a mapping has source, time, subject and events"
    assert "not YAML" in complaint("a: \x00")


def test_an_unknown_name_of_a_mapping_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"bpic2021: no mapping of this name: did you mean 'bpic2012'\?"):
        load_mapping("bpic2021")
    with pytest.raises(InputError, match=r"nowhere.yaml: cannot be read: No such file"):
        load_mapping("nowhere.yaml")


def test_a_column_that_the_file_lacks_is_told(write: Write) -> None:
    path = write("at,file,customer,clerk,status\n")
    with pytest.raises(
        InputError, match=r"m.yaml: data.customer_id: .* has no column 'client': it is one of at, clerk"
    ):
        events_of(path, MINIMAL)
