"""From the lender's events to Kafka records: written as JSON, a tiny share broken on purpose, paced by a clock."""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import cast

import msgspec

from loanpulse.intake.sources import Raw, raw_of
from loanpulse.lab.simulator.disorder import Event
from loanpulse.lab.simulator.lender import Arrival

DEMO_BROKEN = 0.0005
"""The share that gives a demo's dead-letter list some lines a day."""

_encode = msgspec.json.Encoder().encode


def records(arrivals: Iterable[Arrival], broken: float = 0.0, seed: int = 0) -> Iterator[Raw]:
    """The arrivals as records, each sent when it arrived.

    Before a share of them comes a broken copy, as if the sender then mended it.
    """
    rng = Random(seed)  # noqa: S311  # chance in a simulation, no secret
    for at, event in arrivals:
        if broken and rng.random() < broken:
            yield raw_of(rng.choice(_FAULTS)(event))._replace(timestamp_ms=at)
        yield raw_of(_encode(event))._replace(timestamp_ms=at)


def paced(
    arrivals: Iterable[Arrival], now_ms: Callable[[], int], wait: Callable[[float], object]
) -> Iterator[Arrival]:
    """Each arrival when its time has come, by a clock and a sleep in seconds; at once when it is overdue."""
    for arrival in arrivals:
        ahead = arrival.at - now_ms()
        if ahead > 0:
            wait(ahead / 1000)
        yield arrival


def _torn(event: Event) -> bytes:
    whole = _encode(event)
    return whole[: len(whole) * 2 // 3]


def _without_time(event: Event) -> bytes:
    return _encode({name: value for name, value in event.items() if name != "time"})


def _without_offset(event: Event) -> bytes:
    return _encode(event | {"time": event["time"].removesuffix("Z")})


def _misspelt_type(event: Event) -> bytes:
    return _encode(event | {"type": event["type"].replace(".", "-")})


def _spaced_subject(event: Event) -> bytes:
    return _encode(event | {"subject": event["subject"].replace("-", " ")})


def _negative_revision(event: Event) -> bytes:
    return _encode(event | {"revision": -1})


def _out_of_range(event: Event) -> bytes:
    """One field of data that no type admits, or a score beyond every scale."""
    data = cast("dict[str, object]", event["data"])
    spoilt = {"score": 101} if "score" in data else {"customer_id": "", "officer_id": ""}
    return _encode(event | {"data": data | spoilt})


_FAULTS: tuple[Callable[[Event], bytes], ...] = (
    _torn,
    _without_time,
    _without_offset,
    _misspelt_type,
    _spaced_subject,
    _negative_revision,
    _out_of_range,
)
