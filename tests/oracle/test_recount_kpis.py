"""Traps of single KPIs, each by itself."""

import pytest

from tests.oracle.kpis import KPIS
from tests.oracle.recount import recount
from tests.oracle.script import ms, parts, row, said
from tests.oracle.speaker import Event
from tests.oracle.windows import WINDOWS

AS_OF = ms("2026-03-31")


def test_there_are_forty_kpis_in_nine_windows_each_even_without_events() -> None:
    rows = recount([], AS_OF)
    assert len({kpi.split(".")[0] for kpi in KPIS}) == 40
    expected = {(kpi, window) for kpi, rule in KPIS.items() if not rule.split for window in WINDOWS}
    assert {(r["kpi"], r["window"]) for r in rows} == expected
    empty = row(rows, "approval_rate", "1h")
    assert (empty["numerator"], empty["denominator"], empty["value"]) == (0, 0, None)
    assert row(rows, "testimonials", "1h")["value"] == 0


def test_only_the_kpis_asked_for_are_counted_with_their_sub_measures() -> None:
    rows = recount([], AS_OF, kpis={"approval_rate", "testimonials.stars"})
    assert {r["kpi"] for r in rows} == {"approval_rate", "approval_rate.of_submitted", "testimonials.stars"}
    with pytest.raises(KeyError):
        recount([], AS_OF, kpis={"aproval_rate"})


