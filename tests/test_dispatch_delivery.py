"""Delivering on a real Redis to a real HTTP server, step by step: once, in order, tried again, given up, sent again."""

import asyncio
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from schemas.alert import decode_alert
from streams.runtime.clock import WallClock
from tests.dispatch_lab import (
    HOUR,
    MINUTE,
    SECOND,
    SECRET,
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


def test_each_event_of_an_incident_is_told_once_and_in_order(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    events = [raised(), escalated(), resolved(band="breached")]

    async def story() -> None:
        async with desk(redis_url, namespace, sink) as it:
            await it.told(*events, *events)
            await it.told(*events)
            assert await it.counts("desk") == {"delivered": 3}

    run(story())
    assert sink.ids == [event.id for event in events]
    assert [decode_alert(body) for _, body in sink.got] == events


def test_a_webhook_is_signed_as_the_specification_says(redis_url: str, namespace: str, sink: Sink) -> None:
    clock = HandClock(datetime.fromtimestamp(WallClock().now_ms() / 1000, UTC).isoformat())

    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink)), clock=clock) as it:
            await it.told(raised(clock=clock))

    run(story())
    ((headers, body),) = sink.got
    assert Webhook(SECRET).verify(body, headers)["id"] == headers["webhook-id"] == raised().id
    assert headers["content-type"] == "application/cloudevents+json"


def test_both_secrets_sign_while_one_takes_the_place_of_the_other(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    older = "whsec_" + "b2xkZXItc2VjcmV0LW9mLXRoZS1zYW1lLWhvb2s5"
    clock = HandClock(datetime.fromtimestamp(WallClock().now_ms() / 1000, UTC).isoformat())
    routes = routes_to(webhook("desk", sink).replace("{env: SECRET}", "[{env: SECRET}, {env: OLDER}]"))

    async def story() -> None:
        async with scene(redis_url, namespace, routes, clock=clock, environ={"OLDER": older}) as it:
            await it.told(raised(clock=clock))

    run(story())
    ((headers, body),) = sink.got
    for secret in (SECRET, older):
        assert Webhook(secret).verify(body, headers)


def test_what_one_process_has_claimed_no_other_has_until_the_lease_is_over(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    async def story() -> None:
        async with desk(redis_url, namespace, sink, timeout="1 second") as it:
            await it.take(raised())
            (delivery,) = it.dispatcher.deliveries
            assert await delivery.claim() == ["a-1"]  # and dies
            await it.deliver()
            assert sink.got == []
            await it.go_on(7 * SECOND)
            assert sink.ids == [raised().id]

    run(story())


def test_two_processes_share_what_is_due(redis_url: str, namespace: str, sink: Sink) -> None:
    events = [raised(f"a-{number}") for number in range(40)]

    async def story() -> None:
        async with desk(redis_url, namespace, sink) as one, desk(redis_url, namespace, sink) as two:
            await asyncio.gather(one.take(*events), two.take(*reversed(events)))
            await asyncio.gather(one.deliver(), two.deliver())

    run(story())
    assert sorted(sink.ids) == sorted(event.id for event in events)


def test_of_two_changes_at_once_none_is_lost(redis_url: str, namespace: str, sink: Sink) -> None:
    events = [raised(id=f"again-{number}") for number in range(10)]

    async def story() -> None:
        async with desk(redis_url, namespace, sink) as it:
            await asyncio.gather(*map(it.take, events))
            incident, _ = await it.dispatcher.store.read("a-1")
            assert set(incident.seen) == {event.id for event in events}

    run(story())


def test_an_incident_that_moves_is_followed_through_redis(redis_url: str, namespace: str, sink: Sink) -> None:
    async def story() -> None:
        async with desk(redis_url, namespace, sink) as it:
            await it.told(raised("x"))
            await it.told(resolved("x", ended="due_moved", superseded_by="y"), raised("y", supersedes="x"))
            await it.told(resolved("y", ended="due_moved", superseded_by="z"), raised("z", supersedes="y"))
            await it.told(resolved("z"), resolved("z"))

    run(story())
    assert sink.ids == [raised("x").id, resolved("z").id]


def test_ends_are_told_only_where_they_are_wanted(
    redis_url: str, namespace: str, sink: Sink, other: Sink
) -> None:
    routes = routes_to(
        webhook("desk", sink),
        webhook("book", other),
        routes="[{match: {}, receivers: [desk], resolved: false, continue: true}, {match: {}, receivers: [book]}]",
    )

    async def story() -> None:
        async with scene(redis_url, namespace, routes) as it:
            await it.told(raised(), resolved())
            await it.told(raised(id="anew"), resolved(id="end"))

    run(story())
    assert sink.ids == [raised().id, "anew"]
    assert other.ids == [raised().id, resolved().id, "anew", "end"]


def test_a_backlog_that_takes_itself_back_is_not_told(redis_url: str, namespace: str, sink: Sink) -> None:
    clock = HandClock()

    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink)), clock=clock) as it:
            clock.go_on(3 * HOUR)
            await it.told(raised("old"), resolved("old"), raised("open"))
            assert sink.got == []
            await it.go_on(MINUTE)

    run(story())
    assert sink.ids == [raised("open").id]


def test_what_no_route_names_is_counted(redis_url: str, namespace: str, sink: Sink) -> None:
    async def story() -> None:
        routes = routes_to(webhook("desk", sink), default="{receivers: []}")
        async with scene(redis_url, namespace, routes) as it:
            await it.told(raised())
            assert await it.counts("-") == {"taken_in": 1, "unrouted": 1}

    run(story())
    assert sink.got == []
