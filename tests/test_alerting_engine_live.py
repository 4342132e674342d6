"""The whole way at work: a lender lives, a loan runs out of time, and all who listen are told until it is decided."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from loanpulse.lab.kafka_server import Kafka
from loanpulse.lab.redis_server import Redis
from schemas.alert import ESCALATED, RAISED, RESOLVED, AlertEvent
from tests.alerting_lab import Alerting, Find, Told, Web, alerting, serving
from tests.live_lender import LiveLender, live_lender
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

KPI, BRANCH = "turnaround_time", "by-hand"
TARGET_SECONDS = 56
AT_RISK_SECONDS = TARGET_SECONDS * 3 // 4
AT_RISK, BREACHED = "LoanPulseCasesAtRisk", "LoanPulseCasesBreached"
RUN_OUT = [(RAISED, "at_risk"), (ESCALATED, "breached")]
PATIENCE = 2.0 * TARGET_SECONDS


class Scene(NamedTuple):
    """A lender at work, and the pair that watches it and tells `web`."""

    lender: LiveLender
    web: Web
    pair: Alerting

    def notifications(self, name: str, branch: str = BRANCH) -> list[Told]:
        """What the webhook got about a branch's open loans."""
        group = {"alertname": name, "kpi": KPI, "branch": branch}
        return [told for told in self.web.of(name) if told.group == group]

    def statuses(self, name: str) -> list[str]:
        """Whether the alert about the branch fires, by each notification."""
        return [told.status for told in self.notifications(name)]

    def loans(self) -> dict[str, list[AlertEvent]]:
        """What the topic of alerts has about each loan."""
        prefix = f"{KPI}/"
        told = self.lender.told().items()
        return {name.removeprefix(prefix): events for name, events in told if name.startswith(prefix)}

    def steps(self, loan: str) -> list[tuple[str, str]]:
        return steps(self.loans().get(loan, []))


def steps(events: list[AlertEvent]) -> list[tuple[str, str]]:
    """Type and band of each event."""
    return [(event.type, event.data.band) for event in events]


@pytest.fixture(scope="module")
def scene(
    program: Find, kafka: Kafka, redis_server: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    home = tmp_path_factory.mktemp("lender")
    target = {KPI: f"{TARGET_SECONDS} seconds"}
    with (
        live_lender(kafka.bootstrap, redis_server.url, home, target) as lender,
        serving() as (web, sink),
        alerting(program, home / "watch", lender.book, lender.page, f"http://{sink}/alerts") as pair,
    ):
        wait_until(lambda: sees_figures(pair))
        yield Scene(lender, web, pair)
        lender.check()


def sees_figures(pair: Alerting) -> bool:
    """Prometheus has scraped, and does not take figures for lost any more, as it does before that."""
    found = pair.prometheus.ask("/api/v1/query?query=loanpulse_branch_open_cases")["data"]["result"]
    return bool(found) and not pair.firing() & {"LoanPulseAbsent", "LoanPulseStale"}


def test_a_loan_that_runs_out_of_time_is_told_by_alertmanager_and_in_the_topic_until_it_is_decided(
    scene: Scene,
) -> None:
    lender, pair = scene.lender, scene.pair
    lender.submit("L-first", BRANCH, seconds_ago=AT_RISK_SECONDS - 2)
    wait_until(lambda: scene.statuses(AT_RISK) == ["firing"])
    (near,) = scene.notifications(AT_RISK)
    (alert,) = near.alerts
    assert near.receiver == "loanpulse-kpis"
    assert alert["annotations"]["value"] == "1"
    assert alert["annotations"]["target"] == f"≤ {TARGET_SECONDS} seconds"

    wait_until(lambda: scene.statuses(BREACHED) == ["firing"])
    (over,) = scene.notifications(BREACHED)
    assert (over.receiver, len(over.alerts)) == ("loanpulse-critical", 1)
    wait_until(lambda: scene.steps("L-first") == RUN_OUT)

    lender.submit("L-second", BRANCH, seconds_ago=AT_RISK_SECONDS + 1)
    wait_until(lambda: scene.steps("L-second") == RUN_OUT[:1])
    wait_until(lambda: AT_RISK in pair.silenced(kpi=KPI, branch=BRANCH))
    assert scene.statuses(AT_RISK) == ["firing"]

    lender.decide("L-first")
    lender.decide("L-second")
    wait_until(lambda: scene.statuses(BREACHED)[-1] == "resolved")
    wait_until(lambda: scene.steps("L-first") == [*RUN_OUT, (RESOLVED, "breached")])
    events = scene.loans()["L-first"]
    assert [event.data.ended for event in events] == [None, None, "answered"]
    assert len({event.data.alert for event in events}) == 1


def test_a_loan_of_the_simulator_that_nobody_decides_is_told_before_and_after_its_due_time(
    scene: Scene,
) -> None:
    found: list[AlertEvent] = []

    def is_found() -> bool:
        """A loan that came in while we looked on; most of those are decided days later."""
        told = (events[-1] for events in scene.loans().values() if steps(events) == RUN_OUT)
        found.extend(event for event in told if event.data.branch != BRANCH)
        return bool(found)

    wait_until(is_found, PATIENCE)
    case, branch = found[0].data.case, found[0].data.branch
    assert case is not None
    wait_until(lambda: bool(scene.notifications(BREACHED, branch)))
    scene.lender.decide(case.subject, case.key)
    wait_until(lambda: scene.steps(case.subject) == [*RUN_OUT, (RESOLVED, "breached")])
