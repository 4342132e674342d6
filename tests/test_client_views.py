"""Measures that look across the cases of one client: what each case shows, and how it moves when a case changes."""

from typing import Any

import pytest

from kpi_rules.organisation import Organisation
from schemas.registry import EVENT_TYPES
from streams.calculus.case import case_id
from streams.calculus.client import DEFAULT_CODE, MOST_VIEWS, View
from streams.calculus.difference import Difference
from streams.calculus.fold import Change
from streams.calculus.panes import Deltas, Groups
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from tests.engine import MemoryLedger, cases_of, event_of, program_of, rules_of
from tests.oracle.script import ms, said
from tests.oracle.speaker import Event

PROGRAM = program_of("UTC", {})
GRID = Grid.live(PROGRAM.zone)
FUNDED = EVENT_TYPES["loan.funded"].code
INDEX = {measure.rule.id: measure.index for measure in PROGRAM.measures if measure.part == "flow"}

Seen = tuple[str, str, int, int]
"""Day, officer, a, b."""


def ledger_of(*batches: list[Event]) -> MemoryLedger:
    ledger = MemoryLedger(PROGRAM, GRID)
    for batch in batches:
        ledger.apply(batch)
    return ledger


def seen(ledger: MemoryLedger, kpi: str) -> list[Seen]:
    """The days' sums of a KPI by officer, each day written as `2026-03-01`."""
    found = []
    for pane, cells in ledger.cells().items():
        for (measure, group, _), (_, a, b) in cells.items():
            if pane.startswith("d") and measure == INDEX[kpi]:
                day = next(d for d in DAYS if f"d{ms(d)}" == pane)
                found.append((day, group.split("\x1f")[0], a, b))
    return sorted(found)


DAYS = [f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]


def funded(loan: str, day: str, officer: str = "ann", **data: Any) -> Event:
    return said("loan.funded", loan, day, officer_id=officer, **data)


def report(loan: str, day: str, days_past_due: int) -> Event:
    return said("loan.status_reported", loan, day, days_past_due=days_past_due)


def paid(loan: str, day: str, **data: Any) -> Event:
    return said("loan.paid_off", loan, day, **data)


def in_every_order(*events: Event) -> MemoryLedger:
    """A ledger, the same whether the events come one by one, from the last to the first or at once."""
    ledgers = [
        ledger_of(*([event] for event in events)),
        ledger_of(*([event] for event in events[::-1])),
        ledger_of(list(events)),
    ]
    assert ledgers[0].cells() == ledgers[1].cells() == ledgers[2].cells()
    assert ledgers[0].state() == ledgers[1].state() == ledgers[2].state()
    return ledgers[0]


def test_a_repeat_client_is_counted_once_at_its_latest_funding() -> None:
    first, second = funded("L1", "2026-01-01"), funded("L2", "2026-02-01", "ben")
    third = funded("L3", "2026-03-01", "cid")
    assert seen(in_every_order(first), "repeat_clients") == []
    assert seen(in_every_order(first, second), "repeat_clients") == [("2026-02-01", "ben", 1, 0)]
    assert seen(in_every_order(first, second, third), "repeat_clients") == [("2026-03-01", "cid", 1, 0)]


def test_an_earlier_loan_that_becomes_known_later_makes_a_client_a_repeat_client() -> None:
    ledger = ledger_of([funded("L2", "2026-02-01", "ben")])
    assert seen(ledger, "repeat_clients") == []
    ledger.apply([funded("L1", "2026-01-01")])
    assert seen(ledger, "repeat_clients") == [("2026-02-01", "ben", 1, 0)]


def test_a_client_is_shown_only_what_it_was_not_shown_before() -> None:
    known = [funded("L1", "2026-01-01")]
    assert {code for code, _, view in shown_after([], known) if view is not None} == {FUNDED}
    assert shown_after(known, [report("L1", "2026-02-01", 5)]) == []
    ((code, subject, view),) = shown_after(known, [report("L1", "2026-05-01", 95)])
    assert (code, subject) == (DEFAULT_CODE, "L1")
    assert view is not None
    assert view.said.at == ms("2026-05-01")


def shown_after(known: list[Event], news: list[Event]) -> list[tuple[int, str, View | None]]:
    """What the case of `known` shows its client when the news come."""
    before = cases_of(known)
    ((name, after),) = cases_of([*known, *news]).items()
    types = frozenset(event_of(raw).type.code for raw in news)
    change = Change(case_id(*name), name, before.get(name), after, types)
    shown = Difference(PROGRAM, Deltas(GRID, Groups())).of_cases([change])
    return shown.get(name[1], [])


