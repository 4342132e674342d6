"""When a case may be forgotten: closed, and all its facts and due dates older than the horizon. And what is not even begun.

Loans that were on the book are kept for ever: the first funding decides who is a repeat client, and the book is a stock.
What ends a loan on the book is kept as well, so that it still counts if the funding itself comes last.
"""

from collections.abc import Iterator

from kpi_rules.facts import OPENINGS, is_time
from schemas.fields import time_ms
from schemas.registry import EVENT_TYPES
from streams.calculus.case import Case
from streams.calculus.paths import finder

_OF_THE_BOOK = {
    EVENT_TYPES[name].code
    for name in ("loan.funded", "loan.status_reported", "loan.defaulted", "loan.paid_off")
}

_CLOSED_BY = {
    "loan": ("application.decided",),
    "query": ("query.answered",),
    "complaint": ("complaint.closed",),
    "team_request": ("team_request.answered",),
}
"""The facts that close a case that would otherwise wait for ever; the other kinds are over when their deadline is."""
_CLOSING = {kind: [finder(name) for name in names] for kind, names in _CLOSED_BY.items()}
_TIMES = {
    t.code: times
    for t in EVENT_TYPES.values()
    if (times := [t.index(f) for f in t.fields if is_time(t.name, f)])
}
"""Where the values of an event type hold instants, such as a due date."""
NEVER_TOO_OLD = frozenset(t.kind for t in EVENT_TYPES.values() if t.kind in _CLOSED_BY or t.code in _TIMES)
"""Kinds whose cases are begun however old a fact of them is, since they may be kept that long: they wait to be closed, are
due at any time, or were on the book. All facts of a kind, so that it does not matter which one comes first."""


def forgettable(kind: str, case: Case, horizon_ms: int) -> bool:
    """Whether a case may be dropped: nothing in it at or after the horizon, closed, never a loan that was on the book."""
    if any(at >= horizon_ms for at in _instants(case)):
        return False
    if not _OF_THE_BOOK.isdisjoint(case.single) or not _OF_THE_BOOK.isdisjoint(case.many):
        return False
    closing = _CLOSING.get(kind)
    opened = kind in OPENINGS and case.fact(EVENT_TYPES[OPENINGS[kind]].code) is not None
    return closing is None or not opened or any(find(case) is not None for find in closing)


def _instants(case: Case) -> Iterator[int]:
    """Every instant that a case speaks of, those of retracted statements too: they may come back."""
    for code, said in case.single.items():
        yield said.at
        yield from (time_ms(str(said.values[i])) for i in _TIMES.get(code, ()))
    for instances in case.many.values():
        yield from (said.at for said in instances.values())
