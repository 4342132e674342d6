"""The ledger of one topic-partition: what was made of its events and how far they were read, as one."""

from collections.abc import Collection, Sequence
from typing import Literal

from streams.runtime.keys import NamespaceKeys, VersionKeys
from streams.runtime.ledger_errors import Fenced, PaneFull, Refused, SourceChanged, Torn
from streams.runtime.ledger_reader import LedgerReader
from streams.runtime.ledger_values import (
    Batch,
    Gap,
    Head,
    Outcome,
    Source,
    Told,
    VersionWrites,
    gaps_json,
    head_of,
)
from streams.runtime.script import Argument, Reply, Script
from streams.runtime.script_call import commit_call, steps_of, version_call

CLEAR_PANES = 1000

_ACQUIRE = Script("acquire")
_COMMIT = Script("commit")
_TICK = Script("tick")
_ACCEPT_GAP = Script("accept_gap")
_CLEAR_VERSION = Script("clear_version")
_APPEND_VERSION = Script("append_version")
_FINISH = Script("finish")
_FLIP = Script("flip")
_COMPACT = Script("compact")
_DROP_PANES = Script("drop_panes")
_REBUILD = Script("rebuild")
_ALERT = Script("alert")


class Ledger(LedgerReader):
    """One ledger, as its owner writes it. Every call may be repeated as it was when its reply was lost.

    `owner` is a random token, new for each acquisition; what was loaded or remembered is valid only under
    it. Every method raises Fenced when another token owns the ledger; those that write live panes raise
    Torn when a script was cut off half-way: then the panes are rebuilt from the cases (begin_version,
    append_version, finish_version, flip).

    Invariants:
        a batch is applied once
        another owner is fenced off
        another position is fenced off
        another version is fenced off
        a repeated batch is already applied
        a script that would fail is refused before its first write
        a script cut off half-way leaves the ledger torn until a flip
        a version torn with the ledger cannot be flipped
        integers beyond 2^53 survive
        an emptied Redis is a ledger at its beginning
        an older Redis goes back with its position
        a topic made anew is another source
        a step of a version counts once
    """

    async def acquire(self, owner: str, source: Source) -> Head:
        """Take the ledger over from whoever has it. At position 0 and without a version if it is new.

        Raises SourceChanged, and takes nothing over, when cluster, topic or partition count are not as
        stored.
        """
        reply = await self._run(_ACQUIRE, (), owner, source.cluster_id, source.topic_id, source.partitions)
        listed = f"{self.keys.topic}/{self.keys.partition}"
        # After the script: a ledger emptied in between is fenced and listed anew, one not listed would stay so.
        await self.redis.execute_command("SADD", NamespaceKeys(self.keys.namespace).ledgers, listed)
        head = head_of(reply.rest[0])
        if reply.word == "SOURCE" and head.source is not None:
            raise SourceChanged(head.source, source)
        return head

    async def commit(self, owner: str, batch: Batch) -> Outcome:
        """Apply the batch and store its position, whole or not at all, in one round trip.

        ALREADY: the stored position is at `batch.next` or beyond, so a reply was lost; nothing was done.
        Raises TooLarge before anything is sent when the batch is more than one script may do (MAX_WRITES,
        MAX_BYTES).
        """
        call = commit_call(self.keys, owner, batch)
        reply = await self._run(_COMMIT, call.keys[1:], *call.arguments)
        return Outcome[reply.word]

    async def tick(self, owner: str, position: int, through_ms: int | None, state: str) -> None:
        """Say that everything up to `through_ms` is in (None: no word on it), and what the owner is doing.

        Fenced by position too: in a Redis set back to an older state the claim would be false.
        """
        await self._run(_TICK, (), owner, position, "" if through_ms is None else through_ms, state)

    async def say(self, state: str) -> None:
        """Put a word on the ledger's state; fenced by nothing, since who is stopped may not even own it.

        The next tick of an owner that goes on replaces it.
        """
        await self.redis.execute_command("HSET", self.keys.head, "state", state)

    async def begin_version(self, owner: str, version: str) -> None:
        """Begin to build a version at step 0 beside the live one; whatever was there of it is removed.

        From now on every commit has to write it, too. Refused if it is live, or another one is beside.
        """
        await self._clear(owner, version, "begin")

    async def append_version(self, owner: str, step: int, writes: VersionWrites) -> int:
        """Add to a version being built, in as many scripts as it takes; returns the step to go on from.

        A step done before is not done again, so the call may be repeated with the same step and writes.
        """
        for part in steps_of(writes):
            call = version_call(self.keys, part)
            await self._run(_APPEND_VERSION, call.keys, owner, step, *call.numbers, *call.data)
            step += 1
        return step

    async def finish_version(self, owner: str, version: str, steps: int) -> None:
        """Say that the version beside, of `steps` steps, holds everything; readers may use it from now on.

        Refused if the ledger was torn after it was begun.
        """
        await self._run(_FINISH, [self.keys.version(version).build], owner, version, steps)

    async def flip(self, owner: str, version: str, old: str, *, keep: bool) -> None:
        """Make the finished version the live one; `old`, which was live until now, stays beside it if it is to be kept.

        A torn ledger is whole again by it; then nothing can be kept. Refused if the version is not finished.
        """
        builds = [self.keys.version(name).build for name in (version, old or "none")]
        await self._run(_FLIP, builds, owner, version, old, "keep" if keep else "leave")

    async def drop_version(self, owner: str, version: str) -> None:
        """Remove a version that is not live. Refused if it is."""
        await self._clear(owner, version, "drop")

    async def drop_other_versions(self, owner: str, kept: Collection[str]) -> None:
        """Remove all versions but these: what a flip has left behind, and builds that came to nothing."""
        for other in await self.redis.execute_command("SMEMBERS", self.keys.versions):
            if other.decode() not in kept:
                await self.drop_version(owner, other.decode())

    async def tell(self, owner: str, version: str, looks: Sequence[Told]) -> None:
        """Write down what came of looking at open cases of the live version, with what is told of them."""
        arguments: list[Argument] = []
        for name, again_at, incident, messages in looks:
            again = "" if again_at is None else again_at
            arguments += (name, again, "=" if incident is None else incident, len(messages), *messages)
        keys = [self.keys.version(version).watch, self.keys.alerts, self.keys.outbox]
        await self._run(_ALERT, keys, owner, version, *arguments)

    async def compact(self, owner: str, version: str, pane: str, known_len: int, rows: bytes) -> bool:
        """Put `rows` in the place of the pane's log of `known_len` bytes; False if it has grown since."""
        of = self.keys.version(version)
        keys = [of.dirty, of.lengths, of.gens, of.panes + pane]
        reply = await self._run(_COMPACT, keys, owner, version, known_len, pane, rows)
        return reply.word == "APPLIED"

    async def drop_panes(self, owner: str, version: str, panes: Sequence[str]) -> None:
        """Forget panes that no window reaches any more; ones that are not there do no harm."""
        of = self.keys.version(version)
        for start in range(0, len(panes), CLEAR_PANES):
            some = panes[start : start + CLEAR_PANES]
            keys = [of.dirty, of.lengths, of.gens, *(of.panes + pane for pane in some)]
            await self._run(_DROP_PANES, keys, owner, version, *some)

    async def accept_gap(self, source: Source, position: int, to_ms: int, note: str) -> Gap | None:
        """An operator's decision to go on at `position` of `source`; it fences the owner off.

        What happened from the last instant known to be in until `to_ms` (UTC ms) is recorded as incomplete.
        None if the ledger already stands there. Raises Fenced if it moved in between: ask again.
        """
        head = await self.head()
        if head.source == source and head.position == position:
            return None
        gap = Gap(head.through_ms or 0, to_ms, head.position, position, note)
        await self._run(
            _ACCEPT_GAP,
            (),
            *(head.seq, source.cluster_id, source.topic_id, source.partitions),
            *(position, gaps_json((*head.gaps, gap))),
        )
        return gap

    async def mark_for_rebuild(self) -> bool:
        """An operator's decision that the panes are not to be trusted: the owner is fenced off, and whoever opens the
        ledger next makes them anew from its cases. False if there is no such ledger."""
        return (await self._run(_REBUILD, ())).word == "MARKED"

    async def _clear(self, owner: str, version: str, purpose: Literal["begin", "drop"]) -> None:
        of = self.keys.version(version)
        keys = [of.clients, of.dirty, of.lengths, of.gens, of.groups, of.build, of.watch, self.keys.versions]
        while True:
            panes = await self._some_panes(of)
            reply = await self._run(_CLEAR_VERSION, [*keys, *panes], owner, version, purpose)
            if reply.word == "CLEARED":
                return

    async def _some_panes(self, of: VersionKeys) -> list[str]:
        ids = await self.redis.execute_command("ZRANGE", of.dirty, 0, CLEAR_PANES - 1)
        return [of.panes + pane.decode() for pane in ids]

    async def _run(self, script: Script, keys: Sequence[str], *arguments: Argument) -> Reply:
        """The script's reply, unless it says no. The head is every script's first key."""
        reply = await script.run(self.redis, (self.keys.head, *keys), arguments)
        if reply.word == "FENCED":
            raise Fenced(head_of(reply.rest[0]))
        if reply.word == "TORN":
            raise Torn(
                f"{self.keys.place} was cut off half-way through a script: rebuild its panes from its cases"
            )
        if reply.word == "FULL":
            raise PaneFull(*(name.decode() for name in reply.rest))
        if reply.word == "REFUSED":
            raise Refused(f"{script.name}: {reply.rest[0].decode()}")
        return reply
