"""The one place where time enters: everything else is handed a clock."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from streams.runtime.settings import Settings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Says what now is, in milliseconds since 1970-01-01T00:00:00Z."""

    def now_ms(self) -> int: ...


class WallClock:
    """The machine's clock, for a live engine."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class FixedClock:
    """Stands still, for replays and tests."""

    as_of_ms: int

    def now_ms(self) -> int:
        return self.as_of_ms


def clock_of(settings: Settings) -> Clock:
    """The clock that the settings ask for; an as-of finer than a millisecond is cut off."""
    if settings.as_of is None:
        return WallClock()
    return FixedClock((settings.as_of - _EPOCH) // timedelta(milliseconds=1))
