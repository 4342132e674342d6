"""What a snapshot is worth: the state of every ledger, what was given up, what is missing."""

from collections.abc import Iterable, Iterator

from loanpulse.board.feed import Feed, Source
from loanpulse.board.snapshot import GapStatus, LedgerStatus
from streams.calculus.windows import Edges

MISSING, TORN, REBUILDING = "missing", "torn", "rebuilding"


def ledger_statuses(feed: Feed, topics: Iterable[str] = ()) -> list[LedgerStatus]:
    """Every ledger there is, and those that should be: of each topic as many as it has partitions.

    `topics` have at least one.
    """
    found = [_status(feed, name, source) for name, source in feed.sources.items()]
    return sorted([*found, *_missing(feed, topics)], key=lambda status: (status.topic, status.partition))


def _status(feed: Feed, name: tuple[str, int], source: Source) -> LedgerStatus:
    head = source.head
    if head is None:
        return LedgerStatus(*name, MISSING, 0, None, {})
    state = head.state or "idle"
    if head.torn:
        state = TORN
    elif not feed.version_of(head):
        state = REBUILDING
    return LedgerStatus(*name, state, head.seq, source.through_ms, dict(head.counts))


def _missing(feed: Feed, topics: Iterable[str]) -> Iterator[LedgerStatus]:
    expected = {(topic, 0) for topic in topics}
    for (topic, _), source in feed.sources.items():
        if source.head is not None and source.head.source is not None:
            expected |= {(topic, partition) for partition in range(source.head.source.partitions)}
    for topic, partition in expected - feed.sources.keys():
        yield LedgerStatus(topic, partition, MISSING, 0, None, {})


def reached(feed: Feed, now: int) -> dict[int, int]:
    """By ledger: the instant as of which its cases are known to be open. What was not read yet may have closed some."""
    return {
        source.number: now if source.through_ms is None else min(now, source.through_ms)
        for source in feed.sources.values()
    }


def gap_statuses(feed: Feed) -> list[GapStatus]:
    return [
        GapStatus(topic, partition, gap.from_ms, gap.to_ms, gap.note)
        for (topic, partition), source in sorted(feed.sources.items())
        if source.head is not None
        for gap in source.head.gaps
    ]


def gap_edges(gaps: Iterable[GapStatus]) -> list[Edges]:
    return [Edges(gap.from_ms, gap.to_ms) for gap in gaps]


def complete_through(ledgers: Iterable[LedgerStatus]) -> int | None:
    """The least over all ledgers; None without any, or if one cannot say."""
    instants = [status.through_ms for status in ledgers]
    known = [instant for instant in instants if instant is not None]
    return min(known) if known and len(known) == len(instants) else None


def events(ledgers: Iterable[LedgerStatus]) -> dict[str, int]:
    """Lifetime counts by outcome, over all ledgers."""
    total = {"applied": 0, "duplicate": 0, "dead_letter": 0, "expired": 0}
    for status in ledgers:
        for outcome, counted in status.counts.items():
            total[outcome] = total.get(outcome, 0) + counted
    return total


def incomplete(ledgers: Iterable[LedgerStatus], gaps: Iterable[GapStatus]) -> list[str]:
    """In words, what the figures lack."""
    said = {
        MISSING: "has not been opened by any worker",
        TORN: "was cut off half-way and waits to be rebuilt",
        REBUILDING: "is being rebuilt for these rules",
    }
    lacks = [f"{s.topic}/{s.partition} {said[s.state]}" for s in ledgers if s.state in said]
    lacks += [f"{s.topic}/{s.partition} is {s.state}" for s in ledgers if s.state.startswith("stopped")]
    return lacks + [f"{gap.topic}/{gap.partition} lacks what was given up: {gap.note}" for gap in gaps]
