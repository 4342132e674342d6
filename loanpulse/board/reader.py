"""Reads the stored snapshot, and of its blocks only those that changed since last time."""

from collections.abc import Mapping

import msgspec

from loanpulse.board.snapshot import (
    Block,
    Meta,
    Snapshot,
    SnapshotError,
    decode_block,
    decode_meta,
    digest,
)
from loanpulse.roster.roster import NOBODY, Roster, decode_roster
from streams.runtime.keys import NamespaceKeys
from streams.runtime.script import Client

MOST_TRIES = 5


class SnapshotReader:
    """A reader of one namespace's board.

    Invariants:
        a snapshot's blocks are those that were stored with its meta
    """

    def __init__(self, redis: Client, namespace: str) -> None:
        self._redis = redis
        self._keys = NamespaceKeys(namespace)
        self._blocks: dict[str, tuple[str, Block]] = {}
        self._roster: tuple[str, Roster] = ("", NOBODY)

    async def read(self) -> Snapshot | None:
        """The snapshot as it is stored now; None if there is none, or it is replaced faster than it can be read.

        Raises Redis' errors and SnapshotError.
        """
        for _ in range(MOST_TRIES):
            stored = await self._redis.execute_command("GET", self._keys.board_meta)
            if stored is None:
                return None
            meta = decode_meta(stored)
            if await self._fetch(meta.digests) and await self._fetch_roster(meta.roster):
                return self._snapshot(meta)
        return None

    async def book(self) -> str:
        """The digest of the rules that the stored snapshot is of; empty if there is none."""
        stored = await self._redis.execute_command("GET", self._keys.board_meta)
        return "" if stored is None else decode_meta(stored).book

    async def is_computed(self) -> bool:
        """Whether a process has the board's lease."""
        return bool(await self._redis.execute_command("EXISTS", self._keys.board_lease))

    async def _fetch(self, digests: Mapping[str, str]) -> bool:
        """Get the blocks that are not at hand; False if they have been replaced since the meta was read."""
        wanted = [kpi for kpi, name in digests.items() if self._blocks.get(kpi, ("",))[0] != name]
        if not wanted:
            return True
        for kpi, stored in zip(
            wanted, await self._redis.execute_command("HMGET", self._keys.board_rows, *wanted), strict=True
        ):
            if stored is None or digest(stored) != digests[kpi]:
                return False
            self._blocks[kpi] = digests[kpi], decode_block(stored)
        return True

    async def _fetch_roster(self, name: str) -> bool:
        """Get the roster if it is not at hand; False if it has been replaced since the meta was read."""
        if not name:
            self._roster = "", NOBODY
        if name == self._roster[0]:
            return True
        stored = await self._redis.execute_command("GET", self._keys.board_roster) or b""
        if digest(stored) != name:
            return False
        try:
            self._roster = name, decode_roster(stored)
        except msgspec.DecodeError as error:
            raise SnapshotError(
                f"the stored roster cannot be read; run one version of LoanPulse: {error}"
            ) from None
        return True

    def _snapshot(self, meta: Meta) -> Snapshot:
        self._blocks = {kpi: self._blocks[kpi] for kpi in meta.digests}
        return Snapshot(meta, {kpi: block for kpi, (_, block) in self._blocks.items()}, self._roster[1])
