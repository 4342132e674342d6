"""Gathers entries of cases into sums, lists and reasons: in one pass, keeping of the cases only those that are shown."""

from collections import Counter
from collections.abc import Callable

from kpi_rules.measures import ConversionMeasure, RatioMeasure
from kpi_rules.model import Rule
from loanpulse.board.values import Sums, figures
from loanpulse.rules.case_store import Name
from loanpulse.rules.explanation import Figure, Part, Side
from loanpulse.rules.kept import Kept, Largest, Reasons
from loanpulse.rules.scope import Scope
from streams.calculus.accounts import Entry
from streams.calculus.attribution import SEPARATOR, UNASSIGNED
from streams.calculus.buckets import rank_of, value_of
from streams.calculus.case import Case
from streams.calculus.exclusions import RETRACTED
from streams.calculus.panes import Observation

PARTS: tuple[Part, ...] = ("window", "before", "now")
STILL_OPEN = "still open: not won yet, and due only after the window"
BEFORE, AFTER = "before the window", "after the window"
ELSEWHERE = "counted for another"
CLIENT_ELSEWHERE = "its client is counted with a later one, for another"
A_PROGRAM, NOBODY = "the officer is a program (a system user)", "no officer: unassigned"

_BY_SIZE = {"sum", "growth", "per_client", "duration", "level"}


class PartSums:
    """The integers of one part and side: n, a and b, as panes have them, with the cases behind them."""

    def __init__(self, limit: int | None) -> None:
        self.n = self.a = self.b = 0
        self.largest = Largest(limit)


class Gathered:
    """One series: all observations of one value of the split."""

    def __init__(self, rule: Rule, limit: int | None) -> None:
        self._rule = rule
        self._limit = limit
        self.sums: dict[tuple[Part, Side], PartSums] = {}
        self._side = _sided(rule)
        self.heads: Counter[str] = Counter()
        self._buckets: Counter[int] = Counter()
        self._of_bucket: dict[int, Kept] = {}

    def add(self, part: Part, kept: Kept) -> None:
        seen = kept.entry.seen
        assert seen is not None
        place = part, self._side(part, seen)
        sums = self.sums.get(place)
        if sums is None:
            sums = self.sums[place] = PartSums(self._limit)
        sums.n, sums.a, sums.b = sums.n + seen.n, sums.a + seen.a, sums.b + seen.b
        sums.largest.add(self._rank(kept), kept)
        if self._rule.measure.kind == "duration":
            self._buckets[seen.bucket] += seen.n
            other = self._of_bucket.setdefault(seen.bucket, kept)
            if (self._rank(kept), kept.name) > (self._rank(other), other.name):
                self._of_bucket[seen.bucket] = kept
        elif self._rule.measure.kind == "per_head":
            self.heads[kept.entry.group[0]] += seen.n

    def _rank(self, kept: Kept) -> tuple[int, ...]:
        """Amounts and lengths: the largest first; else the latest."""
        seen = kept.entry.seen
        assert seen is not None
        kind, at = self._rule.measure.kind, seen.at or 0
        if kind == "duration":
            return seen.b, at
        return (seen.a, seen.b, at) if kind in _BY_SIZE or seen.at is None else (at, seen.a, seen.b)

    def figure(self) -> Figure:
        """As the board divides it; percentiles from the same log-buckets."""
        (n, a, b), (_, a_before, _), (n_now, a_now, b_now) = (self._whole(part) for part in PARTS)
        a = a if self._rule.timed else a_now
        b = len(self.heads) if self._rule.measure.kind == "per_head" else b + b_now
        shown = figures(self._rule.measure, Sums([n + n_now], [a], [b], [a_before]))
        p50, p90, p95 = (self._percentile(percent) for percent in (50, 90, 95))
        value = shown.value[0]
        if self._rule.measure.kind == "duration":
            value = None if p90 is None else p90 / 1000
        return Figure(
            n=shown.n[0],
            numerator=shown.numerator[0],
            denominator=None if shown.denominator is None else shown.denominator[0],
            sum=None if shown.sum is None else shown.sum[0],
            p50=p50,
            p90=p90,
            p95=p95,
            value=value,
        )

    def _whole(self, part: Part) -> tuple[int, int, int]:
        sides = [sums for (of, _), sums in self.sums.items() if of == part]
        return sum(s.n for s in sides), sum(s.a for s in sides), sum(s.b for s in sides)

    def listed(self) -> list[tuple[Part, Side, PartSums]]:
        """The parts in order, of each the smaller side first: it is the one that is looked for."""
        places = sorted(self.sums, key=lambda place: (PARTS.index(place[0]), self.sums[place].n))
        return [(part, side, self.sums[part, side]) for part, side in places]

    def at_p90(self) -> Kept | None:
        """A case in the bucket of the 90th percentile."""
        bucket = self._bucket(90)
        return None if bucket is None else self._of_bucket[bucket]

    def _percentile(self, percent: int) -> float | None:
        bucket = self._bucket(percent)
        return None if bucket is None else value_of(bucket)

    def _bucket(self, percent: int) -> int | None:
        rank, below = rank_of(percent, self._buckets.total()), 0
        for bucket in sorted(self._buckets):
            below += self._buckets[bucket]
            if below >= rank:
                return bucket
        return None


