"""Which panes a rule's sums are made of, for a board whose windows end at one instant."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from kpi_rules.model import Rule
from streams.calculus.open_log import OPEN
from streams.calculus.windows import WINDOWS, Edges, Grid

EARLIEST, LATEST = -(1 << 62), 1 << 62
NOW = "now"


class Range(NamedTuple):
    """Panes of a grain whose start lies in [low, high)."""

    grain: str
    low: int
    high: int


STOCK_RANGES = (Range("s", EARLIEST, LATEST),)


class Span(NamedTuple):
    """A window, where its panes lie, and the same of the window before."""

    name: str
    edges: Edges
    ranges: tuple[Range, ...]
    before: Edges
    ranges_before: tuple[Range, ...]


@dataclass(frozen=True)
class Plan:
    """All windows that end at `to`, on one grid."""

    grid: Grid
    to: int

    @cached_property
    def spans(self) -> dict[str, Span]:
        return {name: self._span(name) for name in WINDOWS}

    def _span(self, name: str) -> Span:
        edges, before = self.grid.window(name, self.to), self.grid.before(name, self.to)
        return Span(name, edges, self._ranges(edges), before, self._ranges(before))

    def _ranges(self, edges: Edges) -> tuple[Range, ...]:
        return tuple(Range(*part) for part in self.grid.ranges(edges, self.to))

    def ranges(self, rule: Rule) -> list[tuple[Range, ...]]:
        """The ranges of each of a rule's windows; of growth, then those before; of a rule with a split, then all time.

        All time is for telling which values of the split there are: what the board holds, up to `to`.
        """
        spans = [self.spans[name] for name in rule.windows]
        ranges = [span.ranges for span in spans]
        if rule.measure.kind == "growth":
            ranges += [span.ranges_before for span in spans]
        if rule.split is not None:
            ranges.append((Range(self._finest, EARLIEST, self.to),))
        return ranges

    @property
    def _finest(self) -> str:
        """The finest grain that reaches back to the beginning."""
        return "m" if self.grid.minutes_kept_ms is None else "d"

    @cached_property
    def reach(self) -> dict[str, int]:
        """Since when panes of each grain are needed, now and later; LATEST for a grain that is not read at all."""
        if self.grid.minutes_kept_ms is None:
            return {"m": EARLIEST, "d": LATEST, "s": EARLIEST, OPEN: EARLIEST}
        days = [
            part.low
            for span in self.spans.values()
            for part in span.ranges + span.ranges_before
            if part.grain == "d"
        ]
        return {"m": self.to - self.grid.minutes_kept_ms, "d": min(days), "s": EARLIEST, OPEN: EARLIEST}
