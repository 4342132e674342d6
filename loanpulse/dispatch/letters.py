"""What could not be delivered: a stream in Redis, not a Kafka topic, so that a message leaves its queue and becomes a letter
in one script, and a letter that is sent again is gone in one, too.
"""

from typing import Any

import msgspec

from loanpulse.dispatch.course import Change, Letter, sent_again
from loanpulse.dispatch.incident import Incident, Message
from loanpulse.dispatch.store import Store

_decode = msgspec.json.Decoder(Message).decode


async def letters(store: Store, last: int) -> dict[str, Letter]:
    """The newest letters by their id, the oldest of them first."""
    found = await store.redis.execute_command("XREVRANGE", store.keys.undelivered, "+", "-", "COUNT", last)
    return {name.decode(): _letter(fields) for name, fields in reversed(found)}


async def letter_of(store: Store, letter_id: str) -> Letter | None:
    """One letter; None if there is none of that id."""
    return (await _found(store, letter_id)).get(letter_id)


async def send_again(store: Store, letter_id: str, now_ms: int) -> Letter | None:
    """Let a letter be tried again, at once, with its message's own id; None if there is none of that id."""
    letter = await letter_of(store, letter_id)
    if letter is None:
        return None

    def again(incident: Incident) -> Change:
        return Change(
            sent_again(incident, letter, now_ms), due={letter.receiver: now_ms}, letter_gone=letter_id
        )

    await store.change(letter.incident, again)
    return letter


async def _found(store: Store, letter_id: str) -> dict[str, Letter]:
    found = await store.redis.execute_command("XRANGE", store.keys.undelivered, letter_id, letter_id)
    return {name.decode(): _letter(fields) for name, fields in found}


def _letter(fields: Any) -> Letter:
    told = {name.decode(): value for name, value in dict(fields).items()}
    text = {name: told[name].decode() for name in ("receiver", "incident", "error")}
    return Letter(
        **text, message=_decode(told["message"]), tries=int(told["tries"]), at_ms=int(told["at_ms"])
    )
