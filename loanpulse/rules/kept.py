"""What is kept of all that is gathered, so that cases of any number can be looked at in a pass."""

import heapq
from collections import Counter
from typing import NamedTuple

from loanpulse.rules.case_store import Name
from streams.calculus.accounts import Entry

MOST_EXAMPLES = 3


class Kept(NamedTuple):
    name: Name
    entry: Entry


class Largest:
    """The first so many of all that is added, the greatest first; all of them without a limit.

    Of equal ones the greater name comes first, so that the order in which cases are read changes nothing.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._heap: list[tuple[tuple[int, ...], Name, int, Kept]] = []
        self.count = 0

    def add(self, rank: tuple[int, ...], kept: Kept) -> None:
        self.count += 1
        item = rank, kept.name, -self.count, kept  # a number is never equal to another
        if self._limit is None or len(self._heap) < self._limit:
            heapq.heappush(self._heap, item)
        elif self._heap and item > self._heap[0]:
            heapq.heapreplace(self._heap, item)

    def listed(self) -> list[Kept]:
        return [kept for *_, kept in sorted(self._heap, reverse=True)]


class Reasons:
    """Why facts that come near are not counted: how many for each reason, and some of them: the latest, or of what
    is still waited for the first."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._latest: dict[str, Largest] = {}

    def add(self, why: str, kept: Kept, at: int | None, *, soonest: bool = False) -> None:
        self.counts[why] += 1
        rank = 0 if at is None else -at if soonest else at
        self._latest.setdefault(why, Largest(MOST_EXAMPLES)).add((rank,), kept)

    def examples(self, why: str) -> list[Kept]:
        return self._latest[why].listed()
