"""Derived facts: definitions of the catalogue that several KPIs share, computed from a case's facts.

A derived fact is a statement like any other: it stands at a time, names whom its event names, and has fields (those
that `kpi_rules.facts` lists, in that order).
"""

from collections.abc import Callable

import msgspec

from schemas.event import Statement
from schemas.registry import EVENT_TYPES
from streams.calculus.case import Case, first_late_report, latest_report, order_of

_FUNDED = EVENT_TYPES["loan.funded"]
_REPORTED = EVENT_TYPES["loan.status_reported"]
_DEFAULTED = EVENT_TYPES["loan.defaulted"]
_PAID_OFF = EVENT_TYPES["loan.paid_off"]
_RESOLVED = EVENT_TYPES["complaint.resolved"]
_REOPENED = EVENT_TYPES["complaint.reopened"]
_REPORTED_BALANCE = _REPORTED.index("outstanding_minor")
_DEFAULTED_BALANCE = _DEFAULTED.index("outstanding_minor")
_FUNDED_AMOUNT = _FUNDED.index("amount_minor")


def loan_default(case: Case) -> Statement | None:
    """The earlier of `loan.defaulted` and the first report of more than 90 days past due, unless paid off by then.

    A retracted `loan.defaulted` denies both. At one instant `loan.defaulted` states the balance.
    """
    said, late = case.single.get(_DEFAULTED.code), first_late_report(case)
    if said is None and late is None:
        return None
    if said is None or said.retracted:
        default = None if said is not None or late is None else _restated(late, _REPORTED_BALANCE)
    elif late is not None and late.at < said.at:
        default = _restated(late, _REPORTED_BALANCE)
    else:
        default = _restated(said, _DEFAULTED_BALANCE)
    if default is None:
        return None
    paid = case.fact(_PAID_OFF.code)
    return None if paid is not None and paid.at <= default.at else default


def _restated(said: Statement, balance: int) -> Statement:
    """A default with the balance and currency that its event reports; they stand side by side in both types."""
    return msgspec.structs.replace(said, values=said.values[balance : balance + 2])


def loan_matured(case: Case) -> Statement | None:
    """Repaid or in default, the first of the two; `outcome` says which. A loan that was paid off by then has no default."""
    default, paid = loan_default(case), case.fact(_PAID_OFF.code)
    if default is not None:
        return msgspec.structs.replace(default, values=("default",))
    return None if paid is None else msgspec.structs.replace(paid, values=("repaid",))


def loan_book(case: Case) -> Statement | None:
    """A loan on the book: funded or reported, not paid off, its balance above 0: the last report's, else the funded one."""
    last = latest_report(case)
    if last is not None:
        balance, currency, late = last.values
    else:
        last = case.fact(_FUNDED.code)
        if last is None:
            return None
        balance, currency = last.values[_FUNDED_AMOUNT : _FUNDED_AMOUNT + 2]
        late = 0
    if not balance or case.fact(_PAID_OFF.code) is not None:
        return None
    in_default = loan_default(case) is not None
    return msgspec.structs.replace(last, values=(balance, currency, late, in_default))


def complaint_closed(case: Case) -> Statement | None:
    """The first resolution after the last reopening."""
    reopened = max((s.at for s in case.facts(_REOPENED.code)), default=None)
    after = [s for s in case.facts(_RESOLVED.code) if reopened is None or s.at > reopened]
    return min(after, key=order_of, default=None)


DERIVED: dict[str, Callable[[Case], Statement | None]] = {
    "loan.default": loan_default,
    "loan.matured": loan_matured,
    "loan.book": loan_book,
    "complaint.closed": complaint_closed,
}
