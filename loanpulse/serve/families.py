"""The metric families of KPIs and open cases, in one table: name, type, help, labels. Those of the engine stand beside it.

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
