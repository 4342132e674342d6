"""Reads stored cases: all of a kind, streamed ledger by ledger, or one by its name."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from schemas.fields import is_id
from schemas.registry import EVENT_TYPES
from streams.calculus.case import Case, case_id, decode_case, parse_case_id
from streams.runtime.ledger_reader import LedgerReader, list_ledgers
from streams.runtime.script import Client

KINDS = tuple(dict.fromkeys(event_type.kind for event_type in EVENT_TYPES.values()))
TOPICS_OF = {event_type.kind: event_type.topic for event_type in EVENT_TYPES.values()}
LOOK_AT = 10_000
"""How many cases Redis compares with a name at once, when the case's key is not known."""


class Name(NamedTuple):
    """A case's kind, partition key (the client, or the officer) and subject."""

    kind: str
    key: str
    subject: str


class CaseScan(Protocol):
    """A ledger, as far as its cases are read one after the other."""

    def scan_cases(self, kind: str = "") -> AsyncIterator[list[tuple[bytes, bytes]]]: ...


@dataclass(frozen=True)
class Stored:
    """A case where it lies."""

    ledger: LedgerReader
    name: Name
    case: Case


async def ledgers_of(redis: Client, namespace: str, kind: str) -> list[LedgerReader]:
    """The ledgers that may have cases of a kind; a topic's name may have a prefix."""
    return [
        LedgerReader(redis, namespace, topic, partition)
        for topic, partition in await list_ledgers(redis, namespace)
        if topic.endswith(TOPICS_OF[kind])
    ]


async def cases_of(ledger: CaseScan, kind: str) -> AsyncIterator[tuple[Name, Case]]:
    """Every case of a kind in a ledger, once, some hundred at a time in memory."""
    async for some in ledger.scan_cases(kind):
        for name, blob in some:
            yield Name(*parse_case_id(name)), decode_case(blob)


async def find_cases(
    redis: Client, namespace: str, subject: str, key: str | None, kinds: Collection[str] = KINDS
) -> list[Stored]:
    """The cases of a name, of all kinds or of some, under all keys or one. Nothing for what cannot be a name.

    With a key each ledger is asked for them directly; without one Redis compares the names of its cases itself.
    """
    if not is_id(subject) or (key is not None and not is_id(key)):
        return []
    found = []
    for topic, partition in await list_ledgers(redis, namespace):
        ledger = LedgerReader(redis, namespace, topic, partition)
        held = [kind for kind in kinds if topic.endswith(TOPICS_OF[kind])]
        names = (
            await _by_pattern(ledger, subject, held)
            if key is None
            else await _directly(ledger, [case_id(kind, key, subject) for kind in held])
        )
        found += [
            Stored(ledger, Name(*parse_case_id(name)), decode_case(blob))
            for name, blob in sorted(names.items())
        ]
    return found


async def _directly(ledger: LedgerReader, names: list[bytes]) -> dict[bytes, bytes]:
    if not names:
        return {}
    blobs = await ledger.redis.execute_command("HMGET", ledger.keys.cases, *names)
    return {name: blob for name, blob in zip(names, blobs, strict=True) if blob is not None}


async def _by_pattern(ledger: LedgerReader, subject: str, kinds: Collection[str]) -> dict[bytes, bytes]:
    """An id has no character that means something in a pattern."""
    cursor, found = 0, {}
    while kinds:
        cursor, some = await ledger.redis.execute_command(
            "HSCAN", ledger.keys.cases, cursor, "MATCH", f"*\x1f{subject}", "COUNT", LOOK_AT
        )
        found.update({name: blob for name, blob in some.items() if parse_case_id(name)[0] in kinds})
        if not cursor:
            break
    return found
