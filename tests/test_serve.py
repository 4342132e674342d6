"""serve and show as an operator meets them: real processes on a real Redis, with the ledgers of a simulated lender."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import redis as plain_redis

from loanpulse.lab.ports import free_port
from loanpulse.lab.redis_server import Redis
from loanpulse.lab.simulator.lender import Lender
from streams.runtime.clock import WallClock
from streams.runtime.keys import NamespaceKeys
from streams.runtime.rulebook import compile_program
from streams.runtime.settings import Settings, environ_of
from tests.board_processes import address_of, ask, get, process
from tests.exporter_lab import Page
from tests.lender_board import store
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.slow]

DAY_MS = 86_400_000
HISTORY_DAYS = 30


class Site(NamedTuple):
    """A Redis with a lender's ledgers, a board process, a serve process."""

    redis: Redis
    settings: Settings
    events: int
    url: str

    def page(self) -> Page:
        status, body = get(f"{self.url}/metrics")
        assert status == 200
        return Page(body)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    now = WallClock().now_ms()
    lender = Lender(3, "Europe/Amsterdam", 0.3)
    told = [arrival.event for arrival in lender.history(now - HISTORY_DAYS * DAY_MS, now)]
    config = home / "organisation.json"
    config.write_text(json.dumps(lender.organisation()), "utf-8")
    redis = Redis.start(home / "redis")
    settings = Settings(
        redis=redis.url, config=config, tz=lender.zone, serve_port=0, stale_seconds=3600, home=home / "none"
    )
    try:
        program = compile_program(None, config, lender.zone)
        asyncio.run(store(told, redis.url, settings.namespace, program, now))
        with (
            process("serve", settings, home / "serve.log") as serve,
            process("board", settings, home / "board.log"),
        ):
            url = address_of(serve)
            wait_until(lambda: ask(f"{url}/readyz")[0] == 200)
            yield Site(redis, settings, len(told), url)
    finally:
        redis.stop()


def loanpulse(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("LOANPULSE_")}
    return subprocess.run(
        [sys.executable, "-m", "loanpulse", *arguments],
        env=plain | environ_of(settings),
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


def test_a_lenders_figures_can_be_scraped(site: Site, promtool: Path) -> None:
    page = site.page()
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=page.text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    applied = sum(
        v for labels, v in page["loanpulse_events_total"].items() if ("outcome", "applied") in labels
    )
    assert applied == site.events
    rate = page.of("loanpulse_kpi_ratio", kpi="approval_rate", window="30d")
    assert rate is not None
    assert 0.5 < rate < 0.95
    assert len(page["loanpulse_officer_ratio"]) > 100
    assert page.of("loanpulse_series_dropped") == 0


def test_ready_and_alive(site: Site) -> None:
    assert ask(f"{site.url}/readyz") == (200, {"ready": True, "reasons": [], "stale": []})
    status, said = ask(f"{site.url}/healthz")
    assert (status, said["alive"]) == (200, True)


def test_show_has_every_area_and_is_of_the_same_board(site: Site) -> None:
    shown = loanpulse(site.settings, "show")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"{site.events:,} events applied, 0 rejected" in shown.stdout
    for words in (
        "Application processing",
        "Loan approval rate",
        "Net Promoter Score (NPS)",
    ):
        assert words in shown.stdout
    assert "other rules" not in shown.stdout


def test_show_ranks_officers_and_knows_its_options(site: Site) -> None:
    shown = loanpulse(site.settings, "show", "--by", "officer", "--kpi", "approval_rate", "--top", "3")
    assert "Loan approval rate (approval_rate), by officer" in shown.stdout
    assert re.search(r"^and \d+ more", shown.stdout, re.MULTILINE)
    assert "sys-" not in shown.stdout
    wrong = loanpulse(site.settings, "show", "--kpi", "aproval_rate")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.count("\n") == 1
    assert "approval_rate" in wrong.stderr


def test_goals_are_shown_of_the_organisation_and_by_member(site: Site) -> None:
    shown = loanpulse(site.settings, "goals")
    assert (shown.returncode, shown.stderr) == (0, "")
    for words in (
        "Client satisfaction rating",
        "Number of repeat clients",
        "8.0 h   4.0 h",
        "12.0 %  24.0 %",
    ):
        assert words in shown.stdout
    assert "Improvement goals" in loanpulse(site.settings, "show").stdout
    by_branch = loanpulse(site.settings, "goals", "--by", "branch", "--top", "3").stdout
    assert "Client satisfaction rating (client_satisfaction), by branch" in by_branch
    assert re.search(r"^and \d+ more", by_branch, re.MULTILINE)
    assert len(site.page()["loanpulse_kpi_goal_verdict"]) == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kpi", "approval_rate"], "approval_rate has no goal; those that have one: client_satisfaction, "),
        (["--kpi", "referal_rate"], "there is no KPI 'referal_rate': did you mean 'referral_rate'?"),
        (["--by", "officer", "--kpi", "referral_rate"], "referral_rate has no goal by officer; those that"),
    ],
)
def test_a_goal_that_there_is_not_is_bad_input(site: Site, arguments: list[str], said: str) -> None:
    wrong = loanpulse(site.settings, "goals", *arguments)
    assert (wrong.returncode, wrong.stdout, wrong.stderr.count("\n")) == (2, "", 1)
    assert said in wrong.stderr


