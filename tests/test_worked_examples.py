"""The catalogue's eight worked examples, by number: through the engine and through the independent recount."""

from collections.abc import Callable

import pytest

from streams.calculus.windows import Grid
from tests.engine import MemoryLedger, board_rows, program_of_recount
from tests.oracle.facts import time_ms
from tests.oracle.recount import recount
from tests.oracle.script import ms, parts, row, said
from tests.oracle.speaker import Event
from tests.oracle.tally import Row
from tests.oracle.windows import HOUR_MS

Board = Callable[..., list[Row]]
"""Rows at a UTC time, of the events until then; `targets` are the organisation's own, in ms."""


def counted(events: list[Event], as_of: str, **targets: int) -> list[Row]:
    return recount(events, ms(as_of), targets=targets)


def in_one_batch(events: list[Event], as_of: str, **targets: int) -> list[Row]:
    return _streamed([events], as_of, targets)


def one_by_one(events: list[Event], as_of: str, **targets: int) -> list[Row]:
    """As they are told: what was counted of the first ones is taken back by the later ones."""
    return _streamed([[event] for event in events], as_of, targets)


def one_by_one_from_the_last(events: list[Event], as_of: str, **targets: int) -> list[Row]:
    return _streamed([[event] for event in events[::-1]], as_of, targets)


def _streamed(batches: list[list[Event]], as_of: str, targets: dict[str, int]) -> list[Row]:
    program, until = program_of_recount({"targets": targets}), ms(as_of)
    ledger = MemoryLedger(program, Grid.as_of(until, program.zone))
    for batch in batches:
        ledger.apply([event for event in batch if time_ms(event["time"]) <= until])
    return board_rows([ledger], until)


WAYS = [counted, in_one_batch, one_by_one, one_by_one_from_the_last]


@pytest.fixture(params=WAYS, ids=[way.__name__ for way in WAYS])
def board(request: pytest.FixtureRequest) -> Board:
    way: Board = request.param
    return way


FILE = [
    said("application.submitted", "L", "2026-01-05 10:00"),
    said("application.decided", "L", "2026-01-07 12:00"),
]
OWED = [
    said("documents.requested", "L", "2026-01-05 16:00", request_id="r1"),
    said("documents.received", "L", "2026-01-06 11:00", request_id="r1"),
]
HELD = [
    said("application.held", "L", "2026-01-06 10:00", hold_id="h1"),
    said("application.resumed", "L", "2026-01-06 13:00", hold_id="h1"),
]
NEVER_MET = [said("documents.requested", "L", "2026-01-07 11:00", request_id="r2")]


@pytest.mark.parametrize(
    ("pauses", "hours"),
    [([], 7 + 8 + 3), ([*OWED, *HELD], 18 - (1 + 4)), (NEVER_MET, 18 - 1), ([*OWED, *HELD, *NEVER_MET], 12)],
    ids=["open", "owed and held together", "never met", "all of it"],
)
def test_example_1_turnaround_stops_while_documents_are_owed_and_while_held(
    board: Board, pauses: list[Event], hours: int
) -> None:
    found = row(board([*FILE, *pauses], "2026-01-08"), "turnaround_time", "7d")
    assert (found["sum"], found["n"], found["numerator"], found["denominator"]) == (hours * HOUR_MS, 1, 1, 1)
    for name, scale in (("p50", HOUR_MS), ("p90", HOUR_MS), ("p95", HOUR_MS), ("value", 3600)):
        assert found[name] == pytest.approx(hours * scale, rel=0.011)


@pytest.mark.parametrize(("clock", "within"), [("09:30", 1), ("09:30:00.001", 0)])
def test_example_1_a_target_of_an_hour_from_friday_1630_is_due_on_monday_0930(
    board: Board, clock: str, within: int
) -> None:
    events = [
        said("query.received", "Q", "2026-01-02 16:30"),
        said("query.answered", "Q", f"2026-01-05 {clock}"),
    ]
    found = row(board(events, "2026-01-08", response_time=HOUR_MS), "response_time", "7d")
    assert (found["numerator"], found["denominator"]) == (within, 1)
    assert found["sum"] == HOUR_MS + 1 - within