def test_percentiles_are_exact_nearest_ranks() -> None:
    events: list[Event] = []
    for n in range(1, 12):
        events += [
            said("query.received", f"Q{n}", "2026-03-30 09:00"),
            said("query.answered", f"Q{n}", f"2026-03-30 09:{n:02d}"),
        ]
    found = row(recount(events, AS_OF), "response_time", "24h")
    assert [found[p] // 60_000 for p in ("p50", "p90", "p95")] == [6, 10, 11]
    assert found["value"] == 600.0


def test_system_users_and_unassigned_are_no_heads_and_their_work_is_not_counted() -> None:
    officers = ("ann", "ann", "ben", "robot", None)
    events = [
        said("application.decided", f"L{n}", "2026-03-30", officer_id=officer, branch_id="b")
        for n, officer in enumerate(officers)
    ]
    rows = recount(events, AS_OF, system_users=["robot"])
    assert parts(rows, "team_productivity", "7d") == (3, 2)
    assert parts(rows, "team_productivity", "7d", branch="b") == (3, 2)
    assert parts(rows, "team_productivity", "7d", officer="ann") == (2, 1)
    for nobody in ("robot", "unassigned"):
        with pytest.raises(KeyError):
            row(rows, "team_productivity", "7d", officer=nobody)
    assert parts(rows, "approval_rate", "7d", officer="robot") == (1, 1)


def test_an_officer_in_two_branches_is_a_head_in_each_and_one_in_the_organisation() -> None:
    events = [
        said("application.decided", f"L{branch}", "2026-03-30", officer_id="ann", branch_id=branch)
        for branch in ("b1", "b2")
    ]
    rows = recount(events, AS_OF)
    assert parts(rows, "team_productivity", "7d") == (2, 1)
    assert parts(rows, "team_productivity", "7d", branch="b1") == (1, 1)
    assert parts(rows, "team_productivity", "7d", branch="b2") == (1, 1)


def test_an_error_found_after_the_decision_corrects_the_past_until_it_is_retracted() -> None:
    decided = said("application.decided", "L", "2026-03-01")
    error = said("application.error_found", "L", "2026-03-20", error_id="e")
    undone = said("application.error_found", "L", "2026-03-20", error_id="e", revision=1, retracted=True)

    def errors(*events: Event) -> tuple[int, int | None]:
        return parts(recount(events, AS_OF), "processing_error_rate", "90d")

    assert [errors(decided), errors(decided, error), errors(decided, error, undone)] == [
        (0, 1),
        (1, 1),
        (0, 1),
    ]


def test_an_application_without_document_counts_is_not_incomplete() -> None:
    events = [
        said("application.submitted", "L1", "2026-03-01", documents_required=4, documents_accepted=3),
        said("application.submitted", "L1", "2026-03-02", documents_required=4, documents_accepted=4),
        said("application.submitted", "L2", "2026-03-01"),
    ]
    assert parts(recount(events, AS_OF), "documentation_completeness", "90d") == (3, 4)


def test_a_default_at_the_instant_of_the_payoff_is_none() -> None:
    def risk(paid_off: str) -> tuple[tuple[int, int | None], tuple[int, int | None]]:
        events = [
            said("application.decided", "L", "2026-01-01", grade="A"),
            said("loan.funded", "L", "2026-01-02"),
            said("loan.defaulted", "L", "2026-03-10"),
            said("loan.paid_off", "L", paid_off),
        ]
        rows = recount(events, AS_OF)
        return parts(rows, "default_rate", "30d"), parts(rows, "risk_assessment_accuracy", "30d")

    assert risk("2026-03-10") == ((0, 0), (1, 1))
    assert risk("2026-03-10 00:00:00.001") == ((1, 1), (0, 1))


def test_default_counts_from_the_earlier_of_report_and_declaration_and_is_denied_by_a_retraction() -> None:
    report = said(
        "loan.status_reported", "L", "2026-03-05", days_past_due=91, officer_id="ann", outstanding_minor=7
    )
    declared = said("loan.defaulted", "L", "2026-03-20", officer_id="ben")
    denied = said("loan.defaulted", "L", "2026-03-20", officer_id="ben", revision=1, retracted=True)
    rows = recount([report, declared], AS_OF)
    assert parts(rows, "default_rate", "30d", officer="ann") == (1, 1)
    assert parts(rows, "default_rate.by_balance", "30d", currency="EUR") == (7, 7)
    assert parts(recount([report, declared, denied], AS_OF), "default_rate", "30d") == (0, 1)


def test_default_rows_of_a_group_need_a_denominator() -> None:
    worthless = said("loan.defaulted", "L", "2026-03-20", officer_id="ann", outstanding_minor=0)
    rows = recount([worthless], AS_OF)
    assert parts(rows, "default_rate", "30d", officer="ann") == (1, 1)
    assert parts(rows, "default_rate.by_balance", "30d", currency="EUR") == (0, 0)
    with pytest.raises(KeyError):
        row(rows, "default_rate.by_balance", "30d", officer="ann", currency="EUR")


def test_exactly_ninety_days_past_due_is_no_default_but_at_risk() -> None:
    rows = recount([said("loan.status_reported", "L", "2026-03-05", days_past_due=90)], AS_OF)
    assert parts(rows, "default_rate", "30d") == (0, 1)
    assert parts(rows, "portfolio_at_risk.par90", "now", currency="EUR") == (100, 100)


def test_the_last_report_is_the_balance_and_an_earlier_default_is_for_good() -> None:
    events = [
        said("loan.status_reported", "L", "2026-01-05", days_past_due=120),
        said("loan.status_reported", "L", "2026-03-05", days_past_due=0, outstanding_minor=60),
    ]
    rows = recount(events, AS_OF)
    assert parts(rows, "default_rate", "30d") == (0, 0)
    assert parts(rows, "default_rate", "90d") == (1, 1)
    assert parts(rows, "portfolio_at_risk", "now", currency="EUR") == (0, 60)


def test_expected_loss_is_floored_loan_by_loan_over_those_with_a_probability() -> None:
    events = [
        said("application.decided", "a", "2026-01-01", default_probability_bp=5000),
        said("loan.funded", "a", "2026-01-02", amount_minor=3),
        said("application.decided", "b", "2026-01-01", default_probability_bp=5000),
        said("loan.funded", "b", "2026-01-02", amount_minor=5),
        said("loan.funded", "c", "2026-01-02", amount_minor=1000),
    ]
    rows = recount(events, AS_OF)
    assert parts(rows, "portfolio_at_risk.expected_loss", "now", currency="EUR") == (3, 8)


def test_a_resolution_at_the_instant_of_the_reopening_is_not_after_it() -> None:
    events = [
        said("complaint.opened", "C", "2026-03-02 09:00"),
        said("complaint.resolved", "C", "2026-03-02 11:00"),
        said("complaint.reopened", "C", "2026-03-02 11:00"),
    ]
    assert row(recount(events, AS_OF), "complaint_resolution_time", "90d")["n"] == 0


def test_eight_weeks_to_the_millisecond_are_not_over_the_limit() -> None:
    def over(resolved: str) -> int:
        events = [said("complaint.opened", "C", "2026-01-01"), said("complaint.resolved", "C", resolved)]
        return parts(recount(events, AS_OF), "complaint_resolution_time.over_limit", "90d")[0]

    assert over("2026-02-26") == 0
    assert over("2026-02-26 00:00:00.001") == 1


def test_promoters_passives_and_detractors() -> None:
    for scores, points in (((9, 10), 200), ((7, 8), 0), ((0, 6), -200)):
        events = [said("nps.answered", f"S{score}", "2026-03-01", score=score) for score in scores]
        assert parts(recount(events, AS_OF), "net_promoter_score", "90d") == (points, 2)


def test_a_review_without_stars_counts_but_not_in_the_mean() -> None:
    events = [said("review.posted", "R1", "2026-03-01"), said("review.posted", "R2", "2026-03-01", stars=4)]
    rows = recount(events, AS_OF)
    assert row(rows, "testimonials", "90d")["n"] == 2
    assert parts(rows, "testimonials.stars", "90d") == (4, 1)


def test_later_offers_of_a_product_are_the_same_chance_and_the_loan_must_come_at_or_after_the_first() -> None:
    offers = [
        said("product.offered", "O0", "2025-12-01", new_product=False),
        said("product.offered", "O1", "2026-01-01", officer_id="ann"),
        said("product.offered", "O2", "2026-03-01", officer_id="ben"),
        said("product.offered", "O3", "2026-01-01", product="home"),
    ]

    def adoption(funded: str, product: str = "car") -> tuple[int, int | None]:
        event = said("loan.funded", "L", funded, product=product)
        return parts(recount([*offers, event], ms("2026-04-01")), "new_product_adoption", "180d")

    assert adoption("2025-12-31 23:59:59.999") == (0, 2)
    assert adoption("2026-01-01") == (1, 2)
    assert adoption("2026-04-01") == (1, 2)
    rows = recount(offers, ms("2026-04-01"))
    assert parts(rows, "new_product_adoption", "180d", officer="ann") == (0, 1)


def test_a_retracted_first_funding_makes_the_second_the_first_ever() -> None:
    first = said("loan.funded", "L1", "2026-01-01")
    second = said("loan.funded", "L2", "2026-03-01")
    rescinded = said("loan.funded", "L1", "2026-01-01", revision=1, retracted=True)
    assert row(recount([first, second], AS_OF), "repeat_clients", "90d")["n"] == 1
    assert row(recount([first, second, rescinded], AS_OF), "repeat_clients", "90d")["n"] == 0


def test_each_currency_is_a_series_of_its_own_and_moves_by_itself() -> None:
    events = [
        said("loan.funded", "L1", "2026-03-01", officer_id="ann", amount_minor=10, currency="USD"),
        said("loan.funded", "L2", "2026-03-02", officer_id="ben", amount_minor=20, revenue_minor=2),
    ]
    rows = recount(events, AS_OF)
    assert parts(rows, "average_loan_amount", "90d", officer="ann", currency="USD") == (10, 1)
    assert parts(rows, "average_loan_amount", "90d", officer="ben", currency="EUR") == (20, 1)
    assert row(rows, "loan_revenue", "90d", currency="EUR")["value"] == 2
    with pytest.raises(KeyError):
        row(rows, "loan_revenue", "90d", currency="USD")


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        ([said("loan.funded", "L2", "2026-03-01")], 1),
        ([said("loan.funded", "L2", "2026-03-01"), said("loan.paid_off", "L2", "2026-03-30 12:00")], 1),
        ([said("loan.funded", "L2", "2026-02-01"), said("loan.defaulted", "L2", "2026-03-01")], 0),
        (
            [
                said("loan.funded", "L2", "2026-02-01"),
                said("loan.defaulted", "L2", "2026-03-01 00:00:00.001"),
            ],
            1,
        ),
        ([said("loan.status_reported", "L2", "2026-02-01")], 0),
    ],
)
def test_a_client_is_kept_at_once_by_another_loan_open_at_the_payoff(other: list[Event], kept: int) -> None:
    events = [said("loan.funded", "L1", "2025-01-01"), said("loan.paid_off", "L1", "2026-03-01"), *other]
    found = parts(recount(events, AS_OF), "customer_retention", "90d")
    assert found == (kept, kept)


