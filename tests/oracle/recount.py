"""The independent batch recount: all forty KPIs from a set of events, simple and slow, by the documents.

Events → facts (facts.py) → observations (observe*.py) → filters and plain sums (tally.py).

Where EVENTS.md or KPI_CATALOGUE.md leave a point open, the most literal reading was taken:
open point → reading taken here

 1. what canonical JSON covers → the whole event as written: unlisted members, the text of `time`, written
    nulls too
 2. carriers equal in (time, source, id) → they must differ in type: the later type name in the alphabet
 3. a carrier that was retracted or that lost its fact → names nothing: "speaks of facts after that merging"
 4. a loan's opening event after its anchor → names what the anchor and the carriers before it do not
    (whatever its time)
 5. a fulfilment (resumption) stamped before its request (hold) → a pause of no length
 6. `approval_rate.of_submitted`, decision before submission → approved all the same: "by now" has no lower
    limit
 7. documents_required 0 → an observation of 0 / 0: it counts in n
 8. `loan.defaulted` and a report above 90 days at one instant → `loan.defaulted` is the anchor: it states
    the balance
 9. two reports at one instant → the last (first) by (time, source, id, canonical JSON)
10. a default without funding or report → a default: "loans that went into default" asks for nothing more
11. `loan.defaulted` retracted by a winner, reports above 90 → not in default ever, hence matures only by
    its payoff
12. grade, probability on a winning `withdrawn` → they count: the loan has a grade
13. `.brier` of a loan without a grade → counts: "of those with a probability" means matured loans
14. PAR of a loan without a report → 0 days past due, also if `loan.defaulted` was reported
15. balance before any report, if all reports precede the funding → the last report's: a report is a report
16. n of `default_rate` → loans in the denominator: went into default in the window + on the book and not in
    default
17. n of average_loan_amount, repeat_clients → clients
18. a funding without `revenue_minor` → no observation of loan_revenue
19. first / latest funding at equal instants → by (time, source, id, loan_id)
20. the first offer at equal instants → by (time, source, id, offer_id)
21. `customer_retention`, next funding "after" → strictly later than the payoff; the paid loan's own funding
    is not excluded
22. `customer_retention` of a loan never funded, or in default before → a payoff all the same
23. "first resolved after the last reopened", equal instants → strictly later in time, else still reopened
24. a reopening before the opening, or without one → counts as a reopening: nothing excludes it
25. due date before the assignment, done by it → won at the opening ("or its opening, if the success is
    stamped earlier")
26. due date before the assignment, not done by it → lost at the due date, before the opening
27. a lead's funding before the lead → won, at the lead's time; adoption asks for "at or after"
28. `.over_limit` → more than 8 × 7 × 24 hours after the opening; exactly that is in time
29. a week without opening hours → a business day is 0; every length is 0 and within it
30. wall-time periods made to overlap by a clock change, or given so → their union; one whose end is not
    after its start is empty
31. length of a business day → hours by the wall (a clock change does not alter a target)
32. local midnight that does not exist, or occurs twice → as other wall times: fold 0, first occurrence
33. unknown members `product`, `channel` in staff-activity → ignored: staff KPIs have no such rows
34. split rows of the whole → one for each value in any observation up to as_of, also where the window is
    empty
35. sum of a kind other than duration and growth; percentiles of non-durations → null
36. `from` of a level → null; `to` is as_of + 1 ms
37. a system user or `unassigned` in team_productivity → no work at all: their group has no row, their
    branch counts only heads
"""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from tests.oracle import observe_customers, observe_loans, observe_staff
from tests.oracle.business_time import calendar_of
from tests.oracle.facts import merge
from tests.oracle.kpis import chosen
from tests.oracle.observe import Cases, Observation, Settings, Targets
from tests.oracle.tally import Row, rows_of
from tests.oracle.windows import Edges, exact_edges


def recount(
    events: Iterable[Mapping[str, Any]],
    as_of_ms: int,
    *,
    zone: str = "UTC",
    calendar: Mapping[str, Any] | None = None,
    branch_calendars: Mapping[str, Mapping[str, Any]] | None = None,
    targets: Mapping[str, Targets] | None = None,
    system_users: Iterable[str] = (),
    grades_default: Iterable[str] = ("D", "E"),
    edges: Edges | None = None,
    kpis: AbstractSet[str] | None = None,
) -> list[Row]:
    """The rows of the replay contract for valid events in any order, repeated or not.

    `as_of_ms`: UTC ms; later events do not exist. `zone`: of `today`, `month`, `quarter`, and of calendars
    without a `tz`. `targets`: a duration KPI's target in ms,
    or several with the day on which each begins. `edges`: other windows than the exact ones, as
    half-open UTC ms (see windows.Edges). `kpis`: only these, each with its sub-measures; KeyError if unknown.
    """
    settings = Settings(
        as_of_ms=as_of_ms,
        calendar=calendar_of(None, calendar, zone),
        branch_calendars={
            branch: calendar_of(own, calendar, zone) for branch, own in (branch_calendars or {}).items()
        },
        targets=targets or {},
        zone=zone,
        branch_zones={branch: own["tz"] for branch, own in (branch_calendars or {}).items() if own.get("tz")},
        grades_default=frozenset(grades_default),
        system_users=frozenset(system_users),
    )
    cases = merge(events, as_of_ms)
    by_kpi: dict[str, list[Observation]] = {
        kpi: [] for kpi in chosen(None if kpis is None else frozenset(kpis))
    }
    for observation in observe(cases, settings):
        if observation.kpi in by_kpi:
            by_kpi[observation.kpi].append(observation)
    used = edges or exact_edges(as_of_ms, zone)
    return [row for kpi, found in by_kpi.items() for row in rows_of(kpi, found, as_of_ms, used)]


def observe(cases: Cases, settings: Settings) -> Iterator[Observation]:
    """Every observation of every KPI, those of deadlines to come included."""
    yield from observe_loans.application_processing(cases, settings)
    yield from observe_loans.risk(cases, settings)
    yield from observe_customers.customers(cases)
    yield from observe_customers.referrals(cases)
    yield from observe_staff.answers(cases)
    yield from observe_staff.responses(cases, settings)
    yield from observe_staff.complaints(cases, settings)
    yield from observe_staff.chances(cases)