def _sided(rule: Rule) -> Callable[[Part, Observation], Side]:
    """Which side an observation is on: two where a rate counts cases, one where anything else is summed."""
    measure = rule.measure
    counts = isinstance(measure, ConversionMeasure) or (
        isinstance(measure, RatioMeasure) and not (measure.numerator.amount or measure.denominator.amount)
    )
    if not counts:
        return lambda _part, _seen: "all"
    return lambda part, seen: "all" if part == "now" else "numerator" if seen.a else "denominator"


class Gathering:
    """What a figure is made of, entry by entry.

    Invariants:
        every_rule_window_and_group_adds_up_to_the_boards_row
    """

    def __init__(self, scope: Scope, system_users: frozenset[str], limit: int | None) -> None:
        self._scope = scope
        self._system_users = system_users
        self._limit = limit
        self.series: dict[str, Gathered] = {}
        self.reasons = Reasons()

    def add(self, name: Name, entry: Entry, case: Case | None) -> None:
        """Take in an entry of a case, or (`case` None) of a client."""
        if not self._scope.includes(entry.group):
            self._add_others(name, entry, case)
        elif entry.seen is None:
            if self._scope.is_near(entry.at):
                waits = entry.said is None and entry.why != RETRACTED
                self.reasons.add(entry.why, Kept(name, entry), entry.at, soonest=waits)
        else:
            self._add_seen(Kept(name, entry))

    def _add_others(self, name: Name, entry: Entry, case: Case | None) -> None:
        """What belongs to others is told only where one would look for it here."""
        if entry.seen is None or self._scope.part(entry.at) is None:
            return
        whose = " or ".join(self._scope.group)
        if case is None:
            if self._scope.includes(entry.own):
                self.reasons.add(f"{CLIENT_ELSEWHERE} {whose}", Kept(name, entry), entry.at)
        elif self._scope.is_named_in(case):
            self.reasons.add(f"{ELSEWHERE} {whose}", Kept(name, entry), entry.at)

    def _add_seen(self, kept: Kept) -> None:
        entry = kept.entry
        assert entry.seen is not None
        part = self._scope.part(entry.at)
        if part is None:
            self._add_outside(kept)
        elif why := self._no_head(entry):
            self.reasons.add(why, kept, entry.at)
        else:
            split = entry.seen.group.rpartition(SEPARATOR)[2]
            found = self.series.get(split)
            if found is None:
                found = self.series[split] = Gathered(self._scope.rule, self._limit)
            found.add(part, kept)

    def _add_outside(self, kept: Kept) -> None:
        entry, until = kept.entry, self._scope.frame.to_ms
        assert entry.at is not None
        if entry.at < until:
            if self._scope.is_near(entry.at):
                self.reasons.add(BEFORE, kept, entry.at)
        elif entry.opened is None:
            self.reasons.add(AFTER, kept, entry.at)
        elif entry.opened < until:
            self.reasons.add(STILL_OPEN, kept, entry.at, soonest=True)

    def _no_head(self, entry: Entry) -> str:
        """Why an officer is no head; empty if it is one, or if heads are not counted."""
        if self._scope.rule.measure.kind != "per_head":
            return ""
        officer = entry.group[0]
        return NOBODY if officer == UNASSIGNED else A_PROGRAM if officer in self._system_users else ""
