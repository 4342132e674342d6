"""Receivers that fail, hang, refuse or ask to be left alone: tried again, given up, sent again by command."""

import asyncio
import threading
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from loanpulse.dispatch.letters import letters, send_again
from tests.dispatch_lab import (
    HOUR,
    MINUTE,
    SECOND,
    HandClock,
    Sink,
    desk,
    escalated,
    raised,
    resolved,
    routes_to,
    run,
    scene,
    webhook,
)  # fmt: skip

pytestmark = pytest.mark.servers


def test_what_fails_is_tried_again_later_and_later_until_it_is_taken(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    sink.will(500, 503, 408)

    async def story() -> None:
        async with desk(redis_url, namespace, sink) as it:
            await it.told(raised(), escalated())
            assert len(sink.got) == 1
            for tries in (2, 3, 4):
                await it.go_on(2**tries * SECOND)
                assert len(sink.got) >= tries
            assert await it.counts("desk") == {"delivered": 2, "retried": 3}

    run(story())
    assert sink.ids == [raised().id] * 4 + [escalated().id]


def test_a_receiver_that_hangs_or_is_away_keeps_nobody_else_waiting(
    redis_url: str, namespace: str, sink: Sink, other: Sink
) -> None:
    sink.hang = threading.Event()
    routes = routes_to(
        webhook("slow", sink, timeout="30 seconds"),
        webhook("desk", other),
        webhook("away", Sink("http://127.0.0.1:9/closed")),
        default="{receivers: [slow, away, desk]}",
    )

    async def story() -> None:
        async with scene(redis_url, namespace, routes) as it:
            await it.take(raised())
            slow, desk, away = (
                asyncio.create_task(it.dispatcher.deliver(one))
                for one in sorted(it.dispatcher.deliveries, key=lambda one: "sda".index(one.name[0]))
            )
            await asyncio.gather(desk, away)
            assert not slow.done()
            assert other.ids == [raised().id]
            assert sink.hang is not None
            sink.hang.set()
            await slow
            assert await it.counts("away") == {"retried": 1}

    run(story())


def test_a_receiver_that_takes_too_long_is_tried_again(redis_url: str, namespace: str, sink: Sink) -> None:
    sink.hang = threading.Event()

    async def story() -> None:
        async with desk(redis_url, namespace, sink, timeout="100 ms") as it:
            await it.told(raised())
            assert await it.counts("desk") == {"retried": 1}
            assert sink.hang is not None
            sink.hang.set()
            await it.go_on(2 * SECOND)
            assert await it.counts("desk") == {"retried": 1, "delivered": 1}

    run(story())


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_kept_to_for_all_messages_of_the_receiver(
    redis_url: str, namespace: str, sink: Sink, as_date: bool
) -> None:
    clock = HandClock()
    until = datetime.fromtimestamp(clock.now_ms() / 1000 + 600, UTC)
    sink.will(429, retry_after=format_datetime(until, usegmt=True) if as_date else "600")

    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink)), clock=clock) as it:
            await it.told(raised())
            await it.take(raised("b-1"))
            await it.go_on(599 * SECOND)
            assert len(sink.got) == 1
            await it.go_on(1 * SECOND)

    run(story())
    assert sorted(sink.ids[1:]) == [raised().id, raised("b-1").id]


@pytest.mark.parametrize("status", [400, 401, 404, 410, 301])
def test_what_a_receiver_refuses_becomes_a_letter_and_is_sent_again_on_demand(
    redis_url: str, namespace: str, sink: Sink, status: int
) -> None:
    sink.will(status)

    async def story() -> None:
        async with desk(redis_url, namespace, sink) as it:
            await it.told(raised(), escalated())
            await it.go_on(HOUR)
            assert sink.ids == [raised().id, escalated().id]
            ((name, letter),) = (await letters(it.dispatcher.store, 10)).items()
            assert (letter.receiver, letter.message.event, letter.tries) == ("desk", raised(), 1)
            assert f"answered {status}" in letter.error
            assert await send_again(it.dispatcher.store, name, it.clock.now_ms()) == letter
            await it.deliver()
            assert sink.ids[2:] == [raised().id]
            assert await letters(it.dispatcher.store, 10) == {}
            assert await send_again(it.dispatcher.store, name, it.clock.now_ms()) is None
            assert await it.counts("desk") == {"delivered": 2, "failed": 1}

    run(story())


def test_tries_end_after_the_time_that_the_receiver_is_given(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    sink.will(*[500] * 20)

    async def story() -> None:
        async with desk(redis_url, namespace, sink, retry_for="10 minutes") as it:
            await it.told(raised())
            for _ in range(12):
                await it.go_on(MINUTE)
            (letter,) = (await letters(it.dispatcher.store, 10)).values()
            assert letter.tries == len(sink.got) > 2
            assert "answered 500" in letter.error
            await it.told(resolved())
            assert set(sink.ids) == {raised().id}  # it knows of no incident, so it is told of no end

    run(story())


def test_a_letter_can_be_sent_again_when_the_incident_is_long_forgotten(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    sink.will(400)

    async def story() -> None:
        async with desk(redis_url, namespace, sink) as it:
            await it.told(raised(), resolved())
            await it.go_on(8 * 24 * HOUR)
            assert [one async for one in it.dispatcher.store.incidents()] == []
            (name,) = await letters(it.dispatcher.store, 10)
            await send_again(it.dispatcher.store, name, it.clock.now_ms())
            await it.deliver()
            assert sink.ids == [raised().id] * 2
            await it.go_on(8 * 24 * HOUR)
            assert [one async for one in it.dispatcher.store.incidents()] == []

    run(story())
