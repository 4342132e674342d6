"""What receivers were told of an incident, and what they are still to be told: values, and what makes a message news."""

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec.structs import replace

from schemas.alert import RESOLVED, AlertBand, AlertEvent

MOST_SEEN = 200
_RANKS: dict[AlertBand | None, int] = {None: 0, "at_risk": 1, "off_target": 2, "breached": 3}


class Terms(msgspec.Struct, frozen=True):
    """How a route wants a receiver to be told; `outside` is `hold`, `drop` or another receiver."""

    hours: Literal["always", "business"] = "always"
    outside: str = "hold"
    resolved: bool = True


class Message(msgspec.Struct, frozen=True):
    """An event on its way to one receiver; a repetition has the same `id`.

    `news` is told only if it says more than was told. A `reminder` comes after a snooze, `again` by a person's command.
    """

    id: str
    event: AlertEvent
    kind: Literal["news", "reminder", "again"] = "news"

    @property
    def resolves(self) -> bool:
        return self.event.type == RESOLVED


class Post(msgspec.Struct, frozen=True):
    """One receiver's part of an incident.

    `told` is the band that it knows of, None if it knows of no incident. What is `held` waits for an opening or for the
    end of a silence, and then tells how things stand; what is merely late or tried again is told in full.
    """

    terms: Terms = Terms()
    told: AlertBand | None = None
    waiting: tuple[Message, ...] = ()
    held: bool = False
    tries: int = 0
    since_ms: int | None = None
    """When the first of these tries was."""


class Incident(msgspec.Struct, frozen=True, omit_defaults=True):
    """One incident, also as it goes on under other due times: `names` are the alert ids that it took after the first."""

    id: str
    names: tuple[str, ...] = ()
    latest: AlertEvent | None = None
    """What raised or escalated it last."""
    ended_ms: int | None = None
    seen: tuple[str, ...] = ()
    """Ids of the messages that were taken in, by which a repetition is known."""
    posts: dict[str, Post] = {}  # msgspec copies it

    def with_post(self, receiver: str, post: Post) -> "Incident":
        """The same with another post; one that has nothing to remember is left out."""
        posts = {name: kept for name, kept in self.posts.items() if name != receiver}
        if post.waiting or (post.told is not None and self.ended_ms is None):
            posts[receiver] = post
        return replace(self, posts=posts)

    def having_seen(self, message_id: str) -> "Incident":
        return replace(self, seen=(*self.seen, message_id)[-MOST_SEEN:])

    def settled(self) -> "Incident":
        """As it is stored: of one that is over and told, only by what a repetition is known."""
        return replace(self, latest=None) if self.ended_ms is not None and not self.posts else self


encode_incident = msgspec.json.Encoder().encode
decode_incident = msgspec.json.Decoder(Incident).decode


def after(told: AlertBand | None, message: Message) -> AlertBand | None:
    """What a receiver knows of after a message."""
    if message.resolves:
        return None
    band = message.event.data.band
    return band if message.kind != "news" or _RANKS[band] > _RANKS[told] else told


def is_news(told: AlertBand | None, message: Message) -> bool:
    """Whether a message says something to whoever knows of `told`: an end only after a beginning, a band only upwards."""
    if message.kind == "again":
        return True
    if message.resolves or message.kind == "reminder":
        return told is not None
    return _RANKS[message.event.data.band] > _RANKS[told]


def still_news(told: AlertBand | None, messages: Iterable[Message]) -> tuple[Message, ...]:
    """The messages that are worth sending, one after the other."""
    kept = []
    for message in messages:
        if is_news(told, message):
            kept.append(message)
            told = after(told, message)
    return tuple(kept)


def waiting_of(post: Post, messages: Iterable[Message], *, ended: bool) -> Post:
    """A post with these messages waiting, less what is no news; of a held one, only how things stand."""
    messages = tuple(messages)
    if post.held:
        again = tuple(message for message in messages if message.kind == "again")
        rest = [message for message in messages if message.kind != "again" and message.resolves == ended]
        messages = (*again, *rest[-1:])
    kept = still_news(post.told, messages)
    return replace(post, waiting=kept, held=post.held and bool(kept))
