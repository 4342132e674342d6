"""The generated configuration of Alertmanager: who is told what, when, together, and what silences what."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import yaml

from kpi_rules.calendars import Calendar
from kpi_rules.organisation import Organisation
from loanpulse.deploy.alert import Alert
from loanpulse.deploy.alertmanager_config import (
    CLOSED,
    CRITICAL,
    ENGINE,
    KPIS,
    OPEN,
    alertmanager_config,
)
from loanpulse.deploy.hours import closed_days, opening_hours
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.text import text
from tests.alert_lab import ALERTS, AT, NAMES, run
from tests.docs_lab import block
from tests.docs_tables import ROOT
from tests.programs import Program

COMMITTED = ROOT / "deploy" / "prometheus" / "alertmanager.yml"
AMSTERDAM = Organisation.model_validate(
    {
        "tz": "Europe/Amsterdam",
        "calendar": {
            "weekly": {
                "mon": [["09:00", "12:30"], ["13:00", "17:00"]],
                "tue": [["09:00", "17:00"]],
                "wed": [["09:00", "17:00"]],
                "sat": [["20:00", "24:00"]],
            },
            "holidays": ["2026-12-24"],
            "country": "NL",
        },
    }
)
Find = Callable[[Program], Path]


def written(into: Path, organisation: Organisation, at: Installation = AT) -> Path:
    path = into / "alertmanager.yml"
    path.write_text(text(alertmanager_config(organisation, at)))
    return path


def test_amtool_finds_nothing_wrong(program: Find, tmp_path: Path) -> None:
    at = Installation(holiday_years=(2026, 2027), webhook="https://hook.example/alerts", pace=0.01)
    for config in (COMMITTED, written(tmp_path, AMSTERDAM, at)):
        code, said = run(program("amtool"), "check-config", config)
        assert code == 0, said


def receivers(program: Find, config: Path, **labels: str) -> list[str]:
    """Who is told of an alert with these labels, by a configuration."""
    words = [f"{name}={value}" for name, value in labels.items()]
    code, said = run(program("amtool"), "config", "routes", "test", f"--config.file={config}", *words)
    assert code == 0, said
    return said.splitlines()[0].split(",")


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.labels.get('kpi', '')}")
def test_an_alert_goes_to_whom_it_concerns(alert: Alert, program: Find) -> None:
    wanted = CRITICAL if alert.severity == "critical" else KPIS if "kpi" in alert.labels else ENGINE
    labels = {"alertname": alert.name, "severity": alert.severity, **alert.labels}
    assert receivers(program, COMMITTED, **labels) == [wanted]


def test_an_alert_of_somebody_else_is_not_lost(program: Find) -> None:
    assert receivers(program, COMMITTED, alertname="Other") == [ENGINE]


def test_the_documented_route_of_a_branch_goes_before_the_others(program: Find, tmp_path: Path) -> None:
    config = alertmanager_config(Organisation(), AT)
    own = yaml.safe_load(block("alertmanager", "alerting.md"))
    config["route"]["routes"] = own["routes"] + config["route"]["routes"]
    config["receivers"] += own["receivers"]
    path = tmp_path / "alertmanager.yml"
    path.write_text(text(config))
    cases = {"alertname": "LoanPulseCasesBreached", "severity": "critical", "kpi": "turnaround_time"}
    assert receivers(program, path, **cases, branch="north") == ["north-street"]
    assert receivers(program, path, **cases, branch="south") == [CRITICAL]
    code, said = run(program("amtool"), "check-config", path)
    assert code == 0, said


def test_alerts_are_told_together_by_name_kpi_and_branch() -> None:
    route = alertmanager_config(Organisation(), AT)["route"]
    assert route["group_by"] == ["alertname", "kpi", "branch"]
    assert not any("group_by" in inner for inner in route["routes"])


def test_only_warnings_about_kpis_wait_for_opening_hours() -> None:
    config = alertmanager_config(AMSTERDAM, AT)
    waiting = {
        route["receiver"]: (route["active_time_intervals"], route["mute_time_intervals"])
        for route in config["route"]["routes"]
        if "active_time_intervals" in route
    }
    assert waiting == {KPIS: ([OPEN], [CLOSED])}
    assert "mute_time_intervals" not in str(alertmanager_config(Organisation(), AT))


def test_opening_hours_are_those_of_the_organisation_in_its_zone() -> None:
    found = opening_hours(AMSTERDAM.base_calendar)
    assert {interval["location"] for interval in found} == {"Europe/Amsterdam"}
    by_day = {
        day: [(time["start_time"], time["end_time"]) for time in interval["times"]]
        for interval in found
        for day in interval["weekdays"]
    }
    assert by_day == {
        "monday": [("09:00", "12:30"), ("13:00", "17:00")],
        "tuesday": [("09:00", "17:00")],
        "wednesday": [("09:00", "17:00")],
        "saturday": [("20:00", "24:00")],
    }
    assert opening_hours(Organisation().base_calendar) == [
        {
            "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "times": [{"start_time": "09:00", "end_time": "17:00"}],
            "location": "UTC",
        }
    ]


def test_times_are_texts_that_no_reader_of_yaml_takes_for_numbers(tmp_path: Path) -> None:
    """YAML 1.1 reads 20:00 as 1200, base 60."""
    config = yaml.safe_load(written(tmp_path, AMSTERDAM).read_text())
    times = [time for interval in config["time_intervals"][0]["time_intervals"] for time in interval["times"]]
    assert all(isinstance(end, str) for time in times for end in time.values())


def test_holidays_are_those_listed_and_of_years_that_are_named_the_countrys() -> None:
    calendar = AMSTERDAM.base_calendar

    def days(*years: int) -> set[date]:
        return {
            date(int(day["years"][0]), int(day["months"][0]), int(day["days_of_month"][0]))
            for day in closed_days(calendar, years)
        }

    assert days() == {date(2026, 12, 24)}
    kings_day = date(2027, 4, 27)
    assert kings_day in days(2027)
    assert all(calendar.is_holiday(day) for day in days(2026, 2027))
    assert closed_days(Calendar(tz="UTC"), [2026]) == []


def named(matchers: list[str]) -> set[str]:
    (matcher,) = matchers
    return set(re.findall(r"LoanPulse\w+", matcher))


def test_what_silences_is_never_silenced_by_itself_and_both_are_alerts() -> None:
    for rule in alertmanager_config(Organisation(), AT)["inhibit_rules"]:
        sources, targets = named(rule["source_matchers"]), named(rule["target_matchers"])
        assert sources | targets <= set(NAMES)
        assert not sources & targets


def silencers(target: str) -> dict[str, list[str]]:
    """What silences an alert, and on which labels they must agree."""
    return {
        source: rule.get("equal", [])
        for rule in alertmanager_config(Organisation(), AT)["inhibit_rules"]
        if target in named(rule["target_matchers"])
        for source in named(rule["source_matchers"])
    }


def test_a_cause_silences_what_follows_from_it() -> None:
    lost: dict[str, list[str]] = {"LoanPulseStale": [], "LoanPulseAbsent": [], "LoanPulseRedisDown": []}
    place = ["job", "topic", "partition"]
    assert silencers("LoanPulseKpiOffTarget") == silencers("LoanPulseCasesBreached") == lost
    assert silencers("LoanPulseCasesAtRisk") == lost | {"LoanPulseCasesBreached": ["job", "kpi", "branch"]}
    assert silencers("LoanPulseLag") == {
        "LoanPulseWorkerDown": place, "LoanPulseLedgerStopped": place, "LoanPulseRedisDown": ["job"],
    }  # fmt: skip
    for cause in ("LoanPulseAbsent", "LoanPulseRedisDown", "LoanPulseLedgerStopped", "LoanPulseUnheld"):
        assert silencers(cause) == {}
