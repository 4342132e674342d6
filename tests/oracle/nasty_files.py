"""Which nasty cases one loan file or one complaint holds."""

from collections.abc import Container, Iterator

from tests.oracle.attribution import CARRIERS, group_of
from tests.oracle.facts import Case, Statement
from tests.oracle.observe_loans import on_the_book
from tests.oracle.windows import DAY_MS

LIMIT_MS = 56 * DAY_MS
AT_THE_LIMIT = {0: "resolved at the hard limit", 1: "resolved a millisecond after the hard limit"}


def nasty_of_files(case: Case, programs: Container[str]) -> Iterator[str]:
    decided = case.one("application.decided")
    if decided is not None:
        yield from _of_decision(case, decided, programs)
    yield from _of_default(case)
    yield from _of_complaint(case)


def _of_decision(case: Case, decided: Statement, programs: Container[str]) -> Iterator[str]:
    named = [s for name in CARRIERS for s in case.all(name) if s.says("officer_id")]
    before = {s.says("officer_id") for s in named if s.time <= decided.time}
    assigned = [s for s in case.all("application.assigned") if s.says("officer_id")]
    if len(before) > 1:
        yield "reassigned before the decision"
    if any(s.time == decided.time for s in assigned):
        yield "reassigned at the instant of the decision"
    if {s.says("officer_id") for s in assigned if s.time > decided.time} - before:
        yield "reassigned after the decision"
    officer = group_of(case, decided).officer
    if officer == "unassigned":
        yield "nobody named"
    if officer in programs:
        yield "decided by a program"
    for error in case.all("application.error_found"):
        yield f"an error found {'after' if error.time > decided.time else 'before'} the decision"


def _of_default(case: Case) -> Iterator[str]:
    paid, told = case.one("loan.paid_off"), case.one("loan.defaulted")
    book = on_the_book(case)
    if book is not None and book.days_past_due in (30, 60, 90):
        yield f"{book.days_past_due} days past due"
    late = [s.time for s in case.all("loan.status_reported") if s.says("days_past_due") > 90]
    if "loan.defaulted" in case.denied:
        if late:
            yield "a default denied by a retraction"
        return
    if late and (told is None or min(late) < told.time):
        yield "in default by a report"
    defaults = [*late, *([told.time] if told else [])]
    if paid is not None and defaults:
        first = min(defaults)
        if paid.time == first:
            yield "paid off and in default at one instant"
        else:
            yield "paid off before the default" if paid.time < first else "in default before it was paid off"


def _of_complaint(case: Case) -> Iterator[str]:
    resolved = [s.time for s in case.all("complaint.resolved")]
    opened = case.one("complaint.opened")
    if opened is not None:
        over = {at - opened.time - LIMIT_MS for at in resolved}
        yield from (shape for past, shape in AT_THE_LIMIT.items() if past in over)
    for reopened in case.all("complaint.reopened"):
        if reopened.time in resolved:
            yield "reopened at the instant of a resolution"
        if any(at <= reopened.time for at in resolved):
            again = any(at > reopened.time for at in resolved)
            yield "reopened and resolved again" if again else "reopened and still open"
