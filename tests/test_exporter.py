"""What /metrics shows of a board: one family per unit, labels, parts, targets, statuses; branches and officers apart."""

from typing import Any

import pytest

from loanpulse.board.snapshot import OpenFigures
from loanpulse.serve.book import Book
from streams.calculus.buckets import bucket_of, value_of
from streams.calculus.windows import Edges
from tests.board_lab import DAY_MS, NOON, program, rule
from tests.exporter_lab import board, book, organised, scraped, seen

BOOK = book(program())
OF = BOOK.program


def of_one(*names: str, **more: Any) -> Book:
    """A book of some rules of the lab, all said of the first alike."""
    return book(program(*(rule(name, **more) for name in names)))


def test_every_unit_has_a_family_of_its_own() -> None:
    found = [
        *seen(OF, "count", n=3),
        *seen(OF, "approval", n=4, b=1),
        *seen(OF, "rating", a=80),
        *seen(OF, "revenue", split="EUR", a=500),
        *seen(OF, "turnaround", bucket=bucket_of(60_000), b=60_000),
    ]
    page = scraped(BOOK, board(BOOK, found))
    assert page.of("loanpulse_kpi_count", kpi="count", window="1h") == 3
    assert page.of("loanpulse_kpi_ratio", kpi="approval", window="1h") == pytest.approx(1 / 3)
    assert page.of("loanpulse_kpi_score", kpi="rating", window="1h") == 0.8
    assert page.of("loanpulse_kpi_amount_minor", kpi="revenue", window="1h", currency="EUR") == 500
    p90 = page.of("loanpulse_kpi_seconds", kpi="turnaround", window="1h", quantile="0.9")
    assert p90 == value_of(bucket_of(60_000)) / 1000


def test_a_window_has_a_series_of_its_own_and_a_level_stands_now() -> None:
    found = [*seen(OF, "count"), *seen(OF, "count", at=NOON - 2 * DAY_MS)]
    found += seen(OF, "risk", at=None, split="EUR", a=1, b=4)
    page = scraped(BOOK, board(BOOK, found))
    assert page.of("loanpulse_kpi_count", kpi="count", window="24h") == 1
    assert page.of("loanpulse_kpi_count", kpi="count", window="7d") == 2
    assert page.of("loanpulse_kpi_ratio", kpi="risk", window="now", currency="EUR") == 0.25


def test_a_duration_has_three_quantiles_in_seconds() -> None:
    lengths = [1_000] * 5 + [60_000] * 4 + [3_600_000]
    found = [s for ms in lengths for s in seen(OF, "turnaround", bucket=bucket_of(ms), b=ms)]
    page = scraped(BOOK, board(BOOK, found))
    quantiles = {
        quantile: page.of("loanpulse_kpi_seconds", kpi="turnaround", window="7d", quantile=quantile)
        for quantile in ("0.5", "0.9", "0.95")
    }
    assert quantiles == {
        "0.5": pytest.approx(1, rel=0.011),
        "0.9": pytest.approx(60, rel=0.011),
        "0.95": pytest.approx(3_600, rel=0.011),
    }


def test_parts_stand_beside_the_value() -> None:
    found = [*seen(OF, "approval", n=4, b=2), *seen(OF, "count", n=3)]
    page = scraped(BOOK, board(BOOK, found))
    assert page.of("loanpulse_kpi_numerator", kpi="approval", window="1h") == 4
    assert page.of("loanpulse_kpi_denominator", kpi="approval", window="1h") == 24
    assert page.of("loanpulse_kpi_samples", kpi="approval", window="1h") == 4
    assert page.of("loanpulse_kpi_numerator", kpi="count", window="1h") == 3
    assert page.of("loanpulse_kpi_denominator", kpi="count", window="1h") is None


def test_what_has_no_value_has_no_series_but_shows_its_denominator() -> None:
    page = scraped(BOOK, board(BOOK))
    assert page.of("loanpulse_kpi_ratio", kpi="approval", window="1h") is None
    assert page.of("loanpulse_kpi_status", kpi="approval", window="1h") is None
    assert page.of("loanpulse_kpi_denominator", kpi="approval", window="1h") == 0
    assert not page["loanpulse_kpi_seconds"]
    assert page.of("loanpulse_kpi_count", kpi="count", window="1h") == 0


def test_each_value_of_a_split_is_a_series() -> None:
    found = [*seen(OF, "revenue", split="EUR", a=5), *seen(OF, "revenue", split="USD", a=7)]
    found += seen(OF, "count_by_severity", split="high", n=2)
    page = scraped(BOOK, board(BOOK, found))
    assert page.of("loanpulse_kpi_amount_minor", kpi="revenue", window="1h", currency="USD") == 7
    assert page.of("loanpulse_kpi_count", kpi="count_by_severity", window="1h", severity="high") == 2
    assert page.of("loanpulse_kpi_amount_minor", kpi="revenue", window="1h") is None


