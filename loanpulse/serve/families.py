"""Every metric family that /metrics has, in one table: name, type, help, labels.

Names end in their base unit; counters in `_total`. A family of type `unknown` is a gauge whose name ends in `_count`:
only there do the format's linters allow it. Durations are of type `summary`: quantiles over the window.
"""

from typing import NamedTuple

KPI = ("kpi", "window")

EXCEPTION = (
    " A gauge over a window is a deliberate exception to Prometheus' advice to export counters: the windows are longer than"
    " its retention, some clocks run in business hours only, and late events correct the past. Readers are replicated:"
    " begin a query with max without (instance)."
)
WINDOW = (
    " window: 1h to 180d end now, today, month and quarter begin at local midnight, now is as it stands."
    " anchor: the fact whose time places an observation in a window, named by loanpulse_kpi_info."
)

UNITS = {
    "seconds": (
        "summary",
        "Quantiles of a duration, the 0.9 quantile being the KPI.",
        " denominator: none; samples are the durations.",
    ),
    "ratio": (
        "gauge",
        "A share, or the change against the window before.",
        " denominator: what loanpulse_kpi_info says, its value is loanpulse_kpi_denominator; no series where it is 0.",
    ),
    "score": (
        "gauge",
        "A mean of points, or work per head.",
        " denominator: the answers times their scale, or the heads; no series where it is 0. Of branches and officers, peer and"
        " satisfaction scores are kept back below 5 answers.",
    ),
    "count": ("unknown", "A number of facts or clients.", " denominator: none."),
    "amount_minor": (
        "gauge",
        "Money in minor units of the currency.",
        " denominator: none of a sum, the clients of an average.",
    ),
}
"""The units of rules, one family for each, so that a family has one unit: its type, what it is, its denominator."""

SCOPES = {
    "kpi": " Of the whole organisation.",
    "branch": " Of each branch.",
    "officer": " Of each officer, programs left out, by an opaque id, in the windows that the rule lists.",
}


class Family(NamedTuple):
    """`labels` are those that every series has; a rule's split (currency, severity) is one more where it has one."""

    name: str
    type: str
    help: str
    labels: tuple[str, ...] = ()


def _values(scope: str) -> list[Family]:
    own = () if scope == "kpi" else (scope,)
    families = []
    for unit, (kind, says, denominator) in UNITS.items():
        labels = (*KPI, *own, *(("quantile",) if unit == "seconds" else ()))
        says = f"{says}{SCOPES[scope]}{WINDOW}{denominator}{EXCEPTION}"
        families.append(Family(f"loanpulse_{scope}_{unit}", kind, says, labels))
    samples = f"How many observations, clients or pieces of work stand behind a value.{SCOPES[scope]}"
    samples += " A count has none: it is its own." if own else ""
    return [*families, Family(f"loanpulse_{scope}_samples", "gauge", samples, (*KPI, *own))]


VERDICT = (
    "The value on the way of its improvement goal: 0 reached, 1 ahead, 2 on course, 3 behind, 4 missed (due and not reached),"
    " 5 too few observations for a verdict, 6 not begun."
)


def _goals(scope: str) -> list[Family]:
    labels = KPI if scope == "kpi" else (*KPI, scope)
    progress = (
        "The share of a goal's way that the value has gone: below 0 it is worse than the baseline, above 1 better than the"
        f" goal. Absent if there is no value.{SCOPES[scope]}"
    )
    return [
        Family(f"loanpulse_{scope}_goal_progress_ratio", "gauge", progress, labels),
        Family(f"loanpulse_{scope}_goal_verdict", "gauge", f"{VERDICT}{SCOPES[scope]}", labels),
    ]


_KPI_PARTS = [
    Family(
        "loanpulse_kpi_numerator",
        "gauge",
        "What is divided: a count, amount, points, those within target, won or in part; of growth the change."
        " In the rule's unit before it is divided.",
        KPI,
    ),
    Family(
        "loanpulse_kpi_denominator",
        "gauge",
        "What it is divided by, as loanpulse_kpi_info says; 0 where there is no value. Absent for what is not divided.",
        KPI,
    ),
    Family(
        "loanpulse_kpi_target",
        "gauge",
        "The target in force, in the unit of the KPI's own family: bound is at_least, at_most or warning_at."
        " With a label window where it is meant for that window only.",
        ("kpi", "bound"),
    ),
    Family(
        "loanpulse_kpi_status",
        "gauge",
        "The value against its target: 0 on target, 1 warning, 2 off target, 3 too few observations for a verdict,"
        " 4 no target (for this window). Absent if there is no value.",
        KPI,
    ),
    Family(
        "loanpulse_kpi_goal",
        "gauge",
        "The improvement goal in force, in the unit of the KPI's own family: bound is from (the baseline) or to.",
        (*KPI, "bound"),
    ),
    Family(
        "loanpulse_kpi_goal_expected",
        "gauge",
        "What is expected now on the straight line from a goal's baseline to its end, in the unit of the KPI's own family.",
        KPI,
    ),
    Family(
        "loanpulse_kpi_goal_due_timestamp_seconds",
        "gauge",
        "When a goal is due: the midnight that ends its due day.",
        KPI,
    ),
    *(family for scope in SCOPES for family in _goals(scope)),
    Family(
        "loanpulse_kpi",
        "info",
        "What a KPI is: says tells what is counted over which denominator, anchor the fact whose time places an observation"
        " in a window.",
        ("kpi", "kra", "wording", "says", "unit", "kind", "anchor", "by"),
    ),
    Family(
        "loanpulse_window_incomplete",
        "gauge",
        "1 for a window that holds time whose records an operator gave up; absent for the others.",
        ("window",),
    ),
]

