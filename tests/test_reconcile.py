"""A warehouse's figures against the board's."""

import csv
import io
from collections.abc import Sequence

import pytest

from loanpulse.lab.failures import InputError
from loanpulse.rules.reconciliation import Reconciliation, Theirs, read_figures, reconcile, template
from tests.board_lab import program, rule
from tests.exporter_lab import board, book, seen

OF = program(rule("count"), rule("revenue"), rule("approval"), rule("turnaround"), rule("defaults"))
BOOK = book(OF)
SNAPSHOT = board(
    BOOK,
    [
        *seen(OF, "count", "ann", n=3),
        *seen(OF, "count", "ben", n=2, branch="south"),
        *seen(OF, "revenue", "ann", a=250, split="EUR"),
        *seen(OF, "approval", "ann", a=1, b=1, n=3),
        *seen(OF, "turnaround", "ann", b=7_200_000, bucket=700, n=4),
    ],
)


def read(text: str, **columns: str) -> list[Theirs]:
    return read_figures("own.csv", text.strip().splitlines(), BOOK, columns)


def reconciled(text: str, **columns: str) -> Reconciliation:
    return reconcile(read(text, **columns), SNAPSHOT, BOOK)


def written(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def test_the_boards_own_figures_agree_with_it() -> None:
    found = reconcile(read(written(list(template(SNAPSHOT, BOOK)))), SNAPSHOT, BOOK)
    assert found.is_well
    assert found.agree > 50


def test_a_template_has_the_kpis_and_windows_that_are_asked_for() -> None:
    rows = list(template(SNAPSHOT, BOOK, ["count"], ["30d"]))
    assert {(row[0], row[1]) for row in rows[1:]} == {("count", "30d")}
    assert rows[0][:3] == ["kpi", "window", "officer"]


def test_a_figure_that_differs_is_told_with_both_sides_the_largest_first() -> None:
    found = reconciled("kpi,window,officer,value,n\ncount,30d,,5,5\ncount,30d,ann,4,3\ncount,30d,ben,3,2")
    assert found.agree == 4
    assert [(one.key[2], one.figure, one.theirs, one.ours) for one in found.deviations] == [
        ((("officer", "ben"),), "value", 3, 2),
        ((("officer", "ann"),), "value", 4, 3),
    ]
    assert found.deviations[0].size == 0.5


def test_what_only_one_of_the_two_has_is_told() -> None:
    found = reconciled("kpi,window,officer,n\ncount,30d,ann,3\ncount,30d,zoe,1\ncount,30d,yan,0")
    assert found.only_theirs == [("count", "30d", (("officer", "zoe"),))]
    assert found.only_ours == [("count", "30d", (("officer", "ben"),))]


def test_columns_may_have_names_of_their_own_and_be_in_any_order() -> None:
    found = reconciled("figure,measure,period\n5,count,30d", value="figure", kpi="measure", window="period")
    assert (found.agree, found.is_well) == (1, True)


def test_percentiles_may_differ_by_a_bucket_and_a_tolerance_says_otherwise() -> None:
    rows = {row[1]: row for row in template(SNAPSHOT, BOOK, ["turnaround"]) if not any(row[2:6])}
    value = float(rows["30d"][list(next(template(SNAPSHOT, BOOK))).index("value")])
    text = "kpi,window,value,tolerance\nturnaround,30d,{},{}"
    assert reconciled(text.format(value * 1.01, "")).is_well
    assert not reconciled(text.format(value * 1.02, "")).is_well
    assert not reconciled(text.format(value * 1.01, "0.001")).is_well


def test_a_value_that_the_board_has_not_is_a_deviation() -> None:
    found = reconciled("kpi,window,value\ndefaults,30d,0.2")
    [deviation] = found.deviations
    assert deviation.ours is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kpi,window,value\ncuont,30d,5", "own.csv:2: kpi: there is no KPI 'cuont': did you mean 'count'?"),
        ("kpi,window,value\ncount,31d,5", "own.csv:2: window: count has no window '31d'"),
        ("kpi,window,value\ncount,30d,many", "own.csv:2: value: is 'many': must be a number"),
        ("kpi,window,value\ncount,30d,nan", "own.csv:2: value: is 'nan': must be a number"),
        ("kpi,window,value\ncount,30d,5\ncount,30d,6", "own.csv:3: says the same group as line 2"),
        ("kpi,window,value\ncount,30d,5,6", "own.csv:2: has more fields than the header"),
        (
            "kpi,window,oficer,value\ncount,30d,ann,5",
            "own.csv:1: has a column 'oficer' that is not known: did you mean 'officer'?",
        ),
        ("kpi,value\ncount,5", "own.csv:1: has no column 'window'"),
        ("kpi,window\ncount,30d", "own.csv:1: has none of the columns value, numerator, denominator, n"),
        ("kpi,window,value", "own.csv: has no rows"),
    ],
)
def test_a_file_that_cannot_be_compared_is_told_with_line_and_column(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read(text)
    assert str(refused.value).startswith(said)


def test_a_column_that_the_file_has_not_is_refused() -> None:
    with pytest.raises(InputError, match="has no column 'figur': did you mean 'figure'"):
        read("figure,kpi,window\n5,count,30d", value="figur")
    with pytest.raises(InputError, match="there is no column 'valeu': did you mean 'value'"):
        read("figure,kpi,window\n5,count,30d", valeu="figure")
