"""An open case against a target: when it uses up which share, so that its band is known at any instant."""

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple


class Band(IntEnum):
    """How much of its target an open case has used: less than half, half, three quarters, more than all; or paused."""

    ON_TRACK = 0
    WARNING = 1
    AT_RISK = 2
    BREACHED = 3
    PAUSED = 4

    @property
    def label(self) -> str:
        """As metrics, alerts and commands name it."""
        return self.name.lower()


class Span(NamedTuple):
    """Time with one target, [begins, ends): the first instants at which half and three quarters of it are used, at which
    it is used up (`due`), and at which more than it is (`beyond`). UTC ms; NEVER_MS for what does not come."""

    begins: int
    ends: int
    target_ms: int
    half: int
    three_quarters: int
    due: int
    beyond: int


class OpenCase(NamedTuple):
    """What a case shows a watch while it is open.

    `group` is whom it belongs to now. `paused_since`: since when its clock stands still, NEVER_MS while it runs;
    `pauses` has bit i for the i-th of the measure's pauses that has no end.
    """

    group: str
    since: int
    paused_since: int
    pauses: int
    spans: tuple[Span, ...]

    def span(self, at: int) -> Span | None:
        """The target's span that an instant lies in; None where there is no target, or the case has not begun."""
        if at < self.since:
            return None
        return next((span for span in self.spans if span.begins <= at < span.ends), None)

    def band(self, at: int) -> Band | None:
        """What is breached stays so while it is paused: no pause saves it any more."""
        span = self.span(at)
        if span is None:
            return None
        if at >= span.beyond:
            return Band.BREACHED
        if at >= self.paused_since:
            return Band.PAUSED
        return Band((at >= span.half) + (at >= span.three_quarters))

    def turns(self) -> Iterator[int]:
        """Every instant at which it may come to be at risk or breached, or its target is another."""
        for span in self.spans:
            for at in (span.begins, span.three_quarters, span.beyond):
                if max(self.since, span.begins) <= at < span.ends:
                    yield at
