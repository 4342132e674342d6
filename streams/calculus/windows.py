"""Windows and panes on the time axis: which instants a window holds, and where panes begin.

All instants are UTC ms. A window is half-open, [from, to). `to` is one ms after the last instant that counts, so that
"(as_of − 30 days, as_of]" is [as_of − 30 days + 1 ms, as_of + 1 ms).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE_MS = 60_000
QUARTER_HOUR_MS = 15 * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

ROLLING_MS = {
    "1h": HOUR_MS,
    "24h": DAY_MS,
    "7d": 7 * DAY_MS,
    "30d": 30 * DAY_MS,
    "90d": 90 * DAY_MS,
    "180d": 180 * DAY_MS,
}
CALENDAR = ("today", "month", "quarter")
WINDOWS = (*ROLLING_MS, *CALENDAR)
LONGEST_MS = max(ROLLING_MS.values())

_FIRST_MS, _LAST_MS = -62_100_000_000_000, 253_370_000_000_000  # in the years 2 and 9998

MINUTES_KEPT_MS = 32 * DAY_MS
"""How long live minute panes are kept: 30 days, and the day in which a 30 days' window before begins, with its 25th hour."""


class Edges(NamedTuple):
    """[from_ms, to_ms)."""

    from_ms: int
    to_ms: int


def instant(day: date, zone: ZoneInfo) -> int:
    """Local midnight of a day, as UTC ms; a midnight that occurs twice is its first occurrence."""
    return _ms(datetime(day.year, day.month, day.day, tzinfo=zone))


def local_date(at: int, zone: ZoneInfo) -> date:
    """The calendar day of an instant in a zone; of one in the first or last year that a date can have, a day near it."""
    near = min(max(at, _FIRST_MS), _LAST_MS)
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=near)).astimezone(zone).date()


def _ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@lru_cache(maxsize=65_536)
def _day_start(quarter_hour: int, zone: ZoneInfo) -> int:
    return instant(local_date(quarter_hour * QUARTER_HOUR_MS, zone), zone)


def day_start(at: int, zone: ZoneInfo) -> int:
    """The local midnight at or before an instant. Since 1980 every zone's midnights lie on a quarter of an hour, UTC."""
    return _day_start(at // QUARTER_HOUR_MS, zone)


@dataclass(frozen=True)
class Grid:
    """Where panes begin.

    `phase_ms` shifts the minutes, so that a replay's windows end on a pane edge; `minutes_kept_ms` is None where minute
    panes are kept for ever (a replay), and then every window is exact to the ms.

    Invariants:
        a_minute_never_straddles_a_local_midnight
        panes_cover_time_without_gap_or_overlap
    """

    zone: ZoneInfo
    phase_ms: int = 0
    minutes_kept_ms: int | None = MINUTES_KEPT_MS

    @classmethod
    def live(cls, zone: ZoneInfo) -> "Grid":
        return cls(zone)

    @classmethod
    def as_of(cls, as_of_ms: int, zone: ZoneInfo) -> "Grid":
        """The grid on which `as_of_ms` is the last instant of a pane."""
        return cls(zone, (as_of_ms + 1) % MINUTE_MS, None)

    def day(self, at: int) -> int:
        """The start of the local day that holds an instant."""
        return _day_start(at // QUARTER_HOUR_MS, self.zone)

    def minute(self, at: int, day: int | None = None) -> int:
        """The start of the minute pane that holds an instant: on the minute's grid, or the midnight inside that minute.

        `day` is the instant's own, where the caller has it.
        """
        start = at - (at - self.phase_ms) % MINUTE_MS
        day = self.day(at) if day is None else day
        return start if start > day else day

    def end(self, now_ms: int) -> int:
        """The end of the pane that holds `now_ms`: where windows end."""
        return now_ms - (now_ms - self.phase_ms) % MINUTE_MS + MINUTE_MS

    def window(self, name: str, to: int) -> Edges:
        """A window that ends at `to`, its beginning on a pane edge."""
        if name in ROLLING_MS:
            return Edges(self._edge(to - ROLLING_MS[name], to), to)
        return Edges(instant(period_start(name, local_date(to - 1, self.zone)), self.zone), to)

    def before(self, name: str, to: int) -> Edges:
        """The window before: as long, and ending where this one begins.

        Of a calendar window it is the same elapsed time from the start of the period before, cut off where that ends.
        """
        this = self.window(name, to)
        if name in ROLLING_MS:
            return Edges(self._edge(this.from_ms - ROLLING_MS[name], to), this.from_ms)
        first = local_date(this.from_ms, self.zone)
        start = instant(period_start(name, first - timedelta(days=1)), self.zone)
        end = min(start + this.to_ms - this.from_ms, this.from_ms)
        return Edges(start, self._edge(end, to))

    def _edge(self, at: int, to: int) -> int:
        return at if at >= self._floor(to) else self.day(at)

    def _floor(self, to: int) -> int:
        """Since when minute panes may be relied on, for windows that end at `to`."""
        return -(1 << 62) if self.minutes_kept_ms is None else to - self.minutes_kept_ms + DAY_MS

    def ranges(self, edges: Edges, to: int) -> list[tuple[str, int, int]]:
        """The panes whose sum is a window of a board that ends at `to`: (grain, first start, end of starts)."""
        if edges.from_ms >= self._floor(to):
            return [("m", edges.from_ms, edges.to_ms)]
        midnight = self.day(edges.to_ms)
        parts = [("d", edges.from_ms, midnight), ("m", midnight, edges.to_ms)]
        return [part for part in parts if part[1] < part[2]]


def period_start(name: str, day: date) -> date:
    """The first day of the `today`, `month` or `quarter` that holds a day."""
    if name == "today":
        return day
    return day.replace(month=day.month if name == "month" else (day.month - 1) // 3 * 3 + 1, day=1)
