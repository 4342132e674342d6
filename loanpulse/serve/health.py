"""The engine's own health as series: they stay when the KPI series vanish."""

from collections import Counter
from collections.abc import Iterator

from loanpulse.board.snapshot import LedgerStatus, Snapshot
from loanpulse.serve.alerts import Alerts
from loanpulse.serve.series import Series
from loanpulse.serve.view import View

REASON = "dead_letter:"


def health(view: View) -> Iterator[Series]:
    """What a view says of the engine."""
    yield "loanpulse_redis_up", {}, view.redis_up
    if view.redis_up:
        yield "loanpulse_board_lease_held", {}, view.lease_held
    if view.memory is not None:
        yield "loanpulse_redis_memory_bytes", {}, view.memory.used
        if view.memory.limit is not None:
            yield "loanpulse_redis_memory_limit_bytes", {}, view.memory.limit
    if view.alerts is not None:
        yield from _alerts(view.alerts)
    yield from _verified(view)
    if view.snapshot is not None:
        yield from _board(view.snapshot)
        yield from _ledgers(view.snapshot.meta.ledgers)


def _alerts(alerts: Alerts) -> Iterator[Series]:
    yield "loanpulse_alerts_waiting", {}, alerts.waiting
    if alerts.oldest_ms is not None:
        yield "loanpulse_alert_waiting_oldest_timestamp_seconds", {}, alerts.oldest_ms / 1000
    for receiver, outcomes in sorted(alerts.deliveries.items()):
        for outcome, counted in sorted(outcomes.items()):
            yield "loanpulse_alert_deliveries", {"receiver": receiver, "outcome": outcome}, counted
    yield "loanpulse_alert_dead_letters", {}, alerts.letters
    if alerts.alive_ms is not None:
        yield "loanpulse_dispatcher_alive_timestamp_seconds", {}, alerts.alive_ms / 1000


def _board(snapshot: Snapshot) -> Iterator[Series]:
    meta = snapshot.meta
    yield "loanpulse_board_computed_timestamp_seconds", {}, meta.computed_at_ms / 1000
    if meta.complete_through_ms is not None:
        yield "loanpulse_board_complete_through_timestamp_seconds", {}, meta.complete_through_ms / 1000
    yield "loanpulse_board_tick_duration_seconds", {}, meta.tick_seconds
    yield "loanpulse_board_gaps", {}, len(meta.gaps)


def _ledgers(ledgers: list[LedgerStatus]) -> Iterator[Series]:
    reasons: Counter[str] = Counter()
    for ledger in ledgers:
        labels = {"topic": ledger.topic, "partition": str(ledger.partition)}
        yield "loanpulse_ledger_seq", labels, ledger.seq
        yield "loanpulse_ledger_state", labels | {"state": _word(ledger.state)}, 1
        if ledger.through_ms is not None:
            yield "loanpulse_ledger_through_timestamp_seconds", labels, ledger.through_ms / 1000
        for outcome, counted in ledger.counts.items():
            if outcome.startswith(REASON):
                reasons[outcome.removeprefix(REASON)] += counted
            else:
                yield "loanpulse_events", labels | {"outcome": outcome}, counted
    for reason, counted in sorted(reasons.items()):
        yield "loanpulse_dead_letters", {"reason": reason}, counted


def _verified(view: View) -> Iterator[Series]:
    """What could not be verified says nothing of its drift."""
    for found in view.verified:
        labels = {"topic": found.topic, "partition": str(found.partition)}
        if not found.trouble:
            yield "loanpulse_ledger_drift", labels, found.drift + found.clients + found.open_cases
            yield "loanpulse_ledger_verified_timestamp_seconds", labels, found.at_ms / 1000
            yield "loanpulse_ledger_verification_duration_seconds", labels, found.seconds


def _word(state: str) -> str:
    """A state without its explanation, so that its label has few values."""
    return state.partition(":")[0].strip().replace(" ", "_")