BANDS = (
    " band: on_track (less than half of the target used), warning (half), at_risk (three quarters), breached (more than all),"
    " paused (its clock stands still)."
)

_OPEN_CASES = [
    *(
        Family(
            f"loanpulse_{'' if scope == 'kpi' else scope + '_'}open_cases",
            "gauge",
            f"Open cases by how much of their target is used, on their own clock.{SCOPES[scope]}{BANDS}",
            ("kpi", "band") if scope == "kpi" else ("kpi", "band", scope),
        )
        for scope in SCOPES
    ),
    Family(
        "loanpulse_open_case_oldest_timestamp_seconds",
        "gauge",
        "Since when the oldest open case is open. Absent if none is.",
        ("kpi",),
    ),
    Family(
        "loanpulse_open_case_next_due_timestamp_seconds",
        "gauge",
        "The next due time of the open cases that are still within their target and whose clock runs. Absent if there is none.",
        ("kpi",),
    ),
]

KPI_FAMILIES = [family for scope in SCOPES for family in _values(scope)] + _KPI_PARTS + _OPEN_CASES
"""They vanish when the snapshot is stale."""

LEDGER = ("topic", "partition")

HEALTH_FAMILIES = [
    Family(
        "loanpulse_events",
        "counter",
        "Events of a partition in its lifetime, by outcome: applied, duplicate, expired, dead_letter.",
        (*LEDGER, "outcome"),
    ),
    Family("loanpulse_dead_letters", "counter", "Events that were dead-lettered, by reason.", ("reason",)),
    Family(
        "loanpulse_ledger_seq",
        "gauge",
        "The number of a ledger's last commit; it goes back with a backup.",
        LEDGER,
    ),
    Family(
        "loanpulse_ledger_drift",
        "gauge",
        "Figures, clients and open cases of a ledger that were not what its stored cases come to, when it was last verified: 0 is well."
        " Absent if it was never verified, or could not be.",
        LEDGER,
    ),
    Family(
        "loanpulse_ledger_verified_timestamp_seconds",
        "gauge",
        "When a ledger was last verified (`loanpulse verify`).",
        LEDGER,
    ),
    Family(
        "loanpulse_ledger_verification_duration_seconds",
        "gauge",
        "How long that took.",
        LEDGER,
    ),
    Family(
        "loanpulse_ledger_through_timestamp_seconds",
        "gauge",
        "Up to when everything of a partition is in the figures. Absent if that is not known.",
        LEDGER,
    ),
    Family(
        "loanpulse_ledger_state",
        "gauge",
        "1 for the state that a ledger is in: live, catching_up, stopped, idle (no word yet), rebuilding (for these rules),"
        " torn (waits to be rebuilt), missing (no worker has opened it).",
        (*LEDGER, "state"),
    ),
    Family("loanpulse_board_computed_timestamp_seconds", "gauge", "When the snapshot was computed."),
    Family(
        "loanpulse_board_complete_through_timestamp_seconds",
        "gauge",
        "Up to when everything is in the figures: the least over all ledgers. Absent if one of them cannot say.",
    ),
    Family("loanpulse_board_tick_duration_seconds", "gauge", "How long the last snapshot took to compute."),
    Family(
        "loanpulse_board_lease_held",
        "gauge",
        "1 while a process has the board's lease, else 0. Absent while Redis does not answer.",
    ),
    Family("loanpulse_board_gaps", "gauge", "How many gaps in the input operators have accepted."),
    Family("loanpulse_redis_up", "gauge", "1 if Redis answered the last time this process asked, else 0."),
    Family(
        "loanpulse_redis_memory_bytes",
        "gauge",
        "Memory that Redis uses; of a Redis Cluster the primary that is nearest to its limit. Absent while it does not answer.",
    ),
    Family(
        "loanpulse_redis_memory_limit_bytes",
        "gauge",
        "The maxmemory of that Redis, above which it refuses writes. Absent if it has none.",
    ),
    Family(
        "loanpulse_snapshot_stale",
        "gauge",
        "1 while there is no snapshot young and complete enough to be shown: all KPI series are absent then.",
    ),
    Family("loanpulse_series", "gauge", "How many KPI series are exposed."),
    Family("loanpulse_series_budget", "gauge", "How many KPI series there may be."),
    Family(
        "loanpulse_series_dropped",
        "gauge",
        "How many KPI series of the snapshot are left out because of the budget; the board has them all.",
    ),
    Family("loanpulse_build", "info", "Which LoanPulse, and which rules.", ("version", "rules")),
]