def test_a_rescinded_funding_is_taken_back_from_its_client() -> None:
    second = funded("L2", "2026-02-01", "ben")
    ledger = ledger_of([funded("L1", "2026-01-01"), second], [second | {"revision": 1, "retracted": True}])
    assert seen(ledger, "repeat_clients") == []
    assert seen(ledger, "average_loan_amount") == [("2026-01-01", "ann", 100, 1)]
    ledger.apply([second | {"revision": 2}])
    assert seen(ledger, "repeat_clients") == [("2026-02-01", "ben", 1, 0)]


def test_two_clients_loans_of_one_id_are_two_loans() -> None:
    ledger = in_every_order(funded("L", "2026-01-01", key="c"), funded("L", "2026-02-01", key="d"))
    assert seen(ledger, "repeat_clients") == []
    assert len(ledger.clients) == 2


def test_a_reassignment_before_the_funding_moves_the_client() -> None:
    """The funding names nobody, so its officer is the last one assigned by then."""
    nobody = said("loan.funded", "L2", "2026-02-10", amount_minor=300)
    assigned = said("application.assigned", "L2", "2026-02-09", officer_id="cid")
    ledger = ledger_of([funded("L1", "2026-02-01"), nobody])
    assert seen(ledger, "average_loan_amount") == [
        ("2026-02-01", "unassigned", 100, 0),
        ("2026-02-10", "unassigned", 300, 1),
    ]
    ledger.apply([assigned])
    assert seen(ledger, "average_loan_amount") == [
        ("2026-02-01", "cid", 100, 0),
        ("2026-02-10", "cid", 300, 1),
    ]
    assert seen(ledger, "repeat_clients") == [("2026-02-10", "cid", 1, 0)]


def test_fundings_of_one_instant_and_id_are_told_apart_by_their_loan() -> None:
    """The last one's officer has the client, in whatever order they come."""
    loans = [funded(loan, "2026-01-01", officer, id="x") for loan, officer in (("L2", "ben"), ("L1", "ann"))]
    assert seen(in_every_order(*loans), "repeat_clients") == [("2026-01-01", "ben", 1, 0)]


def test_each_currency_has_clients_of_its_own() -> None:
    ledger = in_every_order(
        funded("L1", "2026-01-01", "ann"), funded("L2", "2026-02-01", "ben", currency="USD", amount_minor=7)
    )
    assert seen(ledger, "average_loan_amount") == [("2026-01-01", "ann", 100, 1), ("2026-02-01", "ben", 7, 1)]


LEAD = said("lead.created", "A", "2026-01-01", officer_id="ann")


def test_a_lead_is_won_by_the_first_loan_that_names_it_in_any_case_of_the_client() -> None:
    other = funded("L1", "2026-01-05", lead_id="B")
    later, first = funded("L2", "2026-01-20", lead_id="A"), funded("L3", "2026-01-10", "ben", lead_id="A")
    assert seen(in_every_order(LEAD, other), "lead_conversion") == [("2026-03-02", "ann", 0, 1)]
    assert seen(in_every_order(LEAD, other, later), "lead_conversion") == [("2026-01-20", "ann", 1, 1)]
    assert seen(in_every_order(LEAD, other, later, first), "lead_conversion") == [("2026-01-10", "ann", 1, 1)]
    assert seen(
        in_every_order(LEAD, funded("L9", "2026-01-05", key="d", lead_id="A")), "lead_conversion"
    ) == [("2026-03-02", "ann", 0, 1)]


def test_a_funding_stamped_before_its_lead_wins_it_at_the_lead_s_time() -> None:
    assert seen(in_every_order(LEAD, funded("L", "2025-12-01", lead_id="A")), "lead_conversion") == [
        ("2026-01-01", "ann", 1, 1)
    ]


def offer(name: str, day: str, **data: Any) -> Event:
    return said("product.offered", name, day, **{"officer_id": "ann", "product": "car", **data})


def test_later_offers_of_a_product_are_the_same_chance() -> None:
    first, again = offer("O1", "2026-01-01"), offer("O2", "2026-01-20", officer_id="ben")
    other = offer("O3", "2026-01-05", product="home")
    assert seen(in_every_order(first, again, other), "new_product_adoption") == [
        ("2026-04-01", "ann", 0, 1),
        ("2026-04-05", "ann", 0, 1),
    ]
    gone = again | {"data": again["data"] | {"new_product": False}, "revision": 1}
    assert seen(
        in_every_order(first | {"revision": 1, "retracted": True}, again), "new_product_adoption"
    ) == [("2026-04-20", "ben", 0, 1)]
    assert seen(in_every_order(again, gone), "new_product_adoption") == []


