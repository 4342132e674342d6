"""The page as a whole: formats, help, escaping, the budget, staleness, health."""

import gzip
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics

from loanpulse.board.snapshot import GapStatus, LedgerStatus, OpenFigures
from loanpulse.rules.verification import Verified
from loanpulse.serve.book import book_of
from loanpulse.serve.families import KPI_FAMILIES
from loanpulse.serve.health_families import HEALTH_FAMILIES
from streams.calculus.buckets import bucket_of
from streams.runtime.rulebook import read_rulebook
from tests.board_lab import NOON, program, rule
from tests.exporter_lab import Moment, Page, board, book, exporter, scraped, seen, viewed

CATALOGUE = book_of(read_rulebook(None, None, "UTC"))
BOOK = book(program())
OF = BOOK.program
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
LONGEST_HELP = 1024  # what Grafana Mimir and others keep
SUFFIX = {"counter": "_total", "info": "_info"}


def whole_catalogue() -> Page:
    """A page in which every family of KPIs has series."""
    of = CATALOGUE.program
    found = [
        observation
        for measure in of.measures
        for observation in seen(
            of,
            measure.rule.id,
            at=None if measure.part == "stock" else NOON,
            n=5,
            b=2,
            bucket=bucket_of(2) if measure.rule.measure.kind == "duration" else 0,
            split={None: "", "currency": "EUR", "severity": "low"}[measure.rule.split],
        )
    ]
    opened = OpenFigures(
        [{}, {"officer": "ann"}, {"branch": "north"}], [[3, 0, 1, 0, 0]] * 3, NOON - 7_200_000, NOON + 60_000
    )
    return scraped(CATALOGUE, board(CATALOGUE, found, opened={"turnaround_time": opened}))


def test_promtool_finds_nothing_wrong_with_the_whole_catalogue(promtool: Path) -> None:
    page = whole_catalogue().text
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False, timeout=60
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_page_has_the_families_of_the_table_with_their_types_and_labels() -> None:
    page = whole_catalogue()
    for family in KPI_FAMILIES:
        if family.name != "loanpulse_window_incomplete":
            name = family.name + SUFFIX.get(family.type, "")
            allowed = {*family.labels, "currency", "severity"} | ({"window"} if "target" in name else set())
            assert page[name], name
            for labels in page[name]:
                assert set(family.labels) <= set(dict(labels)) <= allowed, name
    known = {family.name for family in [*KPI_FAMILIES, *HEALTH_FAMILIES]}
    shown = {name.removesuffix("_info") for name in page.families if not name.startswith("process_")}
    assert shown <= known


def test_open_metrics_are_given_to_who_asks_for_them() -> None:
    made = exporter(viewed(BOOK, board(BOOK, seen(OF, "count")))).page(OPEN_METRICS, "")
    assert made.headers["Content-Type"].startswith("application/openmetrics-text")
    families = {family.name: family for family in open_metrics(made.body.decode())}  # type: ignore[no-untyped-call]  # it has no types
    assert families["loanpulse_kpi"].type == "info"
    assert families["loanpulse_events"].type == "counter"
    assert families["loanpulse_kpi_count"].type == "unknown"


def test_a_page_is_compressed_for_who_can_read_that() -> None:
    of_one = exporter(viewed(BOOK, board(BOOK)))
    plain, packed = of_one.page("", "identity"), of_one.page("", "gzip, deflate")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body).startswith(b"# HELP loanpulse_kpi")
    assert len(packed.body) < len(plain.body) / 5


def test_help_says_window_anchor_and_denominator_and_that_a_windowed_gauge_is_an_exception() -> None:
    units = ("seconds", "ratio", "score", "count", "amount_minor")
    values = [
        family
        for family in KPI_FAMILIES
        if family.name.endswith(units) and "_goal_" not in family.name and "_timestamp_" not in family.name
    ]
    assert len(values) == 3 * len(units)
    for family in values:
        for word in (
            "window: ",
            "anchor: ",
            "denominator: ",
            "deliberate exception",
            "max without (instance)",
        ):
            assert word in family.help, family.name
    for family in [*KPI_FAMILIES, *HEALTH_FAMILIES]:
        assert len(family.help) <= LONGEST_HELP, family.name


def test_what_a_rule_says_may_hold_any_character() -> None:
    says = 'Quotes " and \\ and\na new line, ü.'
    of = book(program(rule("count", says=says)))
    page = scraped(of, board(of))
    [labels] = page["loanpulse_kpi_info"]
    assert dict(labels)["says"] == says
    assert 'says="Quotes \\" and \\\\ and\\na new line, ü."' in page.text


def test_the_budget_is_kept_and_what_is_left_out_is_counted() -> None:
    found = [s for number in range(30) for s in seen(OF, "count", f"o-{number}")]
    found += [s for number in range(30) for s in seen(OF, "approval", f"o-{number}", b=1)]
    whole = scraped(BOOK, board(BOOK, found))
    everything = whole.of("loanpulse_series")
    assert (everything, whole.of("loanpulse_series_dropped")) == (whole.kpi_series, 0)
    assert everything is not None
    for budget in (int(everything) - 1, int(everything) - 31, 40, 0):
        page = scraped(BOOK, board(BOOK, found), series_budget=budget)
        assert page.kpi_series == page.of("loanpulse_series")
        assert page.kpi_series <= budget == page.of("loanpulse_series_budget")
        assert page.of("loanpulse_series_dropped") == everything - page.kpi_series > 0


