"""Where one case stands: its clocks that run, as they are watched, how the others ended, and its story."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from kpi_rules.model import Rule
from loanpulse.cases.told import Told, told, zone_of
from loanpulse.rules.case_store import Stored
from loanpulse.rules.case_story import client_of, find_case, story_of
from loanpulse.rules.story import CaseStory
from loanpulse.serve.shown import Shown
from schemas.fields import local_iso
from streams.calculus.attribution import attribute
from streams.calculus.case import case_id
from streams.calculus.watches import Watch
from streams.runtime.script import Client


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A clock that runs, or stands in a pause. `stopped_ms`: how much of its time has been paused so far, `stopped_by` by
    what; `due_if_resumed`: of one that stands, when it would be due if the pause ended now."""

    case: Told
    stopped_ms: int
    stopped_by: list[str]
    due_if_resumed: str | None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A clock that has ended. Lengths and `within` are null of one that counts nothing: it was withdrawn; and lengths of a
    chance, which is won or lost."""

    kpi: str
    wording: str
    why: Literal["answered", "withdrawn"]
    at: str
    zone: str
    used_ms: int | None
    target_ms: int | None
    within: bool | None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One case as of the instant up to which its ledger has read. `incomplete` says in words what may be missing."""

    as_of: str
    incomplete: list[str]
    running: list[Running]
    ended: list[Ended]
    story: CaseStory


async def standing_of(
    redis: Client,
    namespace: str,
    shown: Shown,
    subject: str,
    *,
    key: str | None,
    kpi: str | None,
    now_ms: int,
) -> Standing:
    """Where the one case of a name stands. With a KPI: only what concerns it.

    Raises ExplainError where there is no such case, or more than one; and Redis' errors.
    """
    stored, rules = await find_case(redis, namespace, shown, subject, key=key, kpi=kpi)
    head = await stored.ledger.head()
    at = now_ms if head.through_ms is None else min(now_ms, head.through_ms)
    story = story_of(stored, await client_of(stored, shown), shown, rules, at)
    watches = _watches(shown, stored, rules)
    return Standing(
        as_of=local_iso(at, shown.book.program.zone),
        incomplete=[f"{story.topic}/{story.partition} was cut off half-way and waits to be rebuilt"]
        if head.torn
        else [],
        running=list(_running(shown, stored, watches, story, at)),
        ended=list(_ended(shown, stored, watches, story)),
        story=story,
    )


def _watches(shown: Shown, stored: Stored, rules: list[Rule]) -> list[Watch]:
    wanted = {rule.id for rule in rules}
    return [
        watch
        for watch in shown.book.program.watches
        if watch.kind == stored.name.kind and watch.rule.id in wanted and not stored.case.quarantined
    ]


def _running(
    shown: Shown, stored: Stored, watches: list[Watch], story: CaseStory, at: int
) -> Iterator[Running]:
    case = stored.case
    clocks = {clock.kpi: clock for clock in story.clocks}
    for watch in watches:
        opened = watch.opened(case)
        if opened is None or opened.band(at) is None:
            continue
        clock = clocks.get(watch.rule.id)
        stops = [] if clock is None else [step for step in clock.steps if step.state == "paused"]
        yield Running(
            case=told(shown, watch, case_id(*stored.name), opened, watch.used_ms(case, at), at),
            stopped_ms=sum(step.open_ms for step in stops),
            stopped_by=list(dict.fromkeys(why for step in stops for why in step.why)),
            due_if_resumed=clock.due if clock is not None and clock.is_paused else None,
        )


def _ended(shown: Shown, stored: Stored, watches: list[Watch], story: CaseStory) -> Iterator[Ended]:
    clocks = {clock.kpi: clock for clock in story.clocks}
    counted = {each.kpi: each for each in story.counted}
    for watch in watches:
        kpi = watch.rule.id
        ended = watch.ended(stored.case) if watch.opened(stored.case) is None else None
        if ended is None or ended.at is None:
            continue
        clock, found = clocks.get(kpi), counted.get(kpi)
        if ended.why == "answered" and clock is None and found is None:
            continue  # it never was one of those that count
        zone = zone_of(shown, attribute(stored.case, watch.kind, None)[1])
        yield Ended(
            kpi=kpi,
            wording=watch.rule.wording,
            why="answered" if ended.why == "answered" else "withdrawn",
            at=local_iso(ended.at, zone),
            zone=zone.key,
            used_ms=None if clock is None else clock.elapsed_ms,
            target_ms=None if clock is None else clock.target_ms,
            within=clock.within if clock is not None else None if found is None else bool(found.numerator),
        )
