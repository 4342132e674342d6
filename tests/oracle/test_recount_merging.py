"""Traps of merging and of attribution, each by itself."""

import pytest

from tests.oracle.recount import recount
from tests.oracle.script import ms, parts, row, said
from tests.oracle.speaker import Event
from tests.oracle.windows import HOUR_MS

AS_OF = ms("2026-03-31")


def _officers(events: list[Event], kpi: str, window: str = "90d", dimension: str = "officer") -> list[str]:
    rows = recount(events, AS_OF, kpis={kpi})
    return [
        r["group"][dimension]
        for r in rows
        if r["kpi"] == kpi and r["window"] == window and dimension in r["group"]
    ]


def _score(*events: Event) -> int | None:
    found = row(recount(events, AS_OF, kpis={"client_satisfaction"}), "client_satisfaction", "90d")
    return found["numerator"] if found["n"] else None


def test_a_retracted_winner_leaves_no_fact_and_does_not_uncover_the_runner_up() -> None:
    first = said("satisfaction.rated", "S", "2026-03-01", id="1", score=2)
    better = said("satisfaction.rated", "S", "2026-03-02", id="2", score=5, revision=1)
    gone = said("satisfaction.rated", "S", "2026-03-02", id="2", score=5, revision=2, retracted=True)
    back = said("satisfaction.rated", "S", "2026-03-02", id="2", score=4, revision=3)
    assert _score(first, better) == 5
    assert _score(first, better, gone) is None
    assert _score(back, gone, first, better) == 4


def test_a_revision_outranks_lower_ones_whatever_their_ids_and_times() -> None:
    late = said("satisfaction.rated", "S", "2026-03-20", id="9", score=1)
    restated = said("satisfaction.rated", "S", "2026-03-05", id="other", score=3, revision=1)
    assert _score(late, restated) == _score(restated, late) == 3


def test_the_last_answer_wins_and_ids_compare_as_strings() -> None:
    nine = said("satisfaction.rated", "S", "2026-03-01", id="9", score=1)
    ten = said("satisfaction.rated", "S", "2026-03-01", id="10", score=5)
    assert _score(nine, ten) == _score(ten, nine) == 1


def test_the_same_id_with_other_content_is_decided_by_canonical_json() -> None:
    low = said("satisfaction.rated", "S", "2026-03-01", id="1", score=2)
    high = said("satisfaction.rated", "S", "2026-03-01", id="1", score=4)
    assert _score(low, high) == _score(high, low) == 4


def test_the_first_answer_to_a_query_counts_until_a_revision_states_another() -> None:
    asked = said("query.received", "Q", "2026-03-02 09:00")
    first = said("query.answered", "Q", "2026-03-02 10:00", id="a")
    second = said("query.answered", "Q", "2026-03-02 12:00", id="b")
    restated = said("query.answered", "Q", "2026-03-02 15:00", id="c", revision=1)

    def response(*answers: Event) -> int:
        found: int = row(recount([asked, *answers], AS_OF), "response_time", "90d")["sum"]
        return found

    assert response(second, first) == HOUR_MS
    assert response(second, restated, first) == 6 * HOUR_MS


def test_an_event_after_as_of_does_not_exist_even_as_a_revision() -> None:
    now = said("satisfaction.rated", "S", "2026-03-01", score=2)
    later = said("satisfaction.rated", "S", "2026-03-31 00:00:00.001", score=5, revision=9)
    assert _score(now, later) == 2


def test_where_each_event_is_a_fact_a_new_id_is_a_new_fact() -> None:
    opened = said("complaint.opened", "C", "2026-03-02 09:00")
    resolved = said("complaint.resolved", "C", "2026-03-02 10:00", id="a")
    other = said("complaint.resolved", "C", "2026-03-02 12:00", id="b", revision=1)
    moved = said("complaint.resolved", "C", "2026-03-02 14:00", id="a", revision=1)

    def hours(*events: Event) -> int:
        found: int = row(recount([opened, *events], AS_OF), "complaint_resolution_time", "90d")["sum"]
        return found // HOUR_MS

    assert hours(resolved, other) == 1
    assert hours(resolved, other, moved) == 3


@pytest.mark.parametrize(
    ("first", "second", "revision", "decided"),
    [
        ("approved", "withdrawn", 0, (1, 1)),
        ("withdrawn", "approved", 0, (1, 1)),
        ("declined", "approved", 0, (1, 1)),
        ("approved", "declined", 0, (0, 1)),
        ("approved", "withdrawn", 1, (0, 0)),
        ("withdrawn", "withdrawn", 0, (0, 0)),
    ],
)
def test_a_decision_outranks_a_withdrawal_inside_one_revision(
    first: str, second: str, revision: int, decided: tuple[int, int]
) -> None:
    events = [
        said("application.decided", "L", "2026-03-01", outcome=first),
        said("application.decided", "L", "2026-03-02", outcome=second, revision=revision),
    ]
    assert parts(recount(events, AS_OF), "approval_rate", "90d") == decided