@pytest.mark.parametrize(
    ("day", "product", "won"),
    [
        ("2026-01-01", "car", True),
        ("2025-12-31 23:59:59.999", "car", False),
        ("2026-04-01", "car", True),
        ("2026-04-01 00:00:00.001", "car", False),
        ("2026-02-01", "home", False),
    ],
)
def test_a_product_is_taken_up_at_or_after_its_offer_and_within_its_days(
    day: str, product: str, won: bool
) -> None:
    ledger = in_every_order(offer("O", "2026-01-01"), funded("L", day, product=product))
    (found,) = seen(ledger, "new_product_adoption")
    assert found[2:] == (int(won), 1)


@pytest.mark.parametrize(
    ("others", "day", "won"),
    [
        ((), "2026-05-02", 0),
        ((funded("L2", "2026-02-01"),), "2026-02-01", 1),
        ((funded("L2", "2026-05-02"),), "2026-05-02", 1),
        ((funded("L2", "2026-05-02 00:00:00.001"),), "2026-05-02", 0),
        ((funded("L2", "2026-01-15"),), "2026-02-01", 1),
        ((funded("L2", "2026-02-01 00:00:00.001"),), "2026-02-01", 1),
        ((funded("L2", "2026-01-15"), paid("L2", "2026-01-31", retracted=True)), "2026-02-01", 1),
        ((funded("L2", "2026-01-15"), paid("L2", "2026-02-01 00:00:00.001")), "2026-02-01", 1),
    ],
)
def test_a_client_who_paid_off_stays_with_another_loan_open_or_a_new_one_within_its_days(
    others: tuple[Event, ...], day: str, won: int
) -> None:
    ledger = in_every_order(funded("L1", "2026-01-01"), paid("L1", "2026-02-01", officer_id="ann"), *others)
    assert (day, "ann", won, 1) in seen(ledger, "customer_retention")


@pytest.mark.parametrize(
    "over",
    [
        paid("L2", "2026-02-01"),
        paid("L2", "2026-01-20"),
        said("loan.defaulted", "L2", "2026-02-01"),
        said("loan.status_reported", "L2", "2026-01-20", days_past_due=91),
    ],
)
def test_another_loan_that_is_over_by_then_does_not_keep_the_client(over: Event) -> None:
    """Not even one that is funded in that very instant."""
    for day in ("2026-01-15", "2026-02-01"):
        events = [
            funded("L1", "2026-01-01"),
            paid("L1", "2026-02-01", officer_id="ben"),
            funded("L2", day),
            over,
        ]
        assert ("2026-05-02", "ben", 0, 1) in seen(in_every_order(*events), "customer_retention")


def test_a_loan_s_own_funding_does_not_keep_its_client() -> None:
    events = [funded("L1", "2026-02-01"), paid("L1", "2026-02-01", officer_id="ben")]
    assert seen(in_every_order(*events), "customer_retention") == [("2026-05-02", "ben", 0, 1)]


def test_a_payoff_belongs_to_whom_it_names_or_the_loan_to_at_that_time() -> None:
    assigned = said("application.assigned", "L1", "2026-01-20", officer_id="cid")
    events = [funded("L1", "2026-01-01"), paid("L1", "2026-02-01"), assigned]
    assert seen(in_every_order(*events), "customer_retention") == [("2026-05-02", "cid", 0, 1)]


def test_a_default_is_shown_by_its_time_alone() -> None:
    ledger = in_every_order(funded("L", "2026-01-01"), said("loan.defaulted", "L", "2026-02-01", id="x"))
    (views,) = ledger.state()[1].values()
    shown = views[DEFAULT_CODE]["L"].said
    assert (shown.at, shown.source, shown.id, shown.values) == (ms("2026-02-01"), "", "", ())


def test_a_client_of_more_views_than_a_real_one_has_is_no_longer_observed_until_it_has_fewer() -> None:
    """Neither for what it has too many of nor for what did not change."""
    rules = rules_of("{kind: distinct, anchor: loan.funded}", "{kind: distinct, anchor: lead.created}")
    ledger = MemoryLedger(Program(rules, Organisation()), GRID)
    back = {"revision": 1, "retracted": True}

    def counted() -> list[int]:
        """How many clients have a loan, and a lead."""
        found = [key[0] for pane, cells in ledger.cells().items() if pane.startswith("d") for key in cells]
        return [found.count(0), found.count(1)]

    ledger.apply([LEAD, *(funded(f"L{n}", "2026-01-01") for n in range(MOST_VIEWS - 1))])
    assert counted() == [1, 1]
    more, another = funded("M", "2026-01-02"), funded("N", "2026-01-02")
    for event in (more, another, more | back):
        ledger.apply([event])
        assert counted() == [0, 0]
    ledger.apply([another | back])
    assert counted() == [1, 1]
