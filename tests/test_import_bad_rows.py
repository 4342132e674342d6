"""What an import refuses, and how it says so."""

from pathlib import Path

import pytest

from loanpulse.cli.exits import BAD_INPUT
from loanpulse.lab.failures import InputError
from tests.import_lab import GOOD, HEADER, complaints, run, survey_of, written


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (GOOD.replace("2500.50", "2500.505"), "2: amount is '2500.505': data.amount_minor must be an integer; write an amount, "
         "as 1234.50, with no more decimals than its currency has"),
        (GOOD.replace("2500.50", ""), "2: amount is empty, but loan.funded needs it: data.amount_minor must be given"),
        (GOOD.replace("home", "my home"), "2: product is 'my home': data.product must be an id"),
        (GOOD.replace("2021-03-15", "15/03/2021"), "2: funded_at is '15/03/2021': time must be RFC 3339"),
        (GOOD.replace("2021-03-15", "2026-07-01"), "2: funded_at is '2026-07-01': that is yet to come; of today write the time"),
        (GOOD.replace("2021-03-15", "").replace("2026-06-30", ""), "2: says nothing: at least one of funded_at, reported_at"),
        (GOOD + ",more", "2: 11 cells, but the header has 10: quote a cell that holds ','"),
        (GOOD.removesuffix(",0") + ",x", "2: days_past_due is 'x': data.days_past_due must be an "
         "integer; write a whole number, as 12"),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_by_line_column_value_and_way_out(row: str, said: str, tmp_path: Path) -> None:
    assert complaints(written(tmp_path, row))[0].startswith(said)


def test_a_state_of_today_is_of_its_beginning_and_not_yet_to_come(tmp_path: Path) -> None:
    assert complaints(written(tmp_path, GOOD.replace("2026-06-30", "2026-07-01"))) == []
    (told,) = complaints(written(tmp_path, GOOD.replace("2026-06-30", "2026-07-02")))
    assert told.startswith("2: reported_at is '2026-07-02': that is yet to come")


def test_all_bad_rows_are_told_and_none_of_their_events_is_counted(tmp_path: Path) -> None:
    bad = GOOD.replace("EUR", "euro")
    survey = survey_of(written(tmp_path, bad, GOOD, bad))
    assert [problem.line for problem in survey.problems] == [2, 4]
    assert set(survey.bad) == {1, 3}
    assert survey.types == {"loan.funded": 1, "loan.status_reported": 1}


def test_two_rows_that_state_one_fact_differently_are_both_bad_and_alike_they_count_twice(
    tmp_path: Path,
) -> None:
    survey = survey_of(written(tmp_path, GOOD, GOOD.replace("2500.50", "1"), GOOD.replace("L-1", "L-2")))
    assert [f"{p.line}: {p.text}" for p in survey.problems] == [
        "2: states loan.funded otherwise than line 3 does of the same case: keep one",
        "3: states loan.funded otherwise than line 2 does of the same case: keep one",
    ]
    assert survey.types == {"loan.funded": 1, "loan.status_reported": 1}
    assert survey_of(written(tmp_path, GOOD, GOOD)).repeated == 2


def test_an_empty_line_is_nothing(tmp_path: Path) -> None:
    assert complaints(written(tmp_path, GOOD, "", ",,,,,,,,,")) == []


def test_a_row_of_no_kind_that_there_is_is_bad(tmp_path: Path) -> None:
    found = complaints(
        written(tmp_path, "querry,Q,2026-05-01", header="kind,case_id,opened_at"), "open-cases"
    )
    assert found[0].startswith("2: says nothing: kind is one of query, complaint, lead")


def test_what_happened_since_the_stream_began_is_left_to_it_but_not_the_state_of_a_loan(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, GOOD, GOOD.replace("L-1", "L-2").replace("2021-03-15", "2026-06-01"))
    survey = survey_of(path, before="2026-06-01")
    assert survey.types == {"loan.funded": 1, "loan.status_reported": 2}
    assert survey.left == {"loan.funded": 1}
    late = survey_of(written(tmp_path, GOOD.removesuffix(",0") + ",120"), before="2026-05-01")
    assert (late.types["loan.status_reported"], late.left) == (1, {"loan.status_reported": 1}), (
        "a default of May"
    )
    with pytest.raises(InputError, match=r"--before: is 'June': write 2026-03-01 or"):
        survey_of(path, before="June")


def test_bad_rows_are_set_apart_as_they_are_and_can_be_mended_and_imported(tmp_path: Path) -> None:
    bad, apart, again = GOOD.replace("EUR", "euro"), tmp_path / "apart.csv", tmp_path / "again.csv"
    path = written(tmp_path, GOOD, bad)
    survey_of(path, skip_bad=apart)
    header, row = apart.read_text().splitlines()
    assert header == "problem," + HEADER
    assert row.endswith("," + bad)
    survey_of(apart, skip_bad=again)
    assert again.read_text() == apart.read_text()
    apart.write_text(apart.read_text().replace(",euro,", ",EUR,"))
    assert survey_of(apart).types == {"loan.funded": 1, "loan.status_reported": 1}
    with pytest.raises(InputError, match=r"apart.csv: --skip-bad: is there already"):
        survey_of(path, skip_bad=apart)


def test_a_file_that_cannot_be_a_book_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"loans.yaml: subject: .*book.csv has no column 'loan_id': did you mean 'lone_id'"
    ):
        survey_of(written(tmp_path, GOOD, header=HEADER.replace("loan_id", "lone_id")))
    with pytest.raises(InputError, match=r"book.csv:1: has the column 'loan_id' twice"):
        survey_of(written(tmp_path, GOOD, header=HEADER.replace("customer_id", "loan_id")))
    with pytest.raises(InputError, match=r"nothing.csv: cannot be read"):
        survey_of(tmp_path / "nothing.csv")


def test_the_command_tells_all_that_is_wrong_and_sends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, GOOD, GOOD.replace("EUR", "euro"))
    said = run(capsys, "import", str(path), "--mapping", "loans", "--dry-run")
    assert said.exit == BAD_INPUT
    assert (
        f"{path}:3: currency is 'euro': data.currency must be an ISO 4217 currency: three capitals"
        in said.err
    )
    assert "1 rows are bad, nothing is sent" in said.err
    assert run(capsys, "import").exit == BAD_INPUT
    misnamed = run(capsys, "import", str(path), "--mapping", "lons", "--dry-run")
    assert "no mapping of this name: did you mean 'loans'?" in misnamed.err