def test_example_2_a_reopened_complaint_was_not_resolved_and_its_clock_never_stopped(board: Board) -> None:
    events = [
        said("complaint.opened", "C", "2026-01-05 09:00"),
        said("complaint.resolved", "C", "2026-01-05 11:00"),
        said("complaint.reopened", "C", "2026-01-06 09:00"),
        said("complaint.resolved", "C", "2026-01-06 10:00"),
    ]

    def resolution(as_of: str, window: str) -> tuple[int, int]:
        found = row(board(events, as_of), "complaint_resolution_time", window)
        return found["n"], found["sum"]

    assert resolution("2026-01-05 12:00", "7d") == (1, 2 * HOUR_MS)
    assert resolution("2026-01-06 09:00", "7d") == (0, 0)
    assert resolution("2026-01-06 10:00", "7d") == (1, 9 * HOUR_MS)
    assert resolution("2026-01-06 10:00", "today") == (1, 9 * HOUR_MS)
    assert resolution("2026-01-06 10:00", "1h") == (1, 9 * HOUR_MS)


LEAD = said("lead.created", "A", "2026-01-01 12:00", officer_id="ann")


def conversion(
    board: Board, events: list[Event], as_of: str, window: str, **group: str
) -> tuple[int, int | None]:
    return parts(board(events, as_of), "lead_conversion", window, **group)


def test_example_3_a_lead_is_lost_at_its_deadline_and_not_before(board: Board) -> None:
    assert conversion(board, [LEAD], "2026-03-02 11:59:59.999", "90d") == (0, 0)
    assert conversion(board, [LEAD], "2026-03-02 12:00", "90d") == (0, 1)
    assert conversion(board, [LEAD], "2026-03-02 12:00", "1h") == (0, 1)


def test_example_3_a_funding_that_arrives_late_but_happened_in_time_takes_the_loss_back(board: Board) -> None:
    funded = said("loan.funded", "L", "2026-01-20", lead_id="A", officer_id="ben")
    assert conversion(board, [LEAD], "2026-03-10", "90d") == (0, 1)
    assert conversion(board, [LEAD, funded], "2026-03-10", "90d") == (1, 1)
    assert conversion(board, [LEAD, funded], "2026-03-10", "30d") == (0, 0)
    assert conversion(board, [LEAD, funded], "2026-01-20", "1h") == (1, 1)
    rows = board([LEAD, funded], "2026-03-10")
    assert parts(rows, "lead_conversion", "90d", officer="ann") == (1, 1)
    assert officers_of(rows, "lead_conversion", "90d") == {"ann"}


@pytest.mark.parametrize(("clock", "expected"), [("12:00", (1, 1)), ("12:00:00.001", (0, 1))])
def test_example_3_the_last_millisecond_is_in_time(
    board: Board, clock: str, expected: tuple[int, int]
) -> None:
    funded = said("loan.funded", "L", f"2026-03-02 {clock}", lead_id="A")
    assert conversion(board, [LEAD, funded], "2026-03-10", "90d") == expected
    assert conversion(board, [LEAD, funded], "2026-03-02 12:00", "1h") == expected


def officers_of(rows: list[Row], kpi: str, window: str) -> set[str]:
    """Whoever has some of a KPI in a window."""
    found = [r for r in rows if (r["kpi"], r["window"]) == (kpi, window) and r["n"]]
    return {r["group"]["officer"] for r in found if "officer" in r["group"]}


def test_example_4_a_repeat_client_is_with_the_officer_of_the_latest_repeat(board: Board) -> None:
    events = [
        said("loan.funded", "L1", "2025-01-01", officer_id="cid"),
        said("loan.funded", "L2", "2025-09-01", officer_id="ann"),
        said("loan.funded", "L3", "2026-03-01", officer_id="ben"),
    ]
    rows = board(events, "2026-03-31")
    assert row(rows, "repeat_clients", "180d")["value"] == 1
    assert row(rows, "repeat_clients", "180d", officer="ben")["n"] == 1
    assert officers_of(rows, "repeat_clients", "180d") == {"ben"}
    earlier = board(events, "2025-12-31")
    assert row(earlier, "repeat_clients", "180d")["value"] == 1
    assert officers_of(earlier, "repeat_clients", "180d") == {"ann"}


