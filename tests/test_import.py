"""What an import makes of a file, and who wins where the stream says the same."""

import itertools
import json
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from loanpulse.intake.files import PackedFile
from loanpulse.intake.mapping_file import built_in, load_mapping, parse_mapping
from loanpulse.intake.table import Table
from schemas.decode import decode
from schemas.fields import time_ms
from schemas.registry import EVENT_TYPES, EventType
from streams.calculus.case import Case, merge
from tests.docs_lab import block
from tests.docs_tables import DOCS
from tests.import_lab import GOOD, HEADER, PERIOD, ZONE, events_of, run, survey_of, written
from tests.schemas_events import event_of


def test_a_row_of_a_book_is_an_event_for_each_time_that_it_gives(tmp_path: Path) -> None:
    header = HEADER + ",submitted_at,decided_at,outcome,grade,default_probability_percent"
    path = written(tmp_path, GOOD + ",2021-03-01T09:30,2021-03-09,approved,B,1.25", header=header)
    events = {event["type"]: event for event in events_of(path)}
    assert {name: event["time"] for name, event in events.items()} == {
        "loan.funded": "2021-03-15T22:59:59.999Z",
        "loan.status_reported": "2026-06-29T22:00:00.000Z",
        "application.submitted": "2021-03-01T08:30:00.000Z",
        "application.decided": "2021-03-08T23:00:00.000Z",
    }
    assert events["loan.funded"]["data"] == {
        "customer_id": "c-1", "officer_id": "ann", "product": "home", "amount_minor": 250_050, "currency": "EUR",
    }  # fmt: skip
    assert events["application.decided"]["data"]["default_probability_bp"] == 125
    assert {event["subject"] for event in events.values()} == {"L-1"}


def test_more_than_ninety_days_past_due_are_a_default_since_the_ninety_first_of_them(tmp_path: Path) -> None:
    late = GOOD.removesuffix(",0") + ",120"
    _, report, since = events_of(written(tmp_path, late))
    assert report["data"] | {"days_past_due": 91} == since["data"]
    assert (report["time"], since["time"]) == ("2026-06-29T22:00:00.000Z", "2026-05-31T22:00:00.000Z")
    assert report["id"] != since["id"]
    for days in ("90", "91"):
        path = written(tmp_path, GOOD.removesuffix(",0") + f",{days}")
        assert [event["type"] for event in events_of(path)] == ["loan.funded", "loan.status_reported"]


def test_a_default_of_which_the_day_is_given_is_of_that_day(tmp_path: Path) -> None:
    path = written(tmp_path, "c-1,L-1,ann,home,2021-03-15,2500,EUR,2026-02-01,1000,", header=PERIOD)
    assert [event["type"] for event in events_of(path)] == ["loan.funded", "loan.defaulted"]


def test_amounts_are_in_the_minor_unit_of_their_currency(tmp_path: Path) -> None:
    rows = [GOOD.replace("EUR", currency) for currency in ("EUR", "KWD")]
    rows.append("c-1,L-1,ann,home,2021-03-15,2500,JPY,2026-06-30,2015,0")
    amounts = [event["data"].get("amount_minor") for event in events_of(written(tmp_path, *rows))]
    assert amounts[::2] == [250_050, 2_500_500, 2_500]


def test_every_kind_of_open_case_can_be_brought_in(tmp_path: Path) -> None:
    header = (
        "kind,case_id,customer_id,officer_id,product,opened_at,due_at,regulatory,new_product,referred_by,reopened_at,"
        "request_id,documents_requested_at,hold_id,held_at"
    )
    kinds = ("query", "complaint", "lead", "offer", "application", "training", "regulation", "team_request",
             "recommendation")  # fmt: skip
    rows = [
        f"{kind},X,c,o,car,2026-05-01,2026-09-30,yes,no,c-2,2026-05-02,r-1,2026-05-03T10:00,h-1,2026-05-04"
        for kind in kinds
    ]
    events = events_of(written(tmp_path, *rows, header=header), "open-cases")
    assert [event["type"] for event in events] == [
        "query.received", "complaint.opened", "complaint.reopened", "lead.created", "product.offered",
        "application.submitted", "documents.requested", "application.held", "training.assigned", "regulation.issued",
        "team_request.received", "recommendation.made",
    ]  # fmt: skip
    dues = [event["data"]["due_at"] for event in events if "due_at" in event["data"]]
    assert dues == ["2026-09-30T21:59:59.999Z"] * 2, "a due day is included"


