"""The stored board with the rules that it is of, as one."""

import asyncio
from typing import NamedTuple

from loanpulse.board.reader import SnapshotReader
from loanpulse.board.snapshot import Snapshot
from loanpulse.serve.book import Book, book_of
from streams.runtime.in_force import NotNow, RulesInForce
from streams.runtime.script import Client


class Shown(NamedTuple):
    """A snapshot and the rules by which it is read."""

    snapshot: Snapshot
    book: Book


class ShownReader:
    """Reads what the board shows; of rules and blocks only what changed since last time."""

    def __init__(self, redis: Client, namespace: str) -> None:
        self._reader = SnapshotReader(redis, namespace)
        self._rules = RulesInForce(redis, namespace)
        self._book: tuple[str, Book] | None = None

    async def read(self) -> Shown | None:
        """What is shown now; None if there is no board, or it is replaced faster than it can be read.

        Raises Redis' errors, SnapshotError, and RuleError for rules that another version wrote.
        """
        snapshot = await self._reader.read()
        if snapshot is None:
            return None
        book = await self._book_of(snapshot.meta.book)
        return None if book is None else Shown(snapshot, book)

    async def is_computed(self) -> bool:
        """Whether a process has the board's lease."""
        return await self._reader.is_computed()

    async def _book_of(self, digest: str) -> Book | None:
        if self._book is None or self._book[0] != digest:
            try:
                rulebook = await self._rules.book(digest)
            except NotNow:
                return None
            self._book = digest, await asyncio.to_thread(book_of, rulebook)
        return self._book[1]
