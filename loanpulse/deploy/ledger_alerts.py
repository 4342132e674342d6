"""Alerts about ledgers and the workers that keep them: each names its topic and partition."""

from collections.abc import Iterator, Mapping

from loanpulse.deploy import recordings
from loanpulse.deploy.alert import Alert, Frozen, Level, Proof, Rising, Seen
from loanpulse.deploy.engine_alert import engine_alert, grown
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.scenes import always, shown_by_all
from loanpulse.deploy.units import human

WORKER_DOWN, LEDGER_STOPPED, LAG = "WorkerDown", "LedgerStopped", "Lag"
STILL_SECONDS = 150
_PLACE = {"topic": "loan-events", "partition": "3"}
_THROUGH = "loanpulse_ledger_through_timestamp_seconds"


def ledger_alerts(at: Installation) -> Iterator[Alert]:
    """In the order in which they are worth looking at."""
    yield _stopped(at)
    yield _worker_down(at)
    yield _lag(at)
    yield _rebuilding(at)
    yield _drift(at)
    yield _dead_letters(at)


def _stopped(at: Installation) -> Alert:
    return engine_alert(
        at, LEDGER_STOPPED, "critical", 300,
        f'{recordings.STATE.name}{{state=~"stopped|torn|missing|idle"}} == 1',
        "<topic>/<partition> is <state>",
        "A partition is not read: its worker stopped it, or none has taken it up; its figures stand still.",
        (_in_state("stopped"),),
        (always("loanpulse_ledger_state", 1, **_PLACE, state="catching_up"),),
    )  # fmt: skip


def _worker_down(at: Installation) -> Alert:
    return engine_alert(
        at, WORKER_DOWN, "critical", 120,
        f"max without (instance) (changes({_THROUGH}[{at.span(STILL_SECONDS)}])) == 0",
        "Nobody reads <topic>/<partition>",
        "The figures of a partition have not moved on for minutes, events or not: its worker is gone, or waits for Kafka.",
        (_at_place(shown_by_all(_THROUGH, _PLACE, Rising(10), Frozen(10), Rising(10)), onset=1),),
        (always(_THROUGH, Rising(100), **_PLACE),),
    )  # fmt: skip


def _lag(at: Installation) -> Alert:
    late = at.stale_seconds + 60
    return engine_alert(
        at, LAG, "warning", 300,
        f"time() - {recordings.THROUGH.name} > {at.stale_seconds}",
        "<topic>/<partition> is <age> behind",
        f"A partition is more than {at.stale_seconds} s behind: KPI series are hidden until it has caught up.",
        (_at_place(shown_by_all(_THROUGH, _PLACE, Rising(5), Rising(late), Rising(5)), age=human(late)),),
        (always(_THROUGH, Rising(at.stale_seconds), **_PLACE),),
    )  # fmt: skip


def _rebuilding(at: Installation) -> Alert:
    return engine_alert(
        at, "LedgerRebuilding", "warning", 1800,
        f'{recordings.STATE.name}{{state="rebuilding"}} == 1',
        "<topic>/<partition> is being made anew for half an hour",
        "A partition's figures are made anew from its cases, and do not count until that is done.",
        (_in_state("rebuilding"),),
        (always("loanpulse_ledger_state", 1, **_PLACE, state="live"),),
    )  # fmt: skip


def _drift(at: Installation) -> Alert:
    drift = "loanpulse_ledger_drift"
    return engine_alert(
        at, "LedgerDrift", "critical", 0,
        f"max without (instance) ({drift}) > 0",
        "<number> figures of <topic>/<partition> are wrong",
        "When the ledger was last verified, figures were not what its stored cases come to.",
        (_at_place(shown_by_all(drift, _PLACE, 0, 2, 0), number="2"),),
        (always(drift, 0, **_PLACE),),
    )  # fmt: skip


def _dead_letters(at: Installation) -> Alert:
    letters = "loanpulse_dead_letters_total"
    reason = {"reason": "invalid"}
    shown = always("loanpulse_snapshot_stale", 0)
    return engine_alert(
        at, "DeadLetters", "warning", 0,
        grown(at, letters, recordings.STALE),
        "Events were dead-lettered: <reason>",
        "In the last ten minutes events were refused for a reason; they are in no figure, and kept in the dead-letter topic.",
        (
            Proof(shown_by_all(letters, reason, 3, 5, 5), labels=reason, settle=10, shown=reason),
            Proof(
                (*shown_by_all(letters, reason, None, 1, 1), *shown),
                labels=reason, before=15, settle=10, shown=reason,
            ),
        ),
        ((*always(letters, 3, **reason), *shown),),
    )  # fmt: skip


def _at_place(seen: tuple[Seen, ...], onset: int = 0, **shown: str) -> Proof:
    return Proof(seen, labels=_PLACE, onset=onset, shown=_PLACE | shown)


def _in_state(state: str) -> Proof:
    """A ledger that is live, then in another state, then live again."""
    labels = _PLACE | {"state": state}
    other = _states(state, None, 1, None)
    return Proof((*_states("live", 1, None, 1), *other), labels=labels, shown=labels)


def _states(state: str, *levels: Level) -> tuple[Seen, ...]:
    labels: Mapping[str, str] = _PLACE | {"state": state}
    return shown_by_all("loanpulse_ledger_state", labels, *levels)
