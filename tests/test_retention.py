"""A case is forgotten when it is over, and never while a number may still hang on it."""

import random

import pytest

from schemas.registry import EVENT_TYPES, EventType
from streams.calculus.case import decode_case, parse_case_id
from streams.calculus.fold import Fate
from streams.calculus.retention import forgettable
from streams.calculus.windows import DAY_MS, LONGEST_MS, Grid
from tests.engine import MemoryLedger, board_rows, cases_of, program_of, program_of_recount
from tests.nasty_boards import assert_equal
from tests.oracle import streams as nasty
from tests.oracle.facts import time_ms
from tests.oracle.recount import recount
from tests.oracle.script import ms, said
from tests.oracle.speaker import Event
from tests.schemas_events import event_of

HORIZON = ms("2026-03-01")
OLD = "2026-02-28 23:59:59.999"


def may_go(*events: Event) -> bool:
    (((kind, _, _), case),) = cases_of(events).items()
    return forgettable(kind, case, HORIZON)


def old(name: str, **data: str | int) -> Event:
    event = said(name, "X", OLD)
    return event | {"data": event["data"] | data}


DECIDED = (old("application.submitted"), old("application.decided"))
PAID = old("loan.paid_off")


@pytest.mark.parametrize(
    "events",
    [
        DECIDED,
        (old("application.submitted"), old("application.decided", outcome="withdrawn")),
        (old("documents.requested", request_id="r"), old("application.decided")),
        (old("application.error_found", error_id="e"),),
        (old("lead.created"),),
        (old("product.offered"),),
        (old("query.received"), old("query.answered")),
        (old("query.answered"),),
        (old("complaint.opened"), old("complaint.resolved")),
        (old("satisfaction.rated", score=3),),
        (old("training.assigned", officer_id="ann", due_at="2026-02-28T00:00:00Z"),),
        (old("recommendation.made", officer_id="ann"),),
        (old("team_request.received", officer_id="ann"), old("team_request.answered", officer_id="ann")),
    ],
)
def test_a_case_that_is_over_may_be_forgotten(events: tuple[Event, ...]) -> None:
    assert may_go(*events)


@pytest.mark.parametrize(
    "events",
    [
        (old("application.submitted"),),
        (old("application.submitted"), old("application.error_found", error_id="e")),
        (old("query.received"),),
        (old("complaint.opened"),),
        (old("team_request.received", officer_id="ann"),),
        (old("complaint.opened"), old("complaint.resolved") | {"revision": 1, "retracted": True}),
        (old("complaint.opened"), old("complaint.resolved"), old("complaint.reopened")),
    ],
)
def test_a_case_that_is_still_open_is_kept_however_old_it_is(events: tuple[Event, ...]) -> None:
    assert not may_go(*events)


@pytest.mark.parametrize(
    "event",
    [
        old("loan.funded"),
        old("loan.status_reported"),
        old("loan.defaulted"),
        PAID,
        old("loan.funded") | {"revision": 1, "retracted": True},
    ],
)
def test_a_loan_that_was_on_the_book_is_kept_for_ever(event: Event) -> None:
    assert not may_go(*DECIDED, event)
    assert not may_go(event)


@pytest.mark.parametrize("name", ["application.assigned", "compliance.checked", "application.decided"])
def test_one_fact_at_the_horizon_keeps_the_whole_case(name: str) -> None:
    own = {"check_id": "k", "passed": True} if name == "compliance.checked" else {}
    young = said(name, "X", "2026-03-01") | {"id": "young"}
    assert not may_go(*DECIDED, young | {"data": young["data"] | own})
    assert not may_go(*DECIDED, young | {"data": young["data"] | own, "revision": 1, "retracted": True})


@pytest.mark.parametrize("name", ["training.assigned", "regulation.issued"])
def test_a_due_date_to_come_keeps_a_case(name: str) -> None:
    assert not may_go(old(name, officer_id="ann", due_at="2026-03-01T00:00:00Z"))
    assert not may_go(old(name, officer_id="ann", due_at="2026-03-01T01:00:00+01:00"))
    assert may_go(old(name, officer_id="ann", due_at="2026-02-28T23:59:59.999Z"))


