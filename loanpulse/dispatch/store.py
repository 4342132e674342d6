"""The incidents in Redis, and whose message is due when: each change of an incident is one script, by compare-and-set."""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cached_property
from importlib.resources import files

import msgspec

from loanpulse.dispatch.course import Change, Letter
from loanpulse.dispatch.incident import Incident, Message, decode_incident, encode_incident
from schemas.alert import RAISED, AlertEvent
from streams.runtime.keys import NamespaceKeys
from streams.runtime.script import Argument, Client, Script


class DispatchScript(Script):
    """A script of the dispatcher's; it shares the ledgers' prelude."""

    @cached_property
    def text(self) -> str:
        prelude = files("streams.runtime").joinpath("scripts", "prelude.lua").read_text(encoding="utf-8")
        own = files("loanpulse.dispatch").joinpath("scripts", f"{self.name}.lua").read_text(encoding="utf-8")
        return f"{prelude}\n{own}"


_CHANGE = DispatchScript("change")
_CLAIM = DispatchScript("claim")
_FORGET = DispatchScript("forget")


class Store:
    """The dispatchers' common state of a namespace.

    Invariants:
        of_two_changes_at_once_none_is_lost
        what_one_process_has_claimed_no_other_has_until_the_lease_is_over
    """

    def __init__(self, redis: Client, namespace: str) -> None:
        self.redis = redis
        self.keys = NamespaceKeys(namespace)

    async def incident_of(self, event: AlertEvent) -> str:
        """Under which id the incident of an event is kept: the one it goes on from, if that is known."""
        alert, before = event.data.alert, event.data.supersedes
        asked = [alert] if before is None or event.type != RAISED else [alert, before]
        known, *older = await self.redis.execute_command("HMGET", self.keys.incident_names, *asked)
        if known is not None:
            return str(known.decode())
        if not older:
            return alert
        if older[0] is not None:
            return str(older[0].decode())
        is_known = await self.redis.execute_command("HEXISTS", self.keys.incidents, asked[1])
        return asked[1] if is_known else alert

    async def read(self, incident_id: str) -> tuple[Incident, bytes]:
        """An incident, new if it is not known, and as it is stored."""
        raw = await self.redis.execute_command("HGET", self.keys.incidents, incident_id) or b""
        return (decode_incident(raw) if raw else Incident(incident_id)), raw

    async def change(self, incident_id: str, how: Callable[[Incident], Change | None]) -> Change | None:
        """Let `how` change an incident, anew whenever somebody else was faster; None if it leaves it alone."""
        while True:
            incident, raw = await self.read(incident_id)
            change = how(incident)
            if change is None:
                return None
            keys = self.keys
            names = [keys.incidents, keys.incident_names, keys.undelivered, keys.deliveries]
            names += [keys.due(receiver) for receiver in change.due]
            reply = await _CHANGE.run(self.redis, names, list(_arguments(incident_id, raw, change)))
            if reply.word == "CHANGED":
                return change

    async def claim(self, receiver: str, now_ms: int, until_ms: int, most: int) -> list[str]:
        """The incidents with a message due for a receiver, which nobody else gets until the lease is over."""
        reply = await _CLAIM.run(self.redis, [self.keys.due(receiver)], [now_ms, until_ms, most])
        return [raw.decode() for raw in reply.rest]

    async def waiting(self, receiver: str) -> int:
        """How many incidents have a message waiting for a receiver."""
        return int(await self.redis.execute_command("ZCARD", self.keys.due(receiver)))

    async def incidents(self) -> AsyncIterator[tuple[Incident, bytes]]:
        """All incidents, in no order, with each as it is stored."""
        cursor: bytes | int = 0
        while True:
            cursor, found = await self.redis.execute_command(
                "HSCAN", self.keys.incidents, cursor, "COUNT", 200
            )
            values = found.values() if isinstance(found, dict) else found[1::2]
            for raw in values:
                yield decode_incident(raw), raw
            if int(cursor) == 0:
                return

    async def forget(self, incident: Incident, raw: bytes) -> bool:
        """Delete an incident; False if it has changed."""
        keys = [self.keys.incidents, self.keys.incident_names]
        reply = await _FORGET.run(self.redis, keys, [incident.id, _sha1(raw), *incident.names])
        return reply.word == "FORGOTTEN"


def _arguments(incident_id: str, raw: bytes, change: Change) -> Iterator[Argument]:
    yield from (incident_id, _sha1(raw))
    yield encode_incident(change.incident.settled())
    yield change.letter_gone
    for due_ms in change.due.values():
        yield "" if due_ms is None else due_ms
    yield len(change.names)
    yield from change.names
    yield 2 * len(change.counts)
    for (receiver, outcome), number in change.counts.items():
        yield f"{receiver}/{outcome}"
        yield number
    yield len(change.letters)
    for letter in change.letters:
        yield from _fields(letter)


def _fields(letter: Letter) -> Iterator[Argument]:
    yield 2 * len(letter)
    for name, value in letter._asdict().items():
        yield name
        yield msgspec.json.encode(value) if isinstance(value, Message) else value


def _sha1(raw: bytes) -> str:
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()
