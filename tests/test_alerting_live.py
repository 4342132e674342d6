"""Alerts end to end: a page is scraped, Prometheus' alerts reach Alertmanager, and whoever listens is told, once and in order."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kpi_rules.organisation import Organisation
from kpi_rules.rulebook import Rulebook
from streams.runtime.rulebook import read_rules
from tests.alerting_lab import Alerting, Find, Web, alerting, serving
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

ALWAYS_OPEN = {
    "weekly": {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
}
BOOK = Rulebook(tuple(read_rules(None)), Organisation.model_validate({"calendar": ALWAYS_OPEN}))
HEALTHY = "loanpulse_snapshot_stale 0\nloanpulse_redis_up 1\nloanpulse_board_lease_held 1\n"
STALE = HEALTHY.replace("stale 0", "stale 1")
OFF_TARGET, BREACHED, AT_RISK = "LoanPulseKpiOffTarget", "LoanPulseCasesBreached", "LoanPulseCasesAtRisk"


class Scene(NamedTuple):
    """A running pair that scrapes the page of `web`, and tells it."""

    web: Web
    pair: Alerting


@pytest.fixture
def scene(program: Find, tmp_path: Path) -> Iterator[Scene]:
    with serving() as (web, place):
        web.page = HEALTHY
        with alerting(program, tmp_path, BOOK, place, f"http://{place}/alerts") as pair:
            yield Scene(web, pair)


def cases(branch: str, *, at_risk: int = 0, breached: int = 0, kpi: str = "turnaround_time") -> str:
    """What the page shows of a branch's open cases."""
    return "".join(
        f'loanpulse_branch_open_cases{{kpi="{kpi}",band="{band}",branch="{branch}"}} {count}\n'
        for band, count in (("at_risk", at_risk), ("breached", breached))
    )


def statuses(web: Web, name: str) -> list[tuple[str | None, str]]:
    """The notifications about an alert, in order: the branch of each, and whether it fires."""
    return [(told.group.get("branch"), told.status) for told in web.of(name)]


def another_group_comes_and_goes(web: Web) -> None:
    """Between the two lies a group interval, in which Alertmanager looks at every other group too."""
    unheld, page = "LoanPulseBoardUnheld", web.page
    web.page = page.replace("held 1", "held 0")
    wait_until(lambda: (None, "firing") in statuses(web, unheld))
    web.page = page
    wait_until(lambda: (None, "resolved") in statuses(web, unheld))


def test_breached_cases_are_told_by_branch_silence_those_at_risk_and_are_told_to_be_over(
    scene: Scene,
) -> None:
    web, pair = scene
    web.page = HEALTHY + cases("north", at_risk=4, breached=2) + cases("south", at_risk=1)
    wait_until(lambda: {BREACHED, AT_RISK} <= {told.name for told in web.told})
    breached = web.of(BREACHED)[0]
    (alert,) = breached.alerts
    assert breached.group == {"alertname": BREACHED, "kpi": "turnaround_time", "branch": "north"}
    assert (breached.receiver, breached.status) == ("loanpulse-critical", "firing")
    assert alert["annotations"]["value"] == "2"
    assert alert["annotations"]["cases_url"] == "/cases?at_risk=1&kpi=turnaround_time&branch=north"
    assert alert["labels"]["kra"] == "application_processing"
    wait_until(lambda: AT_RISK in pair.silenced())
    web.page = HEALTHY + cases("north") + cases("south")
    wait_until(lambda: ("north", "resolved") in statuses(web, BREACHED))
    wait_until(lambda: ("south", "resolved") in statuses(web, AT_RISK))
    assert {branch for branch, _ in statuses(web, AT_RISK)} == {"south"}
    assert {told.receiver for told in web.of(AT_RISK)} == {"loanpulse-kpis"}


def test_a_value_off_target_is_told_with_its_value_and_target(scene: Scene) -> None:
    labels = 'kpi="turnaround_time",window="24h"'
    scene.web.page = (
        f'{HEALTHY}loanpulse_kpi_seconds{{{labels},quantile="0.9"}} 147600\n'
        f"loanpulse_kpi_status{{{labels}}} 2\nloanpulse_kpi_samples{{{labels}}} 12\n"
        'loanpulse_kpi_target{kpi="turnaround_time",bound="at_most"} 144000\n'
    )
    wait_until(lambda: bool(scene.web.of(OFF_TARGET)), 60)
    told = scene.web.of(OFF_TARGET)[0]
    (alert,) = told.alerts
    assert told.group == {"alertname": OFF_TARGET, "kpi": "turnaround_time"}
    assert told.receiver == "loanpulse-kpis"
    assert alert["annotations"]["summary"] == (
        "Turnaround time for application processing off target: 41.0 h, wanted at most 40.0 h"
    )


def test_figures_that_are_lost_are_told_and_resolve_nothing(scene: Scene) -> None:
    web, pair = scene
    here = cases("north", breached=2)
    web.page = HEALTHY + here
    wait_until(lambda: ("north", "firing") in statuses(web, BREACHED))
    web.page = STALE
    wait_until(lambda: bool(web.of("LoanPulseStale")))
    wait_until(lambda: BREACHED not in pair.firing())
    another_group_comes_and_goes(web)
    web.page = HEALTHY + here
    wait_until(lambda: BREACHED in pair.firing())
    wait_until(lambda: web.of("LoanPulseStale")[-1].status == "resolved")
    assert ("north", "resolved") not in statuses(web, BREACHED)


def test_a_page_that_nobody_serves_any_more_is_told(program: Find, tmp_path: Path) -> None:
    with serving() as (web, sink), serving() as (page, target):
        page.page = HEALTHY
        with alerting(program, tmp_path, BOOK, target, f"http://{sink}/alerts") as pair:
            wait_until(lambda: pair.prometheus.ask("/api/v1/query?query=up")["data"]["result"] != [])
            page.page = "{"  # no page of metrics
            wait_until(
                lambda: {"LoanPulseAbsent", "LoanPulseReaderDown"} <= {told.name for told in web.told}, 60
            )
        assert web.of("LoanPulseAbsent")[0].receiver == "loanpulse-critical"
