"""Alerts about the board: that somebody computes it, from everything, and that there is room for its series."""

from collections.abc import Iterator

from loanpulse.deploy import recordings
from loanpulse.deploy.alert import Alert, Frozen, Proof, Rising
from loanpulse.deploy.engine_alert import engine_alert
from loanpulse.deploy.installation import Installation
from loanpulse.deploy.scenes import always, selected, shown_by_all

BOARD_OLD, BOARD_UNHELD = "BoardOld", "BoardUnheld"
OLD_SECONDS = 60
"""A board is computed each second, and another process takes over within ten."""
NEAR_BUDGET = 0.9
SHORT_WINDOWS = ("1h", "24h", "today")
_HOUR = 3600


def board_alerts(at: Installation) -> Iterator[Alert]:
    """In the order in which they are worth looking at."""
    yield _unheld(at)
    yield _old(at)
    yield _incomplete(at)
    yield _gap(at)
    yield _dropped(at)
    yield _near_budget(at)


def _unheld(at: Installation) -> Alert:
    held = "loanpulse_board_lease_held"
    return engine_alert(
        at, BOARD_UNHELD, "critical", 60,
        f"max without (instance) ({held}) == 0",
        "Nobody computes the board",
        "No process has the board's lease: figures stand still, and are hidden soon.",
        (Proof(shown_by_all(held, {}, 1, 0, 1)),),
        (always(held, 1),),
    )  # fmt: skip


def _old(at: Installation) -> Alert:
    computed = "loanpulse_board_computed_timestamp_seconds"
    return engine_alert(
        at, BOARD_OLD, "critical", 60,
        f"time() - {recordings.COMPUTED.name} > {OLD_SECONDS}",
        "The board is <age> old",
        f"The board was computed more than {OLD_SECONDS} s ago; it is computed each second.",
        (Proof(shown_by_all(computed, {}, Rising(1), Frozen(1), Rising(1)), shown={"age": "2m 1s"}),),
        (always(computed, Rising(OLD_SECONDS)),),
    )  # fmt: skip


def _incomplete(at: Installation) -> Alert:
    family = "loanpulse_window_incomplete"
    chosen = f'{family}{{window=~"{"|".join(SHORT_WINDOWS)}"}}'
    return engine_alert(
        at, "WindowIncomplete", "warning", 0,
        f"max without (instance) ({chosen}) == 1",
        "The window <window> lacks records",
        "A short window overlaps a gap in the input that an operator has accepted: its figures lack what was lost there.",
        (
            Proof(
                shown_by_all(family, {"window": "24h"}, None, 1, None),
                labels={"window": "24h"},
                shown={"window": "24h"},
            ),
        ),
        (always(family, 1, window="90d"),),
    )  # fmt: skip


def _gap(at: Installation) -> Alert:
    gaps = "loanpulse_board_gaps"
    return engine_alert(
        at, "GapAccepted", "warning", 0,
        f"max without (instance) ({gaps}) > max without (instance) ({gaps} offset {at.span(_HOUR)})",
        "A gap in the input was accepted, <number> there are now",
        "In the last hour an operator let a partition go on without records that are lost.",
        (Proof(shown_by_all(gaps, {}, 1, 2, 2), before=65, settle=60, shown={"number": "2"}),),
        (always(gaps, 2),),
    )  # fmt: skip


def _dropped(at: Installation) -> Alert:
    dropped = "loanpulse_series_dropped"
    return engine_alert(
        at, "SeriesDropped", "warning", 600,
        f"max without (instance) ({dropped}) > 0",
        "<number> KPI series are left out",
        "The board has more series than LOANPULSE_SERIES_BUDGET lets be shown: branches or officers are missing in Prometheus.",
        (Proof(shown_by_all(dropped, {}, 0, 12, 0), shown={"number": "12"}),),
        (always(dropped, 0),),
    )  # fmt: skip


def _near_budget(at: Installation) -> Alert:
    series, budget, dropped = "loanpulse_series", "loanpulse_series_budget", "loanpulse_series_dropped"
    most, none = always(budget, 1000), always(dropped, 0)
    within = f"max without (instance) ({series}) / max without (instance) ({budget}) > {NEAR_BUDGET}"
    return engine_alert(
        at, "SeriesBudgetNear", "warning", 600,
        f"{within}\nunless max without (instance) ({selected(dropped)}) > 0",
        "KPI series take <share> of their budget",
        f"More than {NEAR_BUDGET:.0%} of LOANPULSE_SERIES_BUDGET is used; beyond it series are left out.",
        (Proof((*shown_by_all(series, {}, 900, 910, 900), *most, *none), shown={"share": "91%"}),),
        ((*always(series, 990), *most, *always(dropped, 5)),),
    )  # fmt: skip
