"""What alerts and dashboards ask for again and again: each figure once, although every reader shows it."""

from loanpulse.deploy.alert import Recording
from loanpulse.serve.families import UNITS


def _greatest(level: str, family: str) -> Recording:
    """Readers show one board, so the greatest is the figure; a sum would double it."""
    return Recording(f"{level}:{family}:max", f"max without (instance) ({family})")


STATUS = _greatest("kpi_window", "loanpulse_kpi_status")
SAMPLES = _greatest("kpi_window", "loanpulse_kpi_samples")
VALUES = {
    unit: _greatest("kpi_window_quantile" if unit == "seconds" else "kpi_window", f"loanpulse_kpi_{unit}")
    for unit in UNITS
}
"""By unit."""
OPEN = _greatest("kpi_band", "loanpulse_open_cases")
BRANCH_OPEN = _greatest("kpi_band_branch", "loanpulse_branch_open_cases")

STALE = Recording("job:loanpulse_snapshot_stale:min", "min without (instance) (loanpulse_snapshot_stale)")
"""1 while no reader at all has figures to show."""
REDIS_UP = _greatest("job", "loanpulse_redis_up")
THROUGH = _greatest("topic_partition", "loanpulse_ledger_through_timestamp_seconds")
STATE = _greatest("topic_partition_state", "loanpulse_ledger_state")
COMPUTED = _greatest("job", "loanpulse_board_computed_timestamp_seconds")
UNDELIVERED = _greatest("job", "loanpulse_alert_dead_letters")

OF_FIGURES = (STATUS, SAMPLES, *VALUES.values())
OF_CASES = (OPEN, BRANCH_OPEN)
OF_ENGINE = (STALE, REDIS_UP, COMPUTED, THROUGH, STATE, UNDELIVERED)
RECORDINGS = (*OF_FIGURES, *OF_CASES, *OF_ENGINE)
