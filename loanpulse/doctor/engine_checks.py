"""The engine's own state: every partition has a healthy ledger that keeps up."""

import time
from collections.abc import Iterable, Iterator

from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError

from loanpulse.doctor.finding import Finding, bad, ok, warn
from loanpulse.doctor.site import Site
from streams.runtime.ledger_values import Head

STOPPED = "stopped"
_SIGN_OF_LIFE_SECONDS = 2.5


def check_ledgers(site: Site) -> Iterator[Finding]:
    """Each partition was taken up by a worker, none is stopped or torn, and all read the topics of this Kafka."""
    if not site.heads:
        yield bad(f"no worker has run in the namespace {site.settings.namespace}", "loanpulse worker")
        return
    problems = [finding for place, head in site.heads.items() for finding in _ledger(site, place, head)]
    yield from problems
    missing = [
        f"{tp.topic}/{tp.partition}" for tp in site.partitions if (tp.topic, tp.partition) not in site.heads
    ]
    if missing:
        yield bad(f"nobody has read {', '.join(missing)}", "start a worker, and look into its log")
    if not problems and not missing:
        applied = sum(head.counts.get("applied", 0) for head in site.heads.values())
        yield ok(f"{len(site.heads)} ledgers are in order, {applied:,} events applied")


def _ledger(site: Site, place: tuple[str, int], head: Head) -> Iterator[Finding]:
    name = f"{place[0]}/{place[1]}"
    accept = f'loanpulse ledger accept-gap {place[0]} {place[1]} --note "why", after finding out; the gap will be shown'
    if head.state.startswith(STOPPED):
        yield bad(f"{name} is {head.state}", "do what it says there, then restart the worker")
    if head.torn:
        yield bad(f"{name} was cut off in the middle of a batch", "a worker rebuilds it when it starts")
    found = site.source(place[0])
    if head.source is not None and found is not None and head.source != found:
        yield bad(f"{name} was filled from {head.source}, but Kafka now has {found}", accept)
    for gap in head.gaps:
        yield warn(
            f"{name}: offsets {gap.from_position} to {gap.to_position} were never read ({gap.note})",
            "read them again from a copy of the topic, if there is one",
        )


def check_lag(site: Site) -> Iterator[Finding]:
    """How many records no ledger has yet, and whether workers are on them."""
    ends = site.offsets(OffsetSpec.LATEST)
    lags = {
        place: end.offset - site.heads[place].position
        for tp, end in ends.items()
        if (place := (tp.topic, tp.partition)) in site.heads
    }
    ahead = [place for place, lag in lags.items() if lag < 0]
    if ahead:
        yield bad(
            f"ledgers of {_names(ahead)} are past the end of their partitions: Kafka has lost records",
            "see ledgers, and find out what was lost before accepting the gap",
        )
    behind = [lag for lag in lags.values() if lag > 0]
    workers, waiting = _workers(site), f"{sum(behind):,} records wait in {len(behind)} partitions"
    if not workers:
        yield bad(f"no worker is connected; {waiting}", "loanpulse worker")
    elif still := _standing_still(site):
        yield bad(f"{_names(still)} stand still: stopped, or Redis is away", "look into the workers' logs")
    else:
        yield ok(f"{workers} connected, {waiting if behind else 'everything is read'}")


def _names(places: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{topic}/{partition}" for topic, partition in places)


def _standing_still(site: Site) -> list[tuple[str, int]]:
    """Ledgers whose worker has given no sign of life for a while, nor gives one now.

    While it catches up only the position tells, since `through_ms` then lies in the past.
    """
    if site.settings.as_of is not None:
        return []
    old_ms = site.now_ms - site.settings.stale_seconds * 1000
    suspects = [place for place, head in site.heads.items() if (head.through_ms or 0) < old_ms]
    if suspects:
        time.sleep(_SIGN_OF_LIFE_SECONDS)
    return [place for place in suspects if site.head(*place) == site.heads[place]]


def _workers(site: Site) -> str:
    """How many members the consumer group has, "" for none."""
    group = site.settings.namespace
    try:
        members = len(site.admin.describe_groups([group])[group]["members"])
    except (CoordinatorNotAvailableError, GroupIdNotFoundError):  # no group has ever been, or not this one
        return ""
    return f"{members} worker{'s' if members > 1 else ''}" if members else ""
