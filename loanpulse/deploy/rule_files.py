"""Groups of rules as Prometheus reads them."""

from typing import Any

from loanpulse.deploy.alert import Alert, Group, Recording
from loanpulse.deploy.installation import Installation


def rule_file(group: Group, at: Installation) -> dict[str, Any]:
    """One file with one group: the recordings, then the alerts."""
    rules = [_recording(rule) for rule in group.recordings] + [_alert(alert, at) for alert in group.alerts]
    return {"groups": [{"name": group.name, "rules": rules}]}


def _recording(rule: Recording) -> dict[str, Any]:
    return {"record": rule.name, "expr": rule.expr}


def _alert(alert: Alert, at: Installation) -> dict[str, Any]:
    kept = {"keep_firing_for": at.span(alert.kept_seconds)} if alert.kept_seconds else {}
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": at.span(alert.held_seconds),
        **kept,
        "labels": {"severity": alert.severity, **alert.labels},
        "annotations": alert.templates(),
    }
