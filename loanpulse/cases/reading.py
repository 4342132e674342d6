"""Reads which cases are open from the logs of every ledger, and of those that are listed the cases themselves."""

import asyncio
from collections.abc import Sequence

from loanpulse.board.feed import Feed
from loanpulse.board.plan import EARLIEST, LATEST
from loanpulse.board.status import complete_through, gap_statuses, incomplete, ledger_statuses, reached
from loanpulse.cases.ahead import next_to_be
from loanpulse.cases.choice import Choice, watches_of
from loanpulse.cases.listing import Listed, Listing
from loanpulse.cases.rows import OpenRows
from loanpulse.cases.told import CaseList
from loanpulse.rules.case_store import TOPICS_OF
from loanpulse.serve.shown import Shown
from schemas.fields import local_iso
from streams.calculus.open_cases import Band
from streams.calculus.open_log import OPEN
from streams.calculus.watches import Watch
from streams.runtime.script import Client

MOST_TRIES = 3
LONG = 500
"""While a longer list is read there is always one that changes."""
_REACH = {"m": LATEST, "d": LATEST, "s": LATEST, OPEN: EARLIEST}
"""Of all panes only the logs of open cases."""


async def open_cases(redis: Client, namespace: str, shown: Shown, now_ms: int, choice: Choice) -> CaseList:
    """The open cases that are asked for, by the rules that the board shows; for whoever asks once."""
    return await OpenCases(redis, namespace).read(shown, now_ms, choice)


class OpenCases:
    """The open cases of a namespace; whoever asks again reads only what is new. One question at a time.

    Invariants:
        whoever_asks_again_is_told_what_a_new_reader_is_told
        what_is_listed_is_as_its_case_says
    """

    def __init__(self, redis: Client, namespace: str) -> None:
        self._redis, self._namespace = redis, namespace
        self._feed: Feed | None = None
        self._digest = ""

    async def read(self, shown: Shown, now_ms: int, choice: Choice) -> CaseList:
        """Each ledger's cases as of now, or as of the instant up to which everything is in.

        A case that changes just then is read again; one that changes again and again is left out, and that is said.
        Raises ExplainError for what there is not, Redis' errors, and Stale if ledgers change faster than they are read.
        """
        watches = watches_of(shown.book, choice)
        for left in reversed(range(MOST_TRIES)):
            feed = await self._pulled(shown)
            at = reached(feed, now_ms)
            rows = await asyncio.to_thread(OpenRows, feed.tables.open, feed.members, watches, at)
            listing = Listing(shown, choice, rows, {s.number: s.reader for s in feed.sources.values()})
            listed = await listing.listed()
            if not listed.moved or len(listed.cases) > LONG or not left:
                break
        return self._answer(listing, listed, feed, watches, now_ms)

    async def _pulled(self, shown: Shown) -> Feed:
        """Logs are taken in anew under rules that count otherwise."""
        program = shown.book.program
        if self._feed is None or self._digest != program.digest:
            self._feed, self._digest = Feed(self._redis, self._namespace, program), program.digest
        await self._feed.pull(_REACH)
        return self._feed

    def _answer(
        self, listing: Listing, listed: Listed, feed: Feed, watches: Sequence[Watch], now_ms: int
    ) -> CaseList:
        shown, zone = listing.shown, listing.shown.book.program.zone
        kinds = {watch.kind for watch in watches}
        expected = {ledger.topic for ledger in shown.snapshot.meta.ledgers}
        ledgers = [status for status in ledger_statuses(feed, expected) if _concerns(status.topic, kinds)]
        gaps = [gap for gap in gap_statuses(feed) if _concerns(gap.topic, kinds)]
        through = complete_through(ledgers)
        lacks = incomplete(ledgers, gaps)
        if listed.moved:
            lacks.append(f"{listed.moved:,} changed while they were read and are left out: ask again")
        return CaseList(
            as_of=local_iso(now_ms, zone),
            complete_through=None if through is None else local_iso(through, zone),
            zone=zone.key,
            incomplete=lacks,
            counts=listing.counts,
            cases=listed.cases,
            more=listing.wanted - len(listed.cases) - listed.moved,
            next_warning=next_to_be(Band.WARNING, listing.rows, listing.scope, shown),
            next_at_risk=next_to_be(Band.AT_RISK, listing.rows, listing.scope, shown),
        )


def _concerns(topic: str, kinds: set[str]) -> bool:
    """Whether a topic, whose name may have a prefix, has cases of some kinds."""
    return any(topic.endswith(TOPICS_OF[kind]) for kind in kinds)
