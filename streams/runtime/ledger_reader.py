"""Reading a ledger, as its owner or as the board does; nothing here writes."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from streams.runtime.keys import LedgerKeys, NamespaceKeys
from streams.runtime.ledger_errors import Stale
from streams.runtime.ledger_values import Cursor, Head, PaneLength, PaneSlice, Pull, head_of
from streams.runtime.script import Client, Reply, Script

SCAN_CASES = 500
READ_PANES = 500
READ_BYTES = 4 * 1024 * 1024

_PULL = Script("pull")
_READ = Script("read")


def live_version(head: Head) -> str:
    """The version that counts."""
    return head.version


class LedgerReader:
    """One ledger, as anyone may read it at any time.

    Invariants:
        a pull is one instant
        what was pulled can be read while commits go on
        a pane compacted or dropped since the pull is stale
        a cursor of another owner or version or of a later seq starts anew
    """

    def __init__(self, redis: Client, namespace: str, topic: str, partition: int) -> None:
        self.redis = redis
        self.keys = LedgerKeys(namespace, topic, partition)

    async def head(self) -> Head:
        return head_of(await self.redis.execute_command("HGETALL", self.keys.head))

    async def load(
        self, case_ids: Sequence[bytes], client_ids: Mapping[str, Sequence[bytes]]
    ) -> tuple[list[bytes | None], dict[str, list[bytes | None]]]:
        """Cases by id, and clients by version and id; None where there is none; in one round trip."""
        pipeline = self.redis.pipeline(transaction=False)
        if case_ids:
            pipeline.execute_command("HMGET", self.keys.cases, *case_ids)
        asked = [version for version, ids in client_ids.items() if ids]
        for version in asked:
            pipeline.execute_command("HMGET", self.keys.version(version).clients, *client_ids[version])
        answers = await pipeline.execute() if case_ids or asked else []
        cases = answers.pop(0) if case_ids else []
        return cases, {version: [] for version in client_ids} | dict(zip(asked, answers, strict=True))

    async def due(self, version: str, at_ms: int, most: int) -> list[bytes]:
        """The names of the open cases that have to be looked at by an instant, the earliest first."""
        found: list[bytes] = await self.redis.execute_command(
            "ZRANGEBYSCORE", self.keys.version(version).watch, "-inf", at_ms, "LIMIT", 0, most
        )
        return found

    async def told(self) -> list[bytes]:
        """The names of the cases that have an incident."""
        found: list[bytes] = await self.redis.execute_command("HKEYS", self.keys.alerts)
        return found

    async def incidents(
        self, names: Sequence[bytes], cases: Sequence[bytes]
    ) -> list[tuple[bytes | None, bytes | None]]:
        """The incident of each name and the case beside it; None where there is none; in one round trip."""
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.execute_command("HMGET", self.keys.alerts, *names)
        pipeline.execute_command("HMGET", self.keys.cases, *cases)
        return list(zip(*await pipeline.execute(), strict=True))

    async def groups(self, version: str, start: int = 0) -> list[str]:
        """The version's groups from index `start` on."""
        groups = self.keys.version(version).groups
        return [name.decode() for name in await self.redis.execute_command("LRANGE", groups, start, -1)]

    async def some_cases(self, cursor: int, kind: str = "") -> tuple[int, dict[bytes, bytes]]:
        """Some hundred cases, and the cursor that gives the next ones: from 0 until it is 0 again.

        Whatever is there all the while comes at least once. Of one kind only, if it is named.
        """
        chosen = ("MATCH", f"{kind}\x1f*") if kind else ()
        cursor, found = await self.redis.execute_command(
            "HSCAN", self.keys.cases, cursor, *chosen, "COUNT", SCAN_CASES
        )
        return cursor, found

    async def scan_cases(self, kind: str = "") -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """Every case (of a kind) that is there from the first to the last step, once, some hundred at a time.

        A case written meanwhile comes as it was at the step that found it, or not at all. Redis may show one
        twice; to leave the second out, the ids of all cases are held in memory while the scan lasts.
        """
        seen: set[bytes] = set()
        cursor = 0
        while True:
            cursor, found = await self.some_cases(cursor, kind)
            fresh = [(case, blob) for case, blob in found.items() if case not in seen]
            seen.update(case for case, _ in fresh)
            if fresh:
                yield fresh
            if not cursor:
                return

    async def pull(self, since: Cursor | None = None, choose: Callable[[Head], str] = live_version) -> Pull:
        """The head, and the panes changed since an earlier pull's `cursor`; all panes without one.

        `choose` names the version to read, "" for none. `Pull.whole` says that the list is complete, also when a cursor
        was given: the ledger has another owner or version than then, or was set back. A dropped pane is not announced:
        readers forget by time.
        """
        if since is not None and since.version:
            keys = self.keys.version(since.version)
            reply = await _PULL.run(
                self.redis, (self.keys.head, keys.dirty, keys.lengths, keys.gens, keys.groups), since
            )
            if reply.word == "PULLED":
                pulled = _pulled(reply, since.version)
                if choose(pulled.head) == since.version:
                    return pulled
        return await self._pull_whole(await self.head(), choose)

    async def _pull_whole(self, head: Head, choose: Callable[[Head], str]) -> Pull:
        """All panes, by a transaction: a script that lists them would keep Redis busy for twice as long."""
        while version := choose(head):
            keys = self.keys.version(version)
            pipeline = self.redis.pipeline(transaction=True)
            for command, key in (("HGETALL", self.keys.head), ("LLEN", keys.groups)):
                pipeline.execute_command(command, key)
            for key in (keys.lengths, keys.gens):
                pipeline.execute_command("HGETALL", key)
            stored, groups_len, lengths, gens = await pipeline.execute()
            head = head_of(stored)
            if choose(head) == version:
                panes = [
                    PaneLength(pane.decode(), int(gens.get(pane, 0)), int(length))
                    for pane, length in lengths.items()
                ]
                return Pull(head, version, whole=True, groups_len=groups_len, panes=panes)
        return Pull(head, "", whole=True, groups_len=0, panes=[])

    async def lengths(self, version: str, panes: Sequence[str]) -> list[PaneLength]:
        """Those of the named panes that are there, in order, at one instant; to list every pane is `pull`."""
        if not panes:
            return []
        keys = self.keys.version(version)
        pipeline = self.redis.pipeline(transaction=True)
        pipeline.execute_command("HMGET", keys.lengths, *panes)
        pipeline.execute_command("HMGET", keys.gens, *panes)
        lengths, gens = await pipeline.execute()
        return [
            PaneLength(pane, int(gen or 0), int(length))
            for pane, length, gen in zip(panes, lengths, gens, strict=True)
            if length is not None
        ]

    async def read(self, version: str, slices: Sequence[PaneSlice]) -> list[bytes]:
        """The bytes of each slice, in order. Raises Stale if one of the panes is no longer the log pulled."""
        wanted = [part for part in slices if part.end > part.start]
        got: dict[PaneSlice, bytes] = {}
        for some in _by_size(wanted):
            got.update(zip(some, await self._read(version, some), strict=True))
        return [got.get(part, b"") for part in slices]

    async def _read(self, version: str, slices: Sequence[PaneSlice]) -> list[bytes]:
        keys = self.keys.version(version)
        reply = await _READ.run(
            self.redis,
            [keys.gens, *(keys.panes + part.pane for part in slices)],
            [value for part in slices for value in part],
        )
        if reply.word == "STALE":
            raise Stale(f"pane {reply.rest[0].decode()} of version {version} is not the log that was pulled")
        return reply.rest


async def list_ledgers(redis: Client, namespace: str) -> list[tuple[str, int]]:
    """Topic and partition of every ledger in the namespace, in order."""
    names = await redis.execute_command("SMEMBERS", NamespaceKeys(namespace).ledgers)
    pairs = (name.decode().rsplit("/", 1) for name in names)
    return sorted((topic, int(partition)) for topic, partition in pairs)


def _pulled(reply: Reply, version: str) -> Pull:
    head, groups_len, panes, lengths, gens = reply.rest
    return Pull(
        head_of(head),
        version,
        whole=False,
        groups_len=groups_len,
        panes=[
            PaneLength(pane.decode(), int(gen or 0), int(length or 0))
            for pane, gen, length in zip(panes, gens, lengths, strict=True)
        ],
    )


def _by_size(slices: Sequence[PaneSlice]) -> list[list[PaneSlice]]:
    """Redis serves nobody else while a script runs, so no script copies more than some megabytes."""
    parts: list[list[PaneSlice]] = []
    size = 0
    for part in slices:
        if not parts or len(parts[-1]) == READ_PANES or size + part.end - part.start > READ_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(part)
        size += part.end - part.start
    return parts
