"""Alerts about LoanPulse's own alerts on single cases and values: that they are published, and reach their receivers."""

from collections.abc import Iterator

from loanpulse.deploy import recordings
from loanpulse.deploy.alert import Alert, Frozen, Proof, Rising
from loanpulse.deploy.engine_alert import engine_alert, grown
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.scenes import always, selected, shown_by_all

WAIT_SECONDS = 120
"""Alerts are published within a second; a publisher in trouble tries again after a minute at most."""
SILENT_SECONDS = 60
"""A dispatcher says each second that it runs."""
_DELIVERIES = "loanpulse_alert_deliveries_total"
_FAILED = {"receiver": "leads", "outcome": "failed"}


def delivery_alerts(at: Installation) -> Iterator[Alert]:
    """In the order of an alert's way."""
    yield _waiting(at)
    yield _dispatcher_down(at)
    yield _undelivered(at)


def _waiting(at: Installation) -> Alert:
    oldest = "loanpulse_alert_waiting_oldest_timestamp_seconds"
    return engine_alert(
        at, "AlertsWaiting", "critical", 60,
        f"time() - max without (instance) ({oldest}) > {WAIT_SECONDS}",
        "Alerts wait to be published, <age> so far",
        f"Alerts on cases and values wait in Redis for more than {WAIT_SECONDS} s: who reads their topic is told nothing.",
        (Proof(shown_by_all(oldest, {}, None, Frozen(1), None), onset=1, shown={"age": "3m 1s"}),),
        (
            always(oldest, Rising(WAIT_SECONDS)),
            always("loanpulse_alerts_waiting", 40),
        ),
    )  # fmt: skip


def _dispatcher_down(at: Installation) -> Alert:
    alive = "loanpulse_dispatcher_alive_timestamp_seconds"
    return engine_alert(
        at, "DispatcherDown", "critical", 60,
        f"time() - max without (instance) ({alive}) > {SILENT_SECONDS}",
        "No dispatcher has run for <age>",
        "No process delivers alerts (loanpulse dispatch), though one did before: they wait, and nobody is told.",
        (Proof(shown_by_all(alive, {}, Rising(1), Frozen(1), Rising(1)), shown={"age": "2m 1s"}),),
        (
            always(alive, Rising(SILENT_SECONDS)),
            always(alive, None),
        ),
    )  # fmt: skip


def _undelivered(at: Installation) -> Alert:
    letters = "loanpulse_alert_dead_letters"
    shown = always(letters, 3)
    told = {"receiver": _FAILED["receiver"]}
    return engine_alert(
        at, "AlertsUndelivered", "warning", 0,
        grown(at, selected(_DELIVERIES, outcome="failed"), recordings.UNDELIVERED),
        "Alerts could not be delivered to <receiver>",
        "In the last ten minutes a receiver refused messages of alerts, or did not take them in time; they are kept as letters.",
        (
            Proof(shown_by_all(_DELIVERIES, _FAILED, 3, 5, 5), labels=_FAILED, settle=10, shown=told),
            Proof(
                (*shown_by_all(_DELIVERIES, _FAILED, None, 1, 1), *shown),
                labels=_FAILED, before=15, settle=10, shown=told,
            ),
        ),
        (
            (*always(_DELIVERIES, 3, **_FAILED), *shown),
            (*shown_by_all(_DELIVERIES, _FAILED | {"outcome": "retried"}, 3, 5, 5), *shown),
            (*shown_by_all(_DELIVERIES, _FAILED, None, 1, 1), *shown_by_all(letters, {}, None, 3, 3)),
        ),
    )  # fmt: skip