def test_a_target_is_in_the_unit_of_its_kpi() -> None:
    page = scraped(BOOK, board(BOOK))
    assert page.of("loanpulse_kpi_target", kpi="turnaround", bound="at_most") == 4 * 3_600
    assert page.of("loanpulse_kpi_target", kpi="turnaround", bound="warning_at") == 3 * 3_600
    assert page.of("loanpulse_kpi_target", kpi="turnaround", bound="at_least") is None
    assert page.of("loanpulse_kpi_target", kpi="approval", bound="at_least") == 0.2


def test_the_organisations_own_target_is_the_one_in_force() -> None:
    own = organised(OF, targets={"turnaround": "2 hours"})
    page = scraped(own, board(own))
    assert page.of("loanpulse_kpi_target", kpi="turnaround", bound="at_most") == 2 * 3_600
    assert page.of("loanpulse_kpi_target", kpi="turnaround", bound="warning_at") is None


@pytest.mark.parametrize(("score", "n", "status"), [(80, 20, 0), (55, 20, 1), (40, 20, 2), (80, 9, 3)])
def test_the_status_is_the_value_against_its_target(score: int, n: int, status: int) -> None:
    page = scraped(BOOK, board(BOOK, seen(OF, "rating", a=score, n=n)))
    assert page.of("loanpulse_kpi_status", kpi="rating", window="1h") == status


def test_a_value_near_the_other_end_of_a_band_is_no_warning() -> None:
    of = of_one("approval", target={"at_least": 0.1, "at_most": 0.3, "warning_at": 0.15})
    statuses = []
    for b in (1, 2, 4):  # 1/3, 1/6, 1/12
        page = scraped(of, board(of, seen(of.program, "approval", b=b, n=10)))
        statuses.append(page.of("loanpulse_kpi_status", kpi="approval", window="1h"))
    assert statuses == [2, 0, 2]


def test_a_kpi_without_target_has_no_verdict() -> None:
    page = scraped(BOOK, board(BOOK, seen(OF, "clients", n=20)))
    assert page.of("loanpulse_kpi_status", kpi="clients", window="1h") == 4


def test_a_target_for_one_window_judges_that_window_only_whoever_sets_it() -> None:
    of = of_one("count", target={"at_least": 5, "warning_at": 7, "window": "7d"})
    own = organised(of.program, targets={"count": {"at_least": 2}})
    for each, least in ((of, 5), (own, 2)):
        page = scraped(each, board(each, seen(each.program, "count")))
        assert page.of("loanpulse_kpi_target", kpi="count", bound="at_least", window="7d") == least
        assert page.of("loanpulse_kpi_status", kpi="count", window="7d") == 2
        assert page.of("loanpulse_kpi_status", kpi="count", window="1h") == 4


def test_an_info_says_what_a_kpi_is() -> None:
    page = scraped(BOOK, board(BOOK))
    infos = {dict(labels)["kpi"]: dict(labels) for labels in page["loanpulse_kpi_info"]}
    assert set(infos) == set(BOOK.rules)
    assert infos["approval"] == {
        "kpi": "approval",
        "kra": "lab",
        "wording": "The approval",
        "says": "What approval is.",
        "unit": "ratio",
        "kind": "ratio",
        "by": "lending",
        "anchor": "application.decided",
    }
    assert infos["conversion"]["anchor"] == "training.completed or deadline"
    assert infos["risk"]["anchor"] == "now"


def test_branches_and_officers_have_families_of_their_own_and_no_total_among_them() -> None:
    found = [*seen(OF, "count", "ann", branch="north", n=2), *seen(OF, "count", "ben", branch="south")]
    page = scraped(BOOK, board(BOOK, found))
    assert page.of("loanpulse_branch_count", kpi="count", window="24h", branch="north") == 2
    assert page.of("loanpulse_officer_count", kpi="count", window="30d", officer="ben") == 1
    assert {dict(labels)["officer"] for labels in page["loanpulse_officer_count"]} == {"ann", "ben"}
    assert all("branch" in dict(labels) for labels in page["loanpulse_branch_count"])
    assert all(
        set(dict(labels)) == {"kpi", "window"}
        for labels in page["loanpulse_kpi_count"]
        if "severity" not in dict(labels)
    )
    assert not any("product" in dict(labels) or "channel" in dict(labels) for _, labels in page.series)


def test_members_show_the_kpis_own_quantile_and_their_samples_and_a_count_is_its_own() -> None:
    found = [*seen(OF, "turnaround", bucket=bucket_of(60_000), b=60_000, n=3), *seen(OF, "count")]
    page = scraped(BOOK, board(BOOK, found))
    assert [dict(labels)["quantile"] for labels in page["loanpulse_officer_seconds"]] == ["0.9"]
    assert page.of("loanpulse_officer_samples", kpi="turnaround", window="30d", officer="ann") == 3
    assert page.of("loanpulse_branch_samples", kpi="turnaround", window="1h", branch="north") == 3
    assert page.of("loanpulse_officer_samples", kpi="count", window="30d", officer="ann") is None


