"""promtool's unit tests of the alerts: each waits as long as it should, fires with what it says, and resolves."""

from collections.abc import Iterator, Sequence
from typing import Any

from loanpulse.deploy.alert import Alert, Frozen, Group, Level, Proof, Rising, Seen
from loanpulse.deploy.installation import JOB

_MINUTE = 60
_LONGER = 5
"""Minutes that all is not well beyond what the alert waits for, and that a test goes on afterwards."""


def test_file(group: Group, rule_file: str) -> dict[str, Any]:
    """The tests of a group at pace 1, which `rule_file` has."""
    tests = [test for alert in group.alerts for test in _tests(alert)]
    return {"rule_files": [rule_file], "evaluation_interval": "1m", "tests": tests}


def _tests(alert: Alert) -> Iterator[dict[str, Any]]:
    title = " ".join(filter(None, (alert.name, alert.labels.get("kpi"))))
    for proof in alert.proofs:
        yield _Story(alert, proof).test(f"{title} fires and resolves")
    for seen in alert.quiet:
        yield _Story(alert, Proof(seen)).silence(f"{title} stays quiet")


class _Story:
    """The minutes of a test: all is well up to `begins`, not well up to `ends`, and well again for a while."""

    def __init__(self, alert: Alert, proof: Proof) -> None:
        self._alert, self._proof = alert, proof
        self._held, self._kept = (
            round(seconds / _MINUTE) for seconds in (alert.held_seconds, alert.kept_seconds)
        )
        self._begins = proof.before
        self._fires = self._begins + self._held + proof.onset
        self._ends = self._fires + _LONGER
        self._resolved = self._ends + self._kept + proof.settle + 1

    def test(self, name: str) -> dict[str, Any]:
        """It fires when it should, not a minute earlier, and stops."""
        kept = [(self._ends + self._kept - 1, True)] if self._kept else []
        moments = [
            (self._fires - 1, False),
            (self._fires, True),
            *kept,
            (self._resolved, False),
        ]
        return self._written(name, moments)

    def silence(self, name: str) -> dict[str, Any]:
        """It never fires."""
        return self._written(name, [(self._fires, False), (self._ends, False)])

    def _written(self, name: str, moments: Sequence[tuple[int, bool]]) -> dict[str, Any]:
        return {
            "name": name,
            "interval": "1m",
            "input_series": [
                {"series": seen.series, "values": self._values(seen)} for seen in self._proof.seen
            ],
            "alert_rule_test": [
                {
                    "eval_time": f"{minute}m",
                    "alertname": self._alert.name,
                    "exp_alerts": [self._expected()] if firing else [],
                }
                for minute, firing in moments
            ],
        }

    def _expected(self) -> dict[str, Any]:
        alert, proof = self._alert, self._proof
        job = {} if alert.expr.startswith("absent(") else {"job": JOB}
        labels = {"severity": alert.severity, **alert.labels, **job, **proof.labels}
        return {"exp_labels": labels, "exp_annotations": alert.shown(proof)}

    def _values(self, seen: Seen) -> str:
        begins, ends, length = self._begins, self._ends, self._resolved + _LONGER
        parts = (
            (seen.before, 0, begins),
            (seen.meanwhile, begins, ends - begins),
            (seen.after, ends, length - ends),
        )
        return " ".join(_part(*part) for part in parts)


def _part(level: Level, begins: int, minutes: int) -> str:
    """So many samples, one a minute, in promtool's shorthand: `1x4` are five times 1."""
    match level:
        case None:
            return f"stale _x{minutes - 1}" if begins else f"_x{minutes}"
        case Rising(behind):
            return f"{begins * _MINUTE - behind}+{_MINUTE}x{minutes - 1}"
        case Frozen(behind):
            return f"{(begins - 1) * _MINUTE - behind}x{minutes - 1}"
    return f"{float(level):.10g}x{minutes - 1}"