def test_an_event_before_the_horizon_begins_no_case_but_joins_one_that_is_known() -> None:
    program = program_of("UTC", {})
    ledger = MemoryLedger(program, Grid.live(program.zone))
    late, young = said("report.published", "R", OLD), said("report.corrected", "R", "2026-03-01")
    ledger.apply([late], oldest=HORIZON)
    assert (ledger.fates, ledger.cases, ledger.cells()) == ({Fate.EXPIRED: 1}, {}, {})
    ledger.apply([young, late], oldest=HORIZON)
    assert ledger.fates == {Fate.EXPIRED: 1, Fate.APPLIED: 2}
    ledger.apply([said("report.published", "R", OLD, id="again")], oldest=HORIZON)
    assert ledger.fates[Fate.APPLIED] == 3
    in_turn = MemoryLedger(program, Grid.live(program.zone))
    in_turn.apply([young], oldest=HORIZON)
    in_turn.apply([late], oldest=HORIZON)
    assert in_turn.cells() == ledger.cells()


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=lambda kind: kind.name)
def test_an_old_fact_that_may_keep_its_case_is_never_too_old_nor_is_what_may_come_with_it(
    kind: EventType,
) -> None:
    program = program_of("UTC", {})
    ledger = MemoryLedger(program, Grid.live(program.zone))
    event = event_of(kind.name, full=False) | {"time": "2026-02-28T23:59:59.999Z"}
    ledger.apply([event], oldest=HORIZON)
    kept = {"loan", "query", "complaint", "team_request", "training", "regulation"}
    assert ledger.fates == {Fate.APPLIED if kind.kind in kept else Fate.EXPIRED: 1}
    assert may_go(event) or kind.kind in kept


BOOK = (
    said("loan.funded", "L", "2022-01-05", officer_id="ann", amount_minor=100_000),
    said("loan.status_reported", "L", "2025-05-05", outstanding_minor=90_000, days_past_due=40),
    said("loan.funded", "M", "2021-01-05", officer_id="ann", amount_minor=50_000),
    said("loan.paid_off", "M", "2022-01-04"),
    said("application.submitted", "L", "2021-12-01", officer_id="ann", branch_id="b"),
    said("application.decided", "L", "2021-12-20", grade="B", default_probability_bp=200),
    said("query.received", "Q", "2021-12-20"),
    said("query.answered", "Q", "2021-12-21"),
    said("training.assigned", "T", "2021-12-20", key="ann", due_at="2026-03-20T00:00:00Z", regulatory=True),
    said("training.completed", "T", "2021-12-21", key="ann"),
    said("loan.funded", "N", "2026-03-05", officer_id="ben", amount_minor=70_000),
)
"""A book of years ago, of a client who comes again after the horizon."""


@pytest.mark.parametrize("seed", range(20))
def test_a_book_from_before_the_horizon_gives_the_recount_in_whatever_order_it_comes(seed: int) -> None:
    program, as_of = program_of("UTC", {}), ms("2026-03-31")
    ledger = MemoryLedger(program, Grid.as_of(as_of, program.zone))
    arrival = list(BOOK)
    random.Random(seed).shuffle(arrival)
    for event in arrival:
        ledger.apply([event], oldest=HORIZON)
    assert ledger.fates == {Fate.APPLIED: len(BOOK)}
    wanted = recount(arrival, as_of)
    assert_equal(board_rows([ledger], as_of), wanted)
    found = {
        (row["kpi"], row["window"]): row["n"] for row in wanted if row["group"] in ({}, {"currency": "EUR"})
    }
    assert found["portfolio_at_risk", "now"] == 2
    assert found["repeat_clients", "30d"] == 1


@pytest.mark.parametrize("seed", range(10))
def test_years_of_nasty_loans_and_questions_give_the_recount_though_most_of_them_is_old(seed: int) -> None:
    """Cases that are over are forgotten in between, as upkeep does it: once all of them are there."""
    start, end = ms("2023-01-01"), ms("2026-02-20")
    kinds = ("loan", "loan", "query", "complaint")
    events = nasty.generate(seed, 150, kinds=kinds, start=start, end=end, nastiness=1.0)
    chosen = nasty.settings(seed)
    program = program_of_recount(chosen)
    horizon = end - 2 * LONGEST_MS - 40 * DAY_MS
    ledger = MemoryLedger(program, Grid.as_of(end, program.zone))
    arrival = [event for event in events if time_ms(event["time"]) <= end]
    random.Random(seed).shuffle(arrival)
    ledger.apply(arrival, oldest=horizon)
    assert not ledger.fates[Fate.EXPIRED]
    for identity, blob in list(ledger.cases.items()):
        if forgettable(parse_case_id(identity)[0], decode_case(blob), horizon):
            del ledger.cases[identity]
    ledger.apply(arrival[: len(arrival) // 2], oldest=horizon)
    assert_equal(board_rows([ledger], end), recount(arrival, end, **chosen))


def test_every_event_has_one_fate() -> None:
    program = program_of("UTC", {})
    ledger = MemoryLedger(program, Grid.live(program.zone))
    told = said("query.received", "Q", "2026-03-02")
    later = said("query.received", "Q", "2026-03-03")
    ledger.apply([told, told, later])
    ledger.apply([told, later, later | {"revision": 1}, later | {"revision": 1}])
    assert ledger.fates == {Fate.APPLIED: 4, Fate.DUPLICATE: 3}
