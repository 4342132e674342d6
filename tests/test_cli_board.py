"""The board in a terminal: values as people read them, tables, pages."""

from collections.abc import Sequence
from io import StringIO

import msgspec
import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kpi_rules.organisation import Organisation
from kpi_rules.rulebook import Area
from loanpulse.board.snapshot import Block, Frame, LedgerStatus, Meta, Snapshot
from loanpulse.cli.amounts import value_text
from loanpulse.cli.board_screen import PAGE_SECONDS, laid_out, page_at
from loanpulse.cli.board_tables import (
    OVERVIEW,
    breakdown,
    cells,
    detail,
    heading,
    overview,
    overview_windows,
    target_text,
)
from loanpulse.cli.output import table
from loanpulse.serve.book import Book, book_of
from streams.calculus.program import Program
from streams.runtime.rulebook import compile_program, read_rulebook

BOOK = book_of(read_rulebook(None, None, "UTC"))
OFFICERS = [{"officer": f"O-{number}"} for number in range(1, 4)]


def frame(window: str, values: Sequence[float | None], n: Sequence[int]) -> Frame:
    """A window whose rows are the block's groups in their order."""
    return Frame(
        window=window,
        from_ms=None if window == "now" else 0,
        to_ms=1,
        before_from_ms=None,
        before_to_ms=None,
        complete=True,
        members=list(range(len(values))),
        n=list(n),
        numerator=list(n),
        denominator=list(n),
        sum=None,
        p50=[None if value is None else value * 500 for value in values],
        p90=None,
        p95=None,
        value=list(values),
    )


def meta(**changed: object) -> Meta:
    plain = Meta(
        book="",
        rules="",
        as_of_ms=1_000_000,
        to_ms=1_000_001,
        computed_at_ms=1_000_000,
        complete_through_ms=1_000_000,
        tick_seconds=0.1,
        events={"applied": 12_345, "dead_letter": 6},
        ledgers=[LedgerStatus("loan-events", 0, "live", 1, 1_000_000, {})],
        gaps=[],
        incomplete=[],
    )
    return msgspec.structs.replace(plain, **changed)


def snapshot(*blocks: Block) -> Snapshot:
    return Snapshot(meta(), {block.kpi: block for block in blocks})


def rows(made: Table | None) -> list[list[str]]:
    """A table's rows as they are printed, word by word in columns."""
    assert made is not None
    console = Console(width=200, record=True, quiet=True)
    texts = [[console.render_str(str(cell)).plain for cell in column.cells] for column in made.columns]
    return [list(row) for row in zip(*texts, strict=True)]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "ratio", "–"),
        (0.7312, "ratio", "73.1 %"),
        (4.567, "score", "4.57"),
        (0.0034, "score", "0.0034"),
        (0.0, "score", "0.00"),
        (12_345.0, "count", "12,345"),
        (45.0, "seconds", "45 s"),
        (1_800.0, "seconds", "30 min"),
        (9_000.0, "seconds", "2.5 h"),
        (864_000.0, "seconds", "10.0 d"),
        (123_456_789.0, "amount_minor", "1.2m"),
        (95_000.0, "amount_minor", "950"),
        (-250_000.0, "amount_minor", "-2.5k"),
    ],
)
def test_a_value_is_read_in_its_unit(value: float | None, unit: str, text: str) -> None:
    assert value_text(value, unit) == text


def test_business_hours_never_become_days_of_24() -> None:
    assert value_text(288_000.0, "seconds", business=True) == "80.0 h"


def test_the_overview_shows_windows_and_target_of_the_organisation_only() -> None:
    block = Block("approval_rate", [{}, *OFFICERS], [frame("7d", [0.8, 0.1, 0.2, 0.3], [50, 1, 2, 3])])
    made = overview(snapshot(block), BOOK, Area("sales", "Sales", ["approval_rate"]), ["24h", "7d"])
    assert rows(made) == [["Loan approval rate", "– ", "80.0 % ", "50", "70.0 % to 85.0 %"]]