def test_example_5_a_client_moves_with_all_its_amounts_to_its_latest_officer(board: Board) -> None:
    events = [
        said("loan.funded", "L1", "2026-03-01", key="c", officer_id="ann", amount_minor=100),
        said("loan.funded", "L2", "2026-03-02", key="c", officer_id="ben", amount_minor=300),
        said("loan.funded", "L3", "2026-03-01", key="d", officer_id="ann", amount_minor=500),
    ]
    rows = board(events, "2026-03-31")
    whole = row(rows, "average_loan_amount", "90d", currency="EUR")
    assert (whole["numerator"], whole["denominator"], whole["value"]) == (900, 2, 450)
    assert parts(rows, "average_loan_amount", "90d", officer="ben", currency="EUR") == (400, 1)
    assert parts(rows, "average_loan_amount", "90d", officer="ann", currency="EUR") == (500, 1)
    assert officers_of(rows, "average_loan_amount", "90d") == {"ann", "ben"}


def test_example_6_default_rate_and_portfolio_at_risk(board: Board) -> None:
    events = [
        *(said("loan.funded", loan, "2026-01-01", amount_minor=9_999) for loan in "abcde"),
        said("loan.status_reported", "a", "2026-03-30", outstanding_minor=1000),
        said("loan.status_reported", "b", "2026-03-30", outstanding_minor=500, days_past_due=40),
        said("loan.status_reported", "c", "2026-03-10", outstanding_minor=200, days_past_due=91),
        said("loan.paid_off", "d", "2026-03-01"),
        said("loan.defaulted", "e", "2026-03-20", outstanding_minor=300),
        said("loan.status_reported", "e", "2026-03-25", outstanding_minor=0),
    ]
    rows = board(events, "2026-03-31")
    assert parts(rows, "default_rate", "30d") == (2, 4)
    assert parts(rows, "default_rate", "7d") == (0, 2)
    assert parts(board(events, "2026-03-20"), "default_rate", "1h")[0] == 1
    assert parts(rows, "default_rate.by_balance", "30d", currency="EUR") == (500, 2000)
    assert parts(rows, "portfolio_at_risk", "now", currency="EUR") == (700, 1700)
    assert parts(rows, "portfolio_at_risk.par60", "now", currency="EUR") == (200, 1700)
    assert parts(rows, "portfolio_at_risk.par90", "now", currency="EUR") == (200, 1700)


def test_example_7_grades_and_brier(board: Board) -> None:
    events = [
        said("application.decided", "a", "2026-01-01", grade="B", default_probability_bp=1000),
        said("loan.paid_off", "a", "2026-03-01"),
        said("application.decided", "b", "2026-01-01", grade="E", default_probability_bp=8000),
        said("loan.defaulted", "b", "2026-03-01"),
        said("application.decided", "c", "2026-01-01", grade="A"),
        said("loan.defaulted", "c", "2026-03-01"),
    ]
    rows = board(events, "2026-03-31")
    assert parts(rows, "risk_assessment_accuracy", "90d") == (2, 3)
    brier = row(rows, "risk_assessment_accuracy.brier", "90d")
    assert (brier["numerator"], brier["denominator"], brier["value"]) == (5_000_000, 200_000_000, 0.025)


def test_example_8_a_client_paid_off_is_lost_after_ninety_days_unless_funded_by_then(board: Board) -> None:
    events = [said("loan.funded", "L1", "2025-06-01"), said("loan.paid_off", "L1", "2026-01-01")]
    again = said("loan.funded", "L2", "2026-04-01")

    def retention(events: list[Event], as_of: str) -> tuple[int, int | None]:
        return parts(board(events, as_of), "customer_retention", "90d")

    assert retention(events, "2026-03-31 23:59:59.999") == (0, 0)
    assert retention(events, "2026-04-01") == (0, 1)
    assert parts(board(events, "2026-04-01"), "customer_retention", "1h") == (0, 1)
    assert retention([*events, again], "2026-04-01") == (1, 1)


def test_example_8_two_loans_paid_off_in_one_instant_do_not_keep_each_other(board: Board) -> None:
    events = [
        event
        for loan in ("L1", "L2")
        for event in (said("loan.funded", loan, "2025-06-01"), said("loan.paid_off", loan, "2026-01-01"))
    ]
    assert parts(board(events, "2026-04-01"), "customer_retention", "7d") == (0, 2)
