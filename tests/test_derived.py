"""The facts that several KPIs share: in default, matured, on the book, closed; at one instant and one ms beside it."""

import pytest

from schemas.event import Statement
from streams.calculus.case import Case
from streams.calculus.derived import complaint_closed, loan_book, loan_default, loan_matured
from tests.engine import cases_of
from tests.oracle.script import ms, said
from tests.oracle.speaker import Event

BACK = {"revision": 1, "retracted": True}
DAY = "2026-03-10"
JUST_BEFORE, JUST_AFTER = "2026-03-09 23:59:59.999", "2026-03-10 00:00:00.001"


def report(time: str = DAY, days: int = 91, balance: int = 70, currency: str = "EUR") -> Event:
    return said(
        "loan.status_reported", "L", time, days_past_due=days, outstanding_minor=balance, currency=currency
    )


def told(time: str = DAY, balance: int = 50, currency: str = "USD") -> Event:
    return said("loan.defaulted", "L", time, outstanding_minor=balance, currency=currency)


def paid(time: str) -> Event:
    return said("loan.paid_off", "L", time)


FUNDED = said("loan.funded", "L", "2026-01-01", amount_minor=100)


def case_of(*events: Event) -> Case:
    (case,) = cases_of(events).values()
    return case


def found(said: Statement | None) -> tuple[object, ...] | None:
    """When and with what fields."""
    return None if said is None else (said.at, *said.values)


@pytest.mark.parametrize(
    ("events", "default"),
    [
        ((FUNDED,), None),
        ((told(),), (DAY, 50, "USD")),
        ((report(days=90),), None),
        ((report(days=91),), (DAY, 70, "EUR")),
        ((report("2026-03-01"), report(days=400, balance=1)), ("2026-03-01", 70, "EUR")),
        ((report("2026-03-01"), report(days=0)), ("2026-03-01", 70, "EUR")),
        ((told(), report(JUST_BEFORE)), (JUST_BEFORE, 70, "EUR")),
        ((told(), report(DAY)), (DAY, 50, "USD")),
        ((told(), report(JUST_AFTER)), (DAY, 50, "USD")),
        ((told(), paid(JUST_BEFORE)), None),
        ((told(), paid(DAY)), None),
        ((told(), paid(JUST_AFTER)), (DAY, 50, "USD")),
        ((report(), paid(DAY)), None),
        ((report(), paid(JUST_AFTER)), (DAY, 70, "EUR")),
        ((told(), paid(DAY), paid(DAY) | BACK), (DAY, 50, "USD")),
        ((told(), told() | BACK), None),
        ((told(), told() | BACK, report()), None),
        ((told(), told() | BACK, told() | {"revision": 2}), (DAY, 50, "USD")),
    ],
)
def test_a_loan_is_in_default_from_the_earlier_of_the_two_unless_paid_off_by_then(
    events: tuple[Event, ...], default: tuple[str, int, str] | None
) -> None:
    wanted = None if default is None else (ms(default[0]), *default[1:])
    assert found(loan_default(case_of(*events))) == wanted


@pytest.mark.parametrize(
    ("events", "matured"),
    [
        ((FUNDED, report(days=30)), None),
        ((paid(DAY),), (DAY, "repaid")),
        ((told(),), (DAY, "default")),
        ((told(), paid(JUST_BEFORE)), (JUST_BEFORE, "repaid")),
        ((told(), paid(DAY)), (DAY, "repaid")),
        ((told(), paid(JUST_AFTER)), (DAY, "default")),
        ((report(), paid(DAY)), (DAY, "repaid")),
        ((report(), told() | BACK, paid(JUST_AFTER)), (JUST_AFTER, "repaid")),
        ((report(), told() | BACK), None),
    ],
)
def test_a_loan_matures_when_it_is_repaid_or_in_default_the_first_of_the_two(
    events: tuple[Event, ...], matured: tuple[str, str] | None
) -> None:
    wanted = None if matured is None else (ms(matured[0]), matured[1])
    assert found(loan_matured(case_of(*events))) == wanted


@pytest.mark.parametrize(
    ("events", "book"),
    [
        ((told(),), None),
        ((FUNDED,), (100, "EUR", 0, False)),
        ((FUNDED | BACK,), None),
        ((FUNDED, told()), (100, "EUR", 0, True)),
        ((report(days=5),), (70, "EUR", 5, False)),
        ((FUNDED, report("2025-12-01", days=5)), (70, "EUR", 5, False)),
        ((FUNDED, report("2026-03-01", 95, 60), report(DAY, 0, 20)), (20, "EUR", 0, True)),
        ((FUNDED, report(DAY, 0, 20), report("2026-03-01", 95, 60)), (20, "EUR", 0, True)),
        ((FUNDED, report(balance=0)), None),
        ((FUNDED, report(balance=1)), (1, "EUR", 91, True)),
        ((FUNDED, paid(DAY)), None),
        ((FUNDED, paid("2025-12-01"), report(days=5)), None),
        ((FUNDED, paid(DAY), paid(DAY) | BACK), (100, "EUR", 0, False)),
        ((FUNDED, report(), told() | BACK), (70, "EUR", 91, False)),
    ],
)
def test_a_loan_is_on_the_book_with_what_was_reported_last(
    events: tuple[Event, ...], book: tuple[int, str, int, bool] | None
) -> None:
    there = loan_book(case_of(*events))
    assert (None if there is None else there.values) == book


def resolved(time: str) -> Event:
    return said("complaint.resolved", "C", time)


def reopened(time: str = DAY) -> Event:
    return said("complaint.reopened", "C", time)


@pytest.mark.parametrize(
    ("events", "closed"),
    [
        ((reopened(),), None),
        ((resolved("2026-03-02"), resolved("2026-03-01")), "2026-03-01"),
        ((resolved("2026-03-01"), reopened()), None),
        ((resolved(JUST_BEFORE), reopened()), None),
        ((resolved(DAY), reopened()), None),
        ((resolved(JUST_AFTER), reopened()), JUST_AFTER),
        ((resolved("2026-03-12"), resolved("2026-03-11"), reopened(), resolved("2026-03-01")), "2026-03-11"),
        ((resolved("2026-03-12"), reopened(), reopened("2026-03-13")), None),
        ((resolved("2026-03-01"), reopened(), reopened() | BACK), "2026-03-01"),
        ((resolved("2026-03-11"), resolved("2026-03-11") | BACK, reopened()), None),
    ],
)
def test_a_complaint_is_closed_by_the_first_resolution_after_the_last_reopening(
    events: tuple[Event, ...], closed: str | None
) -> None:
    there = complaint_closed(case_of(*events))
    assert (None if there is None else there.at) == (None if closed is None else ms(closed))