def test_a_split_has_a_row_for_each_of_its_values() -> None:
    rule = next(rule for rule in BOOK.program.rules if rule.split == "currency" and "." in rule.id)
    block = Block(rule.id, [{"currency": "EUR"}, {"currency": "USD"}], [frame("7d", [1e6, 2e6], [5, 6])])
    made = overview(snapshot(block), BOOK, Area("x", "x", [rule.id]), ["7d"])
    assert [row[0] for row in rows(made)] == [
        f"  [EUR] {rule.wording}",
        f"  [USD] {rule.wording}",
    ]


def test_a_level_is_shown_once() -> None:
    rule = next(rule for rule in BOOK.program.rules if not rule.timed)
    groups = [{rule.split: "EUR"}] if rule.split else [{}]
    block = Block(rule.id, groups, [frame("now", [0.02], [500])])
    made = overview(snapshot(block), BOOK, Area("x", "x", [rule.id]), ["24h", "7d"])
    assert rows(made)[0][1:4] == ["", "now 2.0 % ", "500"]


def test_the_detail_has_medians_of_durations() -> None:
    block = Block("turnaround_time", [{}], [frame("30d", [36_000.0], [40])])
    made = detail(snapshot(block), BOOK, Area("x", "x", ["turnaround_time"]), "30d")
    assert rows(made)[0][1:5] == ["10.0 h ", "5.0 h", "", "40"]


def test_the_breakdown_begins_with_those_that_have_most_behind_them() -> None:
    block = Block("approval_rate", [{}, *OFFICERS], [frame("30d", [0.5, 0.1, 0.2, 0.3], [60, 10, 30, 20])])
    made = breakdown(snapshot(block), BOOK, "approval_rate", "officer", "30d", most=2)
    assert [row[0] for row in rows(made)] == ["O-2", "O-3", "and 1 more"]
    assert breakdown(snapshot(block), BOOK, "approval_rate", "branch", "30d", most=2) is None


def test_values_are_coloured_as_the_metrics_judge_them_and_faint_with_little_behind_them() -> None:
    officers = [{"officer": str(number)} for number in range(4)]
    block = Block("approval_rate", officers, [frame("30d", [0.8, 0.71, 0.5, 0.5], [53, 52, 51, 2])])
    made = breakdown(snapshot(block), BOOK, "approval_rate", "officer", "30d", most=9)
    assert made is not None
    assert list(made.columns[1].cells) == [
        "[green]80.0 % [/]",
        "[yellow]71.0 %![/]",
        "[red]50.0 %✗[/]",
        "[dim]50.0 %?[/]",
    ]


def test_a_target_for_one_window_judges_that_window_only() -> None:
    frames = [frame(window, [1.0], [1]) for window in ("7d", "30d")]
    made = overview(
        snapshot(Block("testimonials", [{}], frames)), BOOK, Area("x", "x", ["testimonials"]), ["7d", "30d"]
    )
    assert rows(made)[0][1:] == ["1 ", "1✗", "1", "≥ 5 in 30d"]


def test_programs_are_not_ranked_and_few_answers_about_people_are_kept_back() -> None:
    program = compile_program(None, None, "UTC")
    organisation = Organisation(system_users=frozenset({"O-1"}))
    book = Book(Program(program.rules, organisation), BOOK.areas)
    block = Block("collaboration_feedback", OFFICERS, [frame("30d", [4.5, 3.5, 2.5], [50, 5, 4])])
    made = breakdown(snapshot(block), book, "collaboration_feedback", "officer", "30d", most=9)
    assert rows(made) == [["O-2", "3.50?", "5"], ["O-3", "kept back ", "4"]]


def test_a_duration_is_compared_with_its_target_in_business_time() -> None:
    bounds = BOOK.bounds("turnaround_time", 0)
    assert bounds is not None
    assert bounds.at_most is not None
    seconds = bounds.at_most
    block = Block("turnaround_time", [{}], [frame("30d", [seconds + 1], [50])])
    made = detail(snapshot(block), BOOK, Area("x", "x", ["turnaround_time"]), "30d")
    assert str(next(iter(made.columns[1].cells))).startswith("[red]")


def test_every_rule_can_be_shown() -> None:
    for rule in BOOK.program.rules:
        assert "\n" not in target_text(rule, BOOK.program, 0)
        block = Block(rule.id, [{}], [frame("7d" if rule.timed else "now", [1.0], [50])])
        assert overview(snapshot(block), BOOK, Area("x", "x", [rule.id]), ["7d"]).row_count == 1


