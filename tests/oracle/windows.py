"""The nine windows as half-open milliseconds, and the window before each of them."""

from collections.abc import Callable
from datetime import date

from tests.oracle.business_time import local_date, wall_ms

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ROLLING = {
    "1h": HOUR_MS,
    "24h": DAY_MS,
    "7d": 7 * DAY_MS,
    "30d": 30 * DAY_MS,
    "90d": 90 * DAY_MS,
    "180d": 180 * DAY_MS,
}
WINDOWS = (*ROLLING, "today", "month", "quarter")

Span = tuple[int, int]
Edges = Callable[[str], tuple[Span, Span]]
"""A window's name to its [from, to) and that of the window before, in UTC milliseconds."""


def _begin(window: str, day: date) -> date:
    """The first day of the day, month or quarter that holds a day."""
    if window == "today":
        return day
    month = day.month if window == "month" else (day.month - 1) // 3 * 3 + 1
    return day.replace(month=month, day=1)


def exact_edges(as_of_ms: int, zone: str) -> Edges:
    """Rolling windows (as_of − L, as_of]; calendar windows from the local midnight that begins them."""
    to = as_of_ms + 1

    def edges(window: str) -> tuple[Span, Span]:
        if window in ROLLING:
            long = ROLLING[window]
            return (to - long, to), (to - 2 * long, to - long)
        begin = _begin(window, local_date(as_of_ms, zone))
        start = wall_ms(begin, 0, zone)
        previous = _begin(window, date.fromordinal(begin.toordinal() - 1))
        before = wall_ms(previous, 0, zone)
        return (start, to), (before, min(before + (to - start), start))

    return edges
