"""A ledger's cases and panes as they are at one instant, read at leisure while its worker goes on.

Commits keep for whoever looks what a case was before its first change since (copy on write); panes only grow, so their
length at the instant tells what they held.
"""

import secrets
from collections.abc import AsyncIterator

from streams.runtime.ledger_errors import Refused, Stale
from streams.runtime.ledger_reader import LedgerReader
from streams.runtime.ledger_values import Head, PaneSlice, Pull
from streams.runtime.script import Argument, Reply, Script

LOOK_SECONDS = 3_600
MOST_TRIES = 50

_LOOK = Script("look")
_LOOK_AWAY = Script("look_away")

Cases = list[tuple[bytes, bytes]]


class Busy(Exception):  # noqa: N818  # an answer, not a fault
    """Somebody else looks at the ledger, or it is never still for the moment that it takes to begin."""


class CaseInstant:
    """One look at a ledger; to be ended by `close`, else it ends by itself after an hour.

    Invariants:
        what_is_read_is_the_ledger_at_one_instant
    """

    def __init__(self, reader: LedgerReader) -> None:
        self._reader = reader
        self._token = secrets.token_hex(8)
        self.pull: Pull

    async def open(self) -> Head:
        """Choose the instant: now. Raises Busy, and Redis' errors."""
        for _ in range(MOST_TRIES):
            reply = await self._run(_LOOK, [self._reader.keys.head, self._reader.keys.before], LOOK_SECONDS)
            if reply.word == "BUSY":
                raise Busy(f"somebody else looks at {self._reader.keys.place}: try again when they are done")
            self.pull = await self._reader.pull()
            stored = reply.rest[0]
            seq = dict(zip(stored[::2], stored[1::2], strict=True)).get(b"seq", b"0")
            if self.pull.head.seq == int(seq):
                return self.pull.head
        await self.close()
        raise Busy(f"{self._reader.keys.place} is never still: it has more commits than can be looked at")

    async def panes(self) -> dict[str, bytes]:
        """Every pane's log. Raises Stale if one was compacted or dropped meanwhile: begin anew."""
        slices = [PaneSlice(pane.pane, pane.generation, 0, pane.length) for pane in self.pull.panes]
        logs = await self._reader.read(self.pull.version, slices)
        return {part.pane: log for part, log in zip(slices, logs, strict=True)}

    async def cases(self) -> AsyncIterator[Cases]:
        """Every case, once. Raises Stale at the end if the look has ended by itself meanwhile."""
        seen: set[bytes] = set()
        cursor = 0
        while True:
            cursor, found = await self._reader.some_cases(cursor)
            fresh = {case: blob for case, blob in found.items() if case not in seen}
            seen.update(fresh)
            if fresh:
                yield await self._as_they_were(fresh)
            if not cursor:
                break
        yield [item for item in (await self._kept()).items() if item[0] not in seen and item[1]]

    async def _as_they_were(self, found: dict[bytes, bytes]) -> Cases:
        """Asked after they were read: who was changed by then is kept as he was, '' if he was not there."""
        before = await self._reader.redis.execute_command("HMGET", self._reader.keys.before, *found)
        blobs = (old if old is not None else new for old, new in zip(before, found.values(), strict=True))
        return [(case, blob) for case, blob in zip(found, blobs, strict=True) if blob]

    async def changed(self) -> list[bytes]:
        """The ids of the cases that were changed since the instant."""
        return list(await self._kept())

    async def _kept(self) -> dict[bytes, bytes]:
        kept = await self._reader.redis.execute_command("HGETALL", self._reader.keys.before)
        if kept.pop(b"", b"").decode() != self._token:
            raise Stale("the look has ended by itself")
        return dict(kept)

    async def close(self) -> None:
        """Commits need not keep anything any more."""
        await self._run(_LOOK_AWAY, [self._reader.keys.before])

    async def _run(self, script: Script, keys: list[str], *arguments: Argument) -> Reply:
        reply = await script.run(self._reader.redis, keys, [self._token, *arguments])
        if reply.word == "REFUSED":
            raise Refused(f"{script.name}: {reply.rest[0].decode()}")
        return reply
