"""alertmanager.yml: what is told together, what silences what, who is told when."""

from collections.abc import Iterable
from typing import Any

from kpi_rules.organisation import Organisation
from loanpulse.deploy.alert import PREFIX
from loanpulse.deploy.board_alerts import BOARD_OLD, BOARD_UNHELD
from loanpulse.deploy.figures import OFF_TARGET
from loanpulse.deploy.hours import closed_days, opening_hours
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.ledger_alerts import LAG, LEDGER_STOPPED, WORKER_DOWN
from loanpulse.deploy.open_cases import NAMES
from loanpulse.deploy.reader_alerts import ABSENT, READER_STALE, REDIS_DOWN, REDIS_FULL, REDIS_MEMORY, STALE

CRITICAL, KPIS, ENGINE = "loanpulse-critical", "loanpulse-kpis", "loanpulse-engine"
"""Receivers: whatever cannot wait; KPIs and cases in business hours; the engine's warnings."""
OPEN, CLOSED = "business-hours", "holidays"
_ABOUT_KPIS = (OFF_TARGET, *NAMES.values())
_PLACE = ["job", "topic", "partition"]


def alertmanager_config(organisation: Organisation, at: Installation) -> dict[str, Any]:
    """A configuration that works by itself; routes and inhibitions can be copied into another."""
    calendar = organisation.base_calendar
    closed = closed_days(calendar, at.holiday_years)
    intervals = [{"name": OPEN, "time_intervals": opening_hours(calendar)}]
    if closed:
        intervals.append({"name": CLOSED, "time_intervals": closed})
    return {
        "route": _route(at, has_holidays=bool(closed)),
        "inhibit_rules": _inhibitions(),
        "time_intervals": intervals,
        "receivers": [
            {"name": name, "webhook_configs": [{"url": at.webhook, "send_resolved": True}]}
            for name in (CRITICAL, KPIS, ENGINE)
        ],
    }


def _route(at: Installation, *, has_holidays: bool) -> dict[str, Any]:
    """An alert goes to the first route that fits; what none expects goes to the engine's people."""
    hours = {"active_time_intervals": [OPEN]} | ({"mute_time_intervals": [CLOSED]} if has_holidays else {})
    return {
        "receiver": ENGINE,
        "group_by": ["alertname", "kpi", "branch"],
        "group_wait": at.span(30),
        "group_interval": at.span(300),
        "repeat_interval": at.span(4 * 3600),
        "routes": [
            {"matchers": ['severity="critical"'], "receiver": CRITICAL, "repeat_interval": at.span(3600)},
            {"matchers": ['severity="warning"', 'kpi!=""'], "receiver": KPIS, **hours},
        ],
    }


def _inhibitions() -> list[dict[str, Any]]:
    """Sources never stand among their own targets: an alert must not silence itself."""
    return [
        _silences([NAMES["breached"]], [NAMES["at_risk"]], ["job", "kpi", "branch"]),
        _silences([STALE, ABSENT, REDIS_DOWN], _ABOUT_KPIS, []),
        _silences([REDIS_DOWN], [STALE, READER_STALE, BOARD_OLD, BOARD_UNHELD, WORKER_DOWN, LAG], ["job"]),
        _silences([REDIS_FULL], [REDIS_MEMORY], ["job"]),
        _silences([BOARD_UNHELD], [BOARD_OLD], ["job"]),
        _silences([LEDGER_STOPPED], [WORKER_DOWN], _PLACE),
        _silences([LEDGER_STOPPED, WORKER_DOWN], [LAG], _PLACE),
    ]


def _silences(sources: Iterable[str], targets: Iterable[str], equal: list[str]) -> dict[str, Any]:
    """While one of the sources fires, the targets are not told; with `equal` only those that have the same labels."""
    return {
        "source_matchers": [_any(sources)],
        "target_matchers": [_any(targets)],
        **({"equal": equal} if equal else {}),
    }


def _any(names: Iterable[str]) -> str:
    said = [PREFIX + name for name in names]
    return f'alertname="{said[0]}"' if len(said) == 1 else f'alertname=~"{"|".join(said)}"'