def test_cells_are_those_of_the_window_and_dimension() -> None:
    block = Block("x", [{}, *OFFICERS], [frame("7d", [1, 2, 3, 4], [1, 1, 1, 1]), frame("1h", [9], [1])])
    assert [cell.value for cell in cells(block, "7d", "officer")] == [2, 3, 4]
    assert [cell.value for cell in cells(block, "1h")] == [9]


def test_the_heading_says_how_much_and_up_to_when() -> None:
    text = heading(meta(), 1_001_000, stale_seconds=120).plain
    assert "12,345 events applied, 6 rejected" in text
    assert "complete through 1970-01-01 00:16:40Z" in text
    assert "old" not in text
    assert "lacks" not in text


def test_the_heading_says_what_is_wrong() -> None:
    ledgers = [
        LedgerStatus("loan-events", number, state, 1, None, {})
        for number, state in enumerate(["live", "torn"])
    ]
    worn = meta(ledgers=ledgers, incomplete=["loan-events/1 was cut off"], complete_through_ms=None)
    text = heading(worn, 9_000_000, stale_seconds=120).plain
    assert "1 of 2 partitions are not live: torn" in text
    assert "nothing computes it" in text
    assert "loan-events/1 was cut off" in text
    assert "complete through –" in text


def test_a_partition_that_is_behind_for_a_moment_is_no_news() -> None:
    moment, while_ = (
        [LedgerStatus("loan-events", 0, "catching up", 1, 1_000_000 - ms, {})] for ms in (900, 60_000)
    )
    assert "not live" not in heading(meta(ledgers=moment), 1_001_000, stale_seconds=120).plain
    assert (
        "1 of 1 partitions are not live: catching up"
        in heading(meta(ledgers=while_), 1_001_000, stale_seconds=120).plain
    )


def test_a_sub_measure_under_its_kpi_says_only_what_is_its_own() -> None:
    ids = ["approval_rate", "approval_rate.of_submitted"]
    block = Block(ids[1], [{}], [frame("7d", [0.6], [50])])
    for kpis, name in (
        (ids, "  of the applications submitted"),
        (ids[1:], "  Loan approval rate, of the applications submitted"),
    ):
        made = overview(snapshot(block), BOOK, Area("x", "x", kpis), ["7d"])
        assert rows(made)[0][0] == name


def test_a_goal_stands_where_there_is_no_target() -> None:
    assert target_text(BOOK.rules["repeat_clients"], BOOK.program, 0) == "goal by 2026-12-31"


def test_the_heading_says_when_the_workers_are_behind() -> None:
    late = meta(as_of_ms=9_000_000, computed_at_ms=9_000_000)
    assert "the board lacks the last 2.2 h" in heading(late, 9_000_000, stale_seconds=120).plain


def many(*heights: int) -> list[Table]:
    """Tables of so many rows."""
    made = [table("x") for _ in heights]
    for one, height in zip(made, heights, strict=True):
        for _ in range(height):
            one.add_row("")
    return made


def test_tables_that_do_not_fit_take_turns() -> None:
    tables = many(10, 10, 10, 40)
    shown = [page_at(tables, 25, second * PAGE_SECONDS) for second in range(4)]
    assert [page.tables for page in shown] == [tables[:2], tables[2:3], tables[3:], tables[:2]]
    assert {page.pages for page in shown} == {3}


@pytest.mark.parametrize("width", [80, 95, 110, 160])
def test_a_narrow_terminal_cuts_names_short_and_no_figure(width: int) -> None:
    block = Block("turnaround_time", [{}], [frame(window, [36_000.0], [1_234]) for window in OVERVIEW])
    made = overview(snapshot(block), BOOK, BOOK.areas[0], overview_windows(width))
    printed = StringIO()
    Console(width=width, file=printed).print(laid_out(Text("heading"), [made], width))
    [line] = [line for line in printed.getvalue().splitlines() if "Turnaround" in line]
    assert line.rstrip().endswith(" 1,234  90 % ≤ 40 working h")
    assert line.count("10.0 h") == len(overview_windows(width))
    assert ("…" in line) == (width < 160)


def test_tables_that_fit_are_one_page() -> None:
    assert page_at(many(5, 5), 40, 77).pages == 1