def test_a_report_is_accurate_until_it_is_corrected_and_the_correction_is_taken_back() -> None:
    published = said("report.published", "R", "2026-03-01", key="ann")
    corrected = said("report.corrected", "R", "2026-03-20", key="ann")
    other_author = said("report.corrected", "R", "2026-03-20", key="ben")

    def accuracy(*events: Event) -> tuple[int, int | None]:
        return parts(recount(events, AS_OF), "report_accuracy", "90d")

    assert [accuracy(published, corrected), accuracy(published, other_author)] == [(0, 1), (1, 1)]


def test_a_training_completed_without_an_assignment_gives_only_its_rating() -> None:
    rows = recount([said("training.completed", "T", "2026-03-01", key="ann", rating=5)], AS_OF)
    assert parts(rows, "training_feedback", "90d") == (5, 1)
    assert parts(rows, "training_completion", "90d") == (0, 0)


def test_violations_are_counted_by_severity_and_lifted_by_a_retraction() -> None:
    high = said("violation.recorded", "V1", "2026-03-01", key="ann", severity="high")
    low = said("violation.recorded", "V2", "2026-03-01", key="ann", severity="low")
    lifted = said(
        "violation.recorded", "V2", "2026-03-01", key="ann", severity="low", revision=1, retracted=True
    )
    rows = recount([high, low, lifted], AS_OF)
    assert row(rows, "compliance_violations", "90d", officer="ann")["value"] == 1
    assert row(rows, "compliance_violations.by_severity", "90d", severity="high")["n"] == 1
