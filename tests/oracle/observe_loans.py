"""Observations of loan files and loans: application processing and risk."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.oracle.attribution import group_now, group_of
from tests.oracle.business_time import Interval
from tests.oracle.facts import Case, Statement
from tests.oracle.observe import Cases, Observation, Settings, duration, of_kind

DECIDED = ("approved", "declined")
CERTAIN_BP = 10_000


def decision(case: Case) -> Statement | None:
    """The approval or decline; None while there is none, or for a file closed by a withdrawal."""
    said = case.one("application.decided")
    return said if said and said.says("outcome") in DECIDED else None


def pauses(case: Case, until: int) -> list[Interval]:
    """From each request (hold) to its fulfilment (resumption); to `until` where that has not come."""
    found = []
    for begin, end, per in (
        ("documents.requested", "documents.received", "request_id"),
        ("application.held", "application.resumed", "hold_id"),
    ):
        ends = {s.data[per]: s.time for s in case.all(end)}
        found += [(s.time, ends.get(s.data[per], until)) for s in case.all(begin)]
    return found


def application_processing(cases: Cases, settings: Settings) -> Iterator[Observation]:
    for case in of_kind(cases, "loan"):
        decided, submitted = decision(case), case.one("application.submitted")
        approved = decided is not None and decided.says("outcome") == "approved"
        if decided:
            at, group = decided.time, group_of(case, decided)
            yield Observation("approval_rate", at, group, int(approved))
            yield Observation(
                "processing_error_rate", at, group, int(bool(case.all("application.error_found")))
            )
            if group.officer not in settings.system_users | {"unassigned"}:
                yield Observation("team_productivity", at, group)
        if submitted:
            at, group = submitted.time, group_of(case, submitted)
            yield Observation("approval_rate.of_submitted", at, group, int(approved))
            required = submitted.says("documents_required")
            accepted = submitted.says("documents_accepted")
            if required is not None and accepted is not None:
                yield Observation("documentation_completeness", at, group, accepted, required)
        if submitted and decided:
            paused = pauses(case, decided.time)
            yield duration("turnaround_time", case, submitted, decided, settings, paused)


class Balance(NamedTuple):
    outstanding: int
    currency: str
    days_past_due: int


def default_event(case: Case) -> Statement | None:
    """What put a loan into default: the earlier of loan.defaulted and the first report above 90 days."""
    if "loan.defaulted" in case.denied:
        return None
    late = [s for s in case.all("loan.status_reported") if s.data["days_past_due"] > 90]
    candidates = [*case.all("loan.defaulted"), *late[:1]]
    earliest = min(candidates, key=lambda s: s.time, default=None)
    paid_off = case.one("loan.paid_off")
    if earliest and paid_off and paid_off.time <= earliest.time:
        return None
    return earliest


def maturity(case: Case) -> Statement | None:
    """Default or payoff, the first of the two (there is no default after a payoff)."""
    return default_event(case) or case.one("loan.paid_off")


def on_the_book(case: Case) -> Balance | None:
    """The balance of a loan that was funded or reported, is not paid off and owes something."""
    if case.one("loan.paid_off"):
        return None
    reports, funded = case.all("loan.status_reported"), case.one("loan.funded")
    if reports:
        last = reports[-1].data
        balance = Balance(last["outstanding_minor"], last["currency"], last["days_past_due"])
    elif funded:
        balance = Balance(funded.data["amount_minor"], funded.data["currency"], 0)
    else:
        return None
    return balance if balance.outstanding > 0 else None


def _probability(case: Case) -> int | None:
    judged = case.one("application.decided")
    found: int | None = judged.says("default_probability_bp") if judged else None
    return found


def _grade(case: Case) -> str | None:
    judged = case.one("application.decided")
    found: str | None = judged.says("grade") if judged else None
    return found


def risk(cases: Cases, settings: Settings) -> Iterator[Observation]:
    for case in of_kind(cases, "loan"):
        yield from _defaults(case, settings)
        yield from _grades(case, settings)
        yield from _portfolio(case, settings)
        for check in case.all("compliance.checked"):
            passed = int(check.data["passed"])
            yield Observation("lending_compliance", check.time, group_of(case, check), passed)


def _defaults(case: Case, settings: Settings) -> Iterator[Observation]:
    defaulted, balance = default_event(case), on_the_book(case)
    if defaulted:
        at, group = defaulted.time, group_of(case, defaulted)
        lost, currency = defaulted.data["outstanding_minor"], defaulted.data["currency"]
        yield Observation("default_rate", at, group, 1, 1)
        yield Observation("default_rate.by_balance", at, group, lost, lost, currency)
    elif balance:
        group = group_now(case, settings.as_of_ms)
        yield Observation("default_rate", None, group, 0, 1)
        yield Observation("default_rate.by_balance", None, group, 0, balance.outstanding, balance.currency)


def _grades(case: Case, settings: Settings) -> Iterator[Observation]:
    matured, grade, probability = maturity(case), _grade(case), _probability(case)
    if not matured:
        return
    at, group, defaulted = matured.time, group_of(case, matured), default_event(case) is not None
    if grade is not None:
        said = grade in settings.grades_default
        yield Observation("risk_assessment_accuracy", at, group, int(said == defaulted))
    if probability is not None:
        error = probability - (CERTAIN_BP if defaulted else 0)
        yield Observation("risk_assessment_accuracy.brier", at, group, error**2, CERTAIN_BP**2)


def _portfolio(case: Case, settings: Settings) -> Iterator[Observation]:
    balance, probability = on_the_book(case), _probability(case)
    if not balance:
        return
    group, owed, currency = group_now(case, settings.as_of_ms), balance.outstanding, balance.currency
    for kpi, days in (("", 30), (".par60", 60), (".par90", 90)):
        late = owed if balance.days_past_due >= days else 0
        yield Observation(f"portfolio_at_risk{kpi}", None, group, late, owed, currency)
    if probability is not None:
        expected = owed * probability // CERTAIN_BP
        yield Observation("portfolio_at_risk.expected_loss", None, group, expected, owed, currency)