def test_the_same_subject_under_two_customers_is_two_cases() -> None:
    events = [
        said("application.submitted", "L", "2026-03-02 09:00", key="c"),
        said("application.decided", "L", "2026-03-02 10:00", key="d"),
    ]
    rows = recount(events, AS_OF)
    assert row(rows, "turnaround_time", "90d")["n"] == 0
    assert parts(rows, "approval_rate", "90d") == (1, 1)
    assert parts(rows, "approval_rate.of_submitted", "90d") == (0, 1)


def test_each_dimension_is_attributed_by_itself() -> None:
    events = [
        said("application.submitted", "L", "2026-03-01", officer_id="ann", branch_id="north", channel="web"),
        said("application.assigned", "L", "2026-03-02", officer_id="ben", branch_id=None),
        said("application.assigned", "L", "2026-03-03", branch_id="south"),
        said("application.assigned", "L", "2026-03-05", officer_id="too late", product="too late"),
        said("application.decided", "L", "2026-03-04", product="car"),
    ]
    got = [
        _officers(events, "approval_rate", dimension=d) for d in ("officer", "branch", "product", "channel")
    ]
    assert got == [["ben"], ["south"], ["car"], ["web"]]


def test_carriers_at_one_instant_rank_by_source_then_id_as_strings() -> None:
    events = [
        said("application.assigned", "L", "2026-03-02", source="a", id="9", officer_id="ann"),
        said("application.assigned", "L", "2026-03-02", source="a", id="10", officer_id="ben"),
        said("application.decided", "L", "2026-03-02"),
    ]
    assert _officers(events, "approval_rate") == ["ann"]
    crm = said("application.assigned", "L", "2026-03-02", source="b", id="1", officer_id="cid")
    assert _officers([crm, *events], "approval_rate") == ["cid"]


def test_a_retracted_assignment_carries_nothing() -> None:
    events = [
        said("application.submitted", "L", "2026-03-01", officer_id="ann"),
        said("application.assigned", "L", "2026-03-02", id="1", officer_id="ben"),
        said("application.assigned", "L", "2026-03-02", id="1", officer_id="ben", revision=1, retracted=True),
        said("application.decided", "L", "2026-03-04"),
    ]
    assert _officers(events, "approval_rate") == ["ann"]


def test_the_opening_event_names_what_nobody_else_did_whatever_its_time() -> None:
    events = [
        said("application.submitted", "L", "2026-03-09", officer_id="ann"),
        said("application.decided", "L", "2026-03-04"),
    ]
    assert _officers(events, "approval_rate") == ["ann"]


def test_an_observation_that_nobody_claims_is_unassigned() -> None:
    assert _officers([said("application.decided", "L", "2026-03-04")], "approval_rate") == ["unassigned"]
    assert _officers([said("audit.completed", "A", "2026-03-04", score=1)], "audit_score") == ["unassigned"]


def test_the_product_of_a_funding_is_its_product_dimension_and_carries_on() -> None:
    events = [
        said("application.submitted", "L", "2026-03-01", product="car"),
        said("loan.funded", "L", "2026-03-02", product="home"),
        said("compliance.checked", "L", "2026-03-03", check_id="k", passed=True),
    ]
    assert _officers(events, "lending_compliance", dimension="product") == ["home"]


def test_a_conversion_belongs_to_its_opening_and_retention_to_the_payoff() -> None:
    events = [
        said("lead.created", "A", "2026-03-01", officer_id="ann"),
        said("loan.funded", "L1", "2026-03-02", officer_id="ben", lead_id="A"),
        said("application.assigned", "L1", "2026-03-03", officer_id="cid"),
        said("loan.paid_off", "L1", "2026-03-04"),
        said("loan.funded", "L2", "2026-03-05", officer_id="dot"),
    ]
    assert _officers(events, "lead_conversion") == ["ann"]
    assert _officers(events, "customer_retention") == ["cid"]


def test_a_level_belongs_to_the_last_carrier_and_never_to_a_report() -> None:
    events = [
        said("loan.funded", "L", "2026-03-02", officer_id="ann"),
        said("loan.status_reported", "L", "2026-03-05", officer_id="not me"),
        said("application.assigned", "L", "2026-03-06", officer_id="ben"),
        said("loan.status_reported", "M", "2026-03-05", officer_id="nor me"),
    ]
    assert _officers(events, "portfolio_at_risk", "now") == ["ben", "unassigned"]
    assert _officers(events, "default_rate") == ["ben", "unassigned"]