def test_officers_have_series_only_in_the_windows_that_their_rule_lists() -> None:
    of = book(
        program(rule("count", officers_in_metrics=["7d", "1h"]), rule("clients", officers_in_metrics=[]))
    )
    page = scraped(of, board(of, [*seen(of.program, "count"), *seen(of.program, "clients")]))
    shown = {(dict(labels)["kpi"], dict(labels)["window"]) for labels in page["loanpulse_officer_count"]}
    assert shown == {("count", "7d"), ("count", "1h")}
    assert page.of("loanpulse_branch_count", kpi="clients", window="90d", branch="north") == 1


def test_of_what_stands_now_officers_have_series_if_their_rule_lists_any_window() -> None:
    for listed, officers in ((["30d"], {"ann"}), ([], set())):
        of = of_one("risk", officers_in_metrics=listed)
        page = scraped(of, board(of, seen(of.program, "risk", at=None, split="EUR", b=4)))
        assert {dict(labels)["officer"] for labels in page["loanpulse_officer_ratio"]} == officers


def test_officer_detail_off_leaves_no_officer_anywhere() -> None:
    found = [*seen(OF, "count"), *seen(OF, "rating", n=9)]
    page = scraped(BOOK, board(BOOK, found), officer_detail=False)
    assert '"ann"' not in page.text
    assert not any(name.startswith("loanpulse_officer") for name, _ in page.series)
    assert page.of("loanpulse_branch_count", kpi="count", window="1h", branch="north") == 1


def test_officers_that_are_programs_are_in_totals_only() -> None:
    found = [*seen(OF, "count", "robot"), *seen(OF, "count", "ann")]
    page = scraped(BOOK, board(BOOK, found))
    assert {dict(labels)["officer"] for labels in page["loanpulse_officer_count"]} == {"ann"}
    assert page.of("loanpulse_kpi_count", kpi="count", window="1h") == 2


def test_few_answers_about_people_are_kept_back_except_of_the_organisation() -> None:
    measure = {"kind": "mean", "anchor": "peer.rated", "points": "score"}
    of = of_one("rating", measure=measure)
    found = [
        *seen(of.program, "rating", "ann", a=4, n=4),
        *seen(of.program, "rating", "ben", branch="south", a=4, n=5),
    ]
    page = scraped(of, board(of, found))
    assert {dict(labels)["officer"] for labels in page["loanpulse_officer_score"]} == {"ben"}
    assert {dict(labels)["branch"] for labels in page["loanpulse_branch_score"]} == {"south"}
    assert page.of("loanpulse_officer_samples", kpi="rating", window="30d", officer="ann") == 4
    assert page.of("loanpulse_kpi_score", kpi="rating", window="1h") == 4


def test_windows_over_an_accepted_gap_are_shown_as_incomplete() -> None:
    ago = NOON - 40 * DAY_MS
    of = of_one("count")
    page = scraped(of, board(of, lost=[Edges(ago, ago + 1)]))
    incomplete = {dict(labels)["window"] for labels in page["loanpulse_window_incomplete"]}
    assert incomplete == {"90d", "180d", "quarter"}
    assert not scraped(of, board(of))["loanpulse_window_incomplete"]


def test_open_cases_are_shown_by_band_with_every_band_and_without_programs() -> None:
    """Since when the oldest is open and the next due time are the organisation's."""
    of = organised(book(program(rule("count"))).program, system_users=frozenset({"robot"}))
    groups: list[dict[str, str]] = [
        {},
        {"officer": "ann"},
        {"officer": "robot"},
        {"branch": "b"},
        {"product": "home"},
    ]
    opened = OpenFigures(
        groups,
        [[4, 0, 2, 1, 0], [1, 0, 1, 0, 0], [3, 0, 1, 1, 0], [4, 0, 2, 1, 0], [1, 0, 0, 0, 0]],
        NOON - 5_000,
        NOON + 500,
    )
    page = scraped(of, board(of, opened={"count": opened}))
    for band, number in {"on_track": 4, "warning": 0, "at_risk": 2, "breached": 1, "paused": 0}.items():
        assert page.of("loanpulse_open_cases", kpi="count", band=band) == number
    assert page.of("loanpulse_officer_open_cases", kpi="count", band="at_risk", officer="ann") == 1
    assert page.of("loanpulse_branch_open_cases", kpi="count", band="breached", branch="b") == 1
    assert {dict(labels)["officer"] for labels in page["loanpulse_officer_open_cases"]} == {"ann"}
    assert page.of("loanpulse_open_case_oldest_timestamp_seconds", kpi="count") == NOON / 1000 - 5
    assert page.of("loanpulse_open_case_next_due_timestamp_seconds", kpi="count") == NOON / 1000 + 0.5
    without = scraped(of, board(of, opened={"count": opened}), officer_detail=False)
    assert not without["loanpulse_officer_open_cases"]
    nothing = scraped(of, board(of, opened={"count": OpenFigures([{}], [[0] * 5], None, None)}))
    assert nothing.of("loanpulse_open_cases", kpi="count", band="breached") == 0
    assert not nothing["loanpulse_open_case_next_due_timestamp_seconds"]
    assert not scraped(of, board(of))["loanpulse_open_cases"]
