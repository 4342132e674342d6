"""Instants where things go wrong: midnights, opening hours, clock changes, equal times, deadlines."""

import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests.oracle.business_time import local_date, wall_ms
from tests.oracle.facts import EPOCH, MS
from tests.oracle.windows import DAY_MS, HOUR_MS, ROLLING

OFFSETS = (0, 0, 0, 60, -300, 345, 840)
DEADLINES = (*ROLLING.values(), 56 * DAY_MS, 60 * DAY_MS, 90 * DAY_MS)
WALL_MINUTES = (0, 0, 8 * 60, 9 * 60, 12 * 60, 13 * 60, 17 * 60, 22 * 60, 2 * 60 + 30, 1 * 60 + 30)


def clock_changes(start: int, end: int, tz: str) -> list[int]:
    """The UTC ms, to the hour, of each change of the zone's offset in [start, end)."""
    years = range(local_date(start, "UTC").year, local_date(end, "UTC").year + 1)
    return [at for year in years for at in _changes_of(year, tz) if start - start % HOUR_MS <= at < end]


@cache
def _changes_of(year: int, tz: str) -> list[int]:
    zone = ZoneInfo(tz)

    def offset(at: int) -> timedelta | None:
        return (EPOCH + at * MS).astimezone(zone).utcoffset()

    hours = range(wall_ms(date(year, 1, 1), 0, "UTC"), wall_ms(date(year + 1, 1, 1), 0, "UTC"), HOUR_MS)
    return [at for at in hours if offset(at) != offset(at - HOUR_MS)]


def is_twice_or_never(day: date, minute: int, tz: str) -> bool:
    """Whether a clock change repeats or skips a local wall time."""
    if minute == 24 * 60:
        return False
    wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(tz))
    return wall.utcoffset() != wall.replace(fold=1).utcoffset()


def month_edges(start: int, end: int, tz: str) -> list[int]:
    """The local midnights in [start, end] that begin a month."""
    first, last = local_date(start, tz), local_date(end, tz)
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    edges = [wall_ms(date(month // 12, month % 12 + 1, 1), 0, tz) for month in months]
    return [edge for edge in edges if start <= edge <= end]


def text_of(at: int, rng: random.Random) -> str:
    """One of the many ways to write an instant: some offset, and digits beyond the millisecond."""
    minutes = rng.choice(OFFSETS)
    local = (EPOCH + at * MS).astimezone(UTC) + timedelta(minutes=minutes)
    fraction = f".{at % 1000:03d}" if at % 1000 or rng.random() < 0.2 else ""
    if fraction and rng.random() < 0.3:
        fraction += rng.choice(("0", "9", "999999", "4567"))
    sign = "+" if minutes >= 0 else "-"
    hours, rest = divmod(abs(minutes), 60)
    zulu = minutes == 0 and rng.random() < 0.7
    return f"{local:%Y-%m-%dT%H:%M:%S}{fraction}" + ("Z" if zulu else f"{sign}{hours:02d}:{rest:02d}")


class Instants:
    """Draws instants in [start, end], often on or one ms beside one that matters or that was drawn before."""

    def __init__(self, rng: random.Random, start: int, end: int, tz: str) -> None:
        self._rng, self._start, self._end, self._tz = rng, start, end, tz
        self._changes = clock_changes(start, end, tz)
        self._drawn = [start]

    def kept(self, at: int) -> int:
        """The instant moved into [start, end], from now on one that may be drawn again."""
        at = min(max(at, self._start), self._end)
        self._drawn.append(at)
        return at

    def _wall(self) -> int:
        rng = self._rng
        day = local_date(rng.randint(self._start, self._end), self._tz)
        if rng.random() < 0.15:
            day = date(day.year, day.month, 1)
        return wall_ms(day, rng.choice(WALL_MINUTES), self._tz)

    def office(self) -> int:
        """Some minute of a morning, when most businesses are open."""
        day = local_date(self._rng.randint(self._start, self._end), self._tz)
        return self.kept(wall_ms(day, self._rng.randint(9 * 60, 12 * 60), self._tz))

    def draw(self) -> int:
        rng = self._rng
        shape = rng.random()
        if shape < 0.45:
            return self.kept(rng.randint(self._start, self._end))
        if shape < 0.60:
            return self.kept(rng.choice(self._drawn))
        if shape < 0.70 and self._changes:
            return self.kept(rng.choice(self._changes) + rng.randint(-4, 4) * HOUR_MS // 2)
        return self.kept(self._wall() + rng.choice((-1, 0, 0, 1)))

    def after(self, at: int) -> int:
        """Mostly later: soon, some days on, at a deadline of it (or one ms beside), at once, or before it."""
        rng = self._rng
        shape = rng.random()
        if shape < 0.08:
            return self.kept(at)
        if shape < 0.16:
            return self.kept(at - rng.randint(1, 3 * DAY_MS))
        if shape < 0.30:
            return self.kept(at + rng.choice(DEADLINES) + rng.choice((-1, 0, 0, 1)))
        if shape < 0.38:
            return max(at, self.draw())
        return self.kept(at + rng.randint(0, rng.choice((2 * HOUR_MS, DAY_MS, 9 * DAY_MS, 40 * DAY_MS))))