def test_without_a_board_show_fails_with_one_line(site: Site) -> None:
    shown = loanpulse(site.settings.model_copy(update={"namespace": "empty"}), "show")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr == "no board in the namespace empty yet: start loanpulse board\n"


def test_what_another_version_stored_makes_serve_unready_and_show_fail(site: Site) -> None:
    other = site.settings.model_copy(update={"namespace": "other"})
    with plain_redis.Redis.from_url(site.redis.url) as client:
        client.set(NamespaceKeys("other").board_meta, b'{"version": 2}')
    shown = loanpulse(other, "show")
    assert (shown.returncode, shown.stderr.count("\n")) == (1, 1)
    with process("serve", other, site.settings.home.parent / "other.log") as serve:
        status, said = ask(f"{address_of(serve)}/readyz")
    assert (status, said["ready"]) == (503, False)
    assert "run one version of LoanPulse" in said["reasons"][0]


def test_a_port_that_is_taken_is_one_line(site: Site) -> None:
    port = int(site.url.rpartition(":")[2])
    taken = loanpulse(site.settings.model_copy(update={"serve_port": port}), "serve")
    assert taken.returncode == 1
    assert "LOANPULSE_SERVE_PORT" in taken.stderr.splitlines()[-1]


def test_serve_is_unready_while_redis_is_down_and_recovers_by_itself(
    own_redis: Any, namespace: str, tmp_path: Path
) -> None:
    redis = own_redis()
    settings = Settings(redis=redis.url, namespace=namespace, serve_port=free_port())
    with process("serve", settings, tmp_path / "serve.log") as serve:
        url = address_of(serve)
        assert ask(f"{url}/readyz")[1]["reasons"] == ["no board has been stored yet"]
        with process("board", settings, tmp_path / "board.log"):
            wait_until(lambda: ask(f"{url}/readyz")[0] == 200)
            status, said = ask(f"{url}/readyz")
            assert (status, said["stale"]) == (200, ["; ".join(missing(said))])
            redis.kill()
            wait_until(lambda: ask(f"{url}/readyz")[0] == 503)
            assert ask(f"{url}/readyz")[1]["reasons"] == ["Redis does not answer"]
            assert ask(f"{url}/healthz")[0] == 200
            page = Page(get(f"{url}/metrics")[1])
            assert (page.of("loanpulse_redis_up"), page.of("loanpulse_snapshot_stale")) == (0, 1)
            redis.restart()
            wait_until(lambda: ask(f"{url}/readyz")[0] == 200)
        os.kill(serve.pid, signal.SIGTERM)
        wait_until(lambda: serve.failure() is not None)
        assert "Application shutdown complete" in serve.log.read_text()


def missing(said: dict[str, Any]) -> list[str]:
    """What a board without any worker lacks, topic by topic."""
    return [
        part for part in said["stale"][0].split("; ") if part.endswith("has not been opened by any worker")
    ]