def test_samples_are_left_out_before_values_and_no_ranking_is_cut_in_the_middle() -> None:
    found = [s for number in range(30) for s in seen(OF, "approval", f"o-{number}", b=1)]
    everything = scraped(BOOK, board(BOOK, found)).kpi_series
    page = scraped(BOOK, board(BOOK, found), series_budget=everything - 1)
    assert len(page["loanpulse_officer_ratio"]) == 30
    assert not page["loanpulse_officer_samples"]
    page = scraped(
        BOOK, board(BOOK, found), series_budget=everything - 31 - len(page["loanpulse_branch_samples"])
    )
    assert not page["loanpulse_officer_ratio"]
    assert page["loanpulse_kpi_ratio"]


@pytest.mark.parametrize("old", ["computed_at_ms", "complete_through_ms"])
def test_an_old_board_loses_its_kpis_and_keeps_its_health(old: str) -> None:
    clock = Moment()
    instants: dict[str, Any] = {old: NOON - 100_000}
    snapshot = board(BOOK, seen(OF, "count"), **instants)
    of_one = exporter(viewed(BOOK, snapshot), clock, stale_seconds=120)
    clock.at = NOON + 20_000
    fresh = Page(of_one.page("", "").body.decode())
    assert (fresh.kpi_series > 0, fresh.of("loanpulse_snapshot_stale")) == (True, 0)
    clock.at += 1
    stale = Page(of_one.page("", "").body.decode())
    assert (stale.kpi_series, stale.of("loanpulse_series"), stale.of("loanpulse_snapshot_stale")) == (0, 0, 1)
    assert {
        name
        for name, _ in fresh.series
        if not name.startswith(("loanpulse_kpi", "loanpulse_branch", "loanpulse_off"))
    } == {name for name, _ in stale.series}
    clock.at -= 1
    assert Page(of_one.page("", "").body.decode()).kpi_series == fresh.kpi_series


def test_a_board_that_cannot_say_up_to_when_it_is_complete_shows_no_kpis() -> None:
    page = scraped(BOOK, board(BOOK, seen(OF, "count"), complete_through_ms=None))
    assert (page.kpi_series, page.of("loanpulse_snapshot_stale")) == (0, 1)
    assert page.of("loanpulse_board_complete_through_timestamp_seconds") is None
    assert page.of("loanpulse_board_computed_timestamp_seconds") == NOON / 1000


def test_without_a_board_there_is_health() -> None:
    page = scraped(BOOK, None)
    assert (page.kpi_series, page.of("loanpulse_snapshot_stale")) == (0, 1)
    assert page.of("loanpulse_redis_up") == 1
    assert not page["loanpulse_events_total"]


def test_the_engines_health_is_shown() -> None:
    ledgers = [
        LedgerStatus(
            "loan-events", 0, "live", 7, NOON, {"applied": 5, "dead_letter": 3, "dead_letter:invalid": 3}
        ),
        LedgerStatus(
            "loan-events", 1, "stopped: the topic was made anew", 9, None, {"dead_letter:future": 1}
        ),
    ]
    gap = GapStatus("loan-events", 0, 0, 1, "disk lost")
    page = scraped(BOOK, board(BOOK, ledgers=ledgers, gaps=[gap], tick_seconds=0.5))
    first = {"topic": "loan-events", "partition": "0"}
    assert page.of("loanpulse_events_total", **first, outcome="applied") == 5
    assert page.of("loanpulse_dead_letters_total", reason="invalid") == 3
    assert page.of("loanpulse_dead_letters_total", reason="future") == 1
    assert page.of("loanpulse_ledger_seq", **first) == 7
    assert page.of("loanpulse_ledger_state", **first, state="live") == 1
    assert page.of("loanpulse_ledger_state", topic="loan-events", partition="1", state="stopped") == 1
    assert page.of("loanpulse_ledger_through_timestamp_seconds", **first) == NOON / 1000
    assert page.of("loanpulse_ledger_through_timestamp_seconds", topic="loan-events", partition="1") is None
    assert page.of("loanpulse_board_tick_duration_seconds") == 0.5
    assert page.of("loanpulse_board_gaps") == 1
    assert page.of("loanpulse_board_lease_held") == 1


def test_what_the_last_verification_found_is_shown() -> None:
    found = [
        Verified("loan-events", 0, NOON, 2.5, cases=9, cells=90),
        Verified("loan-events", 1, NOON, 0.5, cases=9, cells=90, drift=2, clients=1),
        Verified("loan-events", 2, NOON, 0.1, trouble="it is never still"),
    ]
    page = Page(exporter(viewed(BOOK, None, verified=found)).page("", "").body.decode())
    of = {number: {"topic": "loan-events", "partition": str(number)} for number in range(3)}
    drift = [page.of("loanpulse_ledger_drift", **labels) for labels in of.values()]
    assert drift == [0, 3, None]
    assert page.of("loanpulse_ledger_verified_timestamp_seconds", **of[0]) == NOON / 1000
    assert page.of("loanpulse_ledger_verification_duration_seconds", **of[0]) == 2.5


def test_while_redis_does_not_answer_nothing_is_said_of_the_lease() -> None:
    view = viewed(BOOK, board(BOOK, seen(OF, "count")), redis_up=False)
    page = Page(exporter(view).page("", "").body.decode())
    assert (page.of("loanpulse_redis_up"), page.of("loanpulse_board_lease_held")) == (0, None)
    assert page.of("loanpulse_kpi_count", kpi="count", window="1h") == 1


def test_a_page_says_which_rules_and_what_the_process_uses() -> None:
    page = scraped(BOOK, board(BOOK))
    [labels] = page["loanpulse_build_info"]
    assert dict(labels)["rules"] == OF.digest
    assert page["process_resident_memory_bytes"]
