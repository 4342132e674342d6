"""The course of an incident: what an event, a delivery or a hold makes of it. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from loanpulse.dispatch.incident import Incident, Message, Post, Terms, after, waiting_of
from schemas.alert import RAISED, RESOLVED, AlertEvent


class Letter(NamedTuple):
    """A message that could not be delivered."""

    receiver: str
    incident: str
    message: Message
    error: str
    tries: int
    at_ms: int


class Change(NamedTuple):
    """What an incident becomes, and what else is to be stored with it.

    `due` says when a receiver's next message is due, None for never; who is not named stays as it is.
    """

    incident: Incident
    due: Mapping[str, int | None] = {}
    counts: Mapping[tuple[str, str], int] = {}
    names: Sequence[str] = ()
    letters: Sequence[Letter] = ()
    letter_gone: str = ""


def admitted(
    incident: Incident, event: AlertEvent, wanted: Mapping[str, Terms], now_ms: int, *, held: bool = False
) -> Incident | None:
    """The incident after an event, for the receivers that routes name; None if the event was taken in before.

    `held`: the event is an old one, so wait whether the next one takes it back.
    """
    if event.id in incident.seen:
        return None
    incident = incident.having_seen(event.id)
    if event.type != RESOLVED:
        return _begun(incident, event, wanted, held=held)
    if event.data.superseded_by is not None:
        return incident
    ended = replace(incident, ended_ms=now_ms)
    for receiver, post in incident.posts.items():
        ended = ended.with_post(
            receiver, waiting_of(post, (*post.waiting, Message(event.id, event)), ended=True)
        )
    return ended


def _begun(incident: Incident, event: AlertEvent, wanted: Mapping[str, Terms], *, held: bool) -> Incident:
    """Raised, escalated, or going on under another due time."""
    moved = event.type == RAISED and event.data.supersedes is not None
    begun = replace(incident, latest=event, ended_ms=None)
    if incident.id != event.data.alert and event.data.alert not in incident.names:
        begun = replace(begun, names=(*begun.names, event.data.alert))
    for receiver in {**incident.posts, **wanted}:
        post = incident.posts.get(receiver, Post())
        waiting = tuple(m for m in post.waiting if not moved or m.kind == "again" or m.resolves)
        if receiver in wanted:
            waiting = (*waiting, Message(event.id, event))
            post = replace(post, terms=wanted[receiver], held=post.held if post.waiting else held)
        post = waiting_of(post, waiting, ended=False)
        if moved and post.told is not None and not post.waiting:
            post = replace(post, told=event.data.band)
        begun = begun.with_post(receiver, post)
    return begun


def rescheduled(before: Incident, now: Incident, first_due_ms: Mapping[str, int]) -> dict[str, int | None]:
    """When messages are due that were not waiting before; what is on its way, held or tried again stays so."""
    due: dict[str, int | None] = {}
    for receiver in {**before.posts, **now.posts}:
        had, has = (incident.posts.get(receiver, Post()).waiting for incident in (before, now))
        if had and not has:
            due[receiver] = None
        elif has and not had:
            due[receiver] = first_due_ms[receiver]
    return due


def delivered(incident: Incident, receiver: str, sent: Sequence[Message]) -> Incident:
    """The incident after messages have arrived; what they make no news any more is dropped."""
    post = incident.posts.get(receiver, Post())
    told = post.told
    for message in sent:
        told = after(told, message)
    return without(incident, receiver, sent, replace(post, told=told))


def without(incident: Incident, receiver: str, gone: Sequence[Message], post: Post | None = None) -> Incident:
    """The incident without messages that are not waiting any more, sent or not."""
    post = post or incident.posts.get(receiver, Post())
    ids = {message.id for message in gone}
    rest = [message for message in post.waiting if message.id not in ids]
    post = replace(post, tries=0, since_ms=None, held=False)
    return incident.with_post(receiver, waiting_of(post, rest, ended=incident.ended_ms is not None))


def hold(incident: Incident, receiver: str) -> Incident:
    """The incident with a receiver's messages held: from now on only how things stand is waiting."""
    post = replace(incident.posts[receiver], held=True, tries=0, since_ms=None)
    return incident.with_post(receiver, waiting_of(post, post.waiting, ended=incident.ended_ms is not None))


def diverted(incident: Incident, receiver: str, message: Message, other: str) -> Incident:
    """The incident with a message for another receiver, if it is news there; the first one is not told of it."""
    post = incident.posts.get(other, Post(Terms(resolved=incident.posts[receiver].terms.resolved)))
    moved = waiting_of(post, (*post.waiting, message), ended=incident.ended_ms is not None)
    return without(incident, receiver, [message]).with_post(other, moved)


def reminded(incident: Incident, reminder_id: str) -> Incident | None:
    """The incident told once more to all who know of it and have nothing waiting; None if it was, or if it is over."""
    if incident.latest is None or incident.ended_ms is not None or reminder_id in incident.seen:
        return None
    message = Message(reminder_id, incident.latest, "reminder")
    reminding = incident.having_seen(reminder_id)
    for receiver, post in incident.posts.items():
        if post.told is not None and not post.waiting:
            reminding = reminding.with_post(receiver, replace(post, waiting=(message,)))
    return reminding


def sent_again(incident: Incident, letter: Letter, now_ms: int) -> Incident:
    """The incident with an undelivered message waiting again; one that was forgotten meanwhile is over."""
    if incident.latest is None and incident.ended_ms is None:
        incident = replace(incident, ended_ms=now_ms)
    message = replace(letter.message, kind="again")
    post = incident.posts.get(letter.receiver, Post())
    rest = [kept for kept in post.waiting if kept.id != message.id]
    return incident.with_post(letter.receiver, replace(post, waiting=(message, *rest)))