def test_columns_that_are_not_needed_may_be_left_out_and_those_that_nothing_reads_are_named(
    tmp_path: Path,
) -> None:
    survey = survey_of(written(tmp_path, "c,L,home,2021-03-15,10,EUR,Ann", header="customer_id,loan_id,product,funded_at,"
                                                                                 "amount,currency,relation_manager"))  # fmt: skip
    assert (survey.types, survey.unread) == ({"loan.funded": 1}, ["relation_manager"])


@pytest.mark.parametrize("name", sorted(set(built_in()) - {"bpic2012"}))
def test_a_template_is_a_file_that_its_mapping_reads(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header = run(capsys, "import", "--template", name)
    assert header.exit == 0, header.err
    survey = survey_of(written(tmp_path, header=header.out.strip()), name)
    assert (survey.rows, survey.unread, survey.problems) == (0, [], [])
    printed = run(capsys, "import", "--print-mapping", name)
    assert parse_mapping(printed.out, name) == load_mapping(name).model_copy(update={"file": name})


def test_the_book_of_the_page_is_as_many_events_as_it_says(tmp_path: Path) -> None:
    rows = block("book.csv", "opening-book.md").splitlines()
    survey = survey_of(written(tmp_path, *rows[1:], header=rows[0]))
    assert (survey.problems, survey.unread) == ([], [])
    assert f"are {survey.types.total()} events" in (DOCS / "opening-book.md").read_text()


@pytest.mark.parametrize("name", sorted(set(built_in()) - {"bpic2012"}))
def test_the_page_names_every_column_and_those_that_are_needed(name: str) -> None:
    page, mapping = (DOCS / "opening-book.md").read_text(), load_mapping(name)
    (table,) = re.findall(rf"^\| `{name}`, one row.*?\n\n", page, re.MULTILINE | re.DOTALL)
    rows = [line.split("|")[1] for line in table.splitlines()[2:] if line]
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(mapping.columns)
    assert set(re.findall(r"\*\*`(\w+)`\*\*", " ".join(rows))) == set(mapping.columns) - set(mapping.optional)


def stated_by_the_stream(kind: EventType, clock: str) -> Any:
    return decode(json.dumps(event_of(kind.name) | {"id": "s", "time": f"2026-05-05T{clock}+02:00"}).encode())


@pytest.mark.parametrize(
    "kind", [t for t in EVENT_TYPES.values() if t.per != "event"], ids=lambda kind: kind.name
)
@pytest.mark.parametrize("clock", ["00:00:00.001", "12:00:00", "23:59:59.998"])
def test_a_statement_of_the_stream_wins_over_the_books_of_the_same_day(
    kind: EventType, clock: str, tmp_path: Path
) -> None:
    mapping = parse_mapping(
        f"source: book\nmatch: all\nsubject: {{value: case-1}}\ntime: {{column: day, day: yielding}}\n"
        f"events: [{{type: {kind.name}}}]\n",
        "m.yaml",
    )
    (raw,) = [
        mapped.event
        for line in Table(
            PackedFile(written(tmp_path, "2026-05-05", header="day")), mapping, ZoneInfo(ZONE), by_fact=True
        )
        for mapped in line.events
    ]
    book = decode(
        json.dumps(event_of(kind.name) | {"source": "book", "time": raw["time"], "id": raw["id"]}).encode()
    )
    stream = stated_by_the_stream(kind, clock)
    for order in itertools.permutations([book, stream]):
        case = Case()
        for event in order:
            merge(case, event)
        assert case.facts(kind.code) == [stream.statement]


def test_a_report_of_the_stream_on_the_day_of_the_book_wins_over_the_books(tmp_path: Path) -> None:
    _, report = events_of(written(tmp_path, GOOD))
    assert time_ms(report["time"]) == time_ms("2026-06-30T00:00:00+02:00")


def test_the_same_row_gives_the_same_names_wherever_it_stands_and_another_fact_another_name(
    tmp_path: Path,
) -> None:
    other = GOOD.replace("L-1", "L-2")
    first = events_of(written(tmp_path, GOOD, other))
    second = events_of(written(tmp_path, other, GOOD))
    assert sorted(map(str, first)) == sorted(map(str, second))
    assert len({event["id"] for event in first}) == 4
    again = events_of(written(tmp_path, GOOD.replace("2500.50", "9").replace("2026-06-30", "2026-05-31")))
    assert again[0]["id"] == first[0]["id"], "one fact, whatever is said of it"
    assert again[1]["id"] != first[1]["id"], "each report is a fact"


def test_a_revision_is_of_all_but_reports_which_are_never_revised(tmp_path: Path) -> None:
    funded, report = events_of(written(tmp_path, GOOD), revision=2)
    assert (funded["revision"], report.get("revision")) == (2, None)
