"""Who computes the board: one process at a time, by a lease in Redis that it renews."""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import Enum
from functools import cached_property
from importlib.resources import files

from redis.exceptions import RedisError

from streams.runtime.keys import NamespaceKeys
from streams.runtime.script import Argument, Client, Reply, Script
from streams.runtime.stopping import stop

LEASE_MS = 10_000

log = logging.getLogger(__name__)


class BoardScript(Script):
    """A script of the board's; it shares the ledgers' prelude."""

    @cached_property
    def text(self) -> str:
        prelude = files("streams.runtime").joinpath("scripts", "prelude.lua").read_text(encoding="utf-8")
        own = files("loanpulse.board").joinpath("scripts", f"{self.name}.lua").read_text(encoding="utf-8")
        return f"{prelude}\n{own}"

    @cached_property
    def digest(self) -> str:
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


_LEASE = BoardScript("lease")
_PUBLISH = BoardScript("publish")
_RELEASE = BoardScript("release")


class Published(Enum):
    STORED = "stored"
    OTHER = "another process has the lease"
    LOST = "what was stored before is gone: store everything"


class Lease:
    """One process' claim to the board, under a token that nobody else has.

    Invariants:
        two processes never hold the lease at once
        only the holder can publish
        a lease that is not renewed ends by itself
    """

    def __init__(self, redis: Client, namespace: str, lease_ms: int = LEASE_MS) -> None:
        self._redis = redis
        self._keys = NamespaceKeys(namespace)
        self._lease_ms = lease_ms
        self._token = secrets.token_hex(16)

    async def take(self) -> bool:
        """Take the lease or renew it; False if another process has it."""
        reply = await _LEASE.run(self._redis, [self._keys.board_lease], [self._token, self._lease_ms])
        return reply.word == "HELD"

    async def release(self) -> None:
        """Let another process take over at once."""
        await _RELEASE.run(self._redis, [self._keys.board_lease], [self._token])

    async def publish(
        self, last: bytes | None, meta: bytes, blocks: Mapping[str, bytes], roster: bytes = b""
    ) -> Published:
        """Store a snapshot's meta and the blocks that changed since the one with the meta `last`.

        None: all blocks, and the roster in place of what is stored.
        """
        pairs = [argument for kpi, block in blocks.items() for argument in (kpi, block)]
        names = self._keys
        keys = [names.board_lease, names.board_meta, names.board_rows, names.board_roster]
        known = "" if last is None else hashlib.sha1(last, usedforsecurity=False).hexdigest()
        reply = await _PUBLISH.run(self._redis, keys, [self._token, known, meta, roster, *pairs])
        return Published[reply.word]

    async def run(self, script: BoardScript, keys: Sequence[str], arguments: Sequence[Argument]) -> Reply:
        """Run a script that only the holder may: the lease is its first key, the token its first argument."""
        return await script.run(self._redis, [self._keys.board_lease, *keys], [self._token, *arguments])

    async def is_held(self) -> bool:
        """Whether this process has it, as Redis says now."""
        holder: bytes | None = await self._redis.execute_command("GET", self._keys.board_lease)
        return holder == self._token.encode()

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Renew the lease while the body runs, however long it takes."""
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            await stop(renewing)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease_ms / 3000)
            try:
                await self.take()
            except RedisError as error:
                log.warning("the board's lease was not renewed: %s", error)
