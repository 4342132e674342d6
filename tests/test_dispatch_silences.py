"""Silences and snoozes: what they cover is told when they end if it is still so, and nothing else waits for them."""

from typing import Any

import pytest

from kpi_rules.organisation import Organisation
from loanpulse.dispatch.gate import Gate
from loanpulse.dispatch.hours import Hours
from loanpulse.dispatch.silence import Covered, SilenceError, end_of
from loanpulse.dispatch.silences import add_silence, end_silence, silences_in_force, stored_silences
from schemas.alert import AlertEvent
from tests.dispatch_lab import (
    HOUR,
    MINUTE,
    MONDAY_10,
    SECOND,
    HandClock,
    Scene,
    Sink,
    figure,
    ms,
    raised,
    resolved,
    routes_to,
    run,
    scene,
    webhook,
)  # fmt: skip

ORGANISATION = Organisation(tz="Europe/Amsterdam")
MONDAY_9 = "2026-03-09T09:00:00+01:00"
BUSINESS = "[{match: {}, receivers: [desk], hours: business}]"


async def silenced(it: Scene, end_ms: int, **covered: str) -> str:
    store = it.dispatcher.store
    made = await add_silence(
        store.redis, store.keys.namespace, Covered(**covered), reason="move of the office", by="eva",
        end_ms=end_ms, now_ms=it.clock.now_ms(),
    )  # fmt: skip
    return made.id


@pytest.mark.servers
@pytest.mark.parametrize("early", [False, True])
def test_what_was_silenced_is_told_when_the_silence_ends_if_it_is_still_so(
    redis_url: str, namespace: str, sink: Sink, early: bool
) -> None:
    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink))) as it:
            redis = it.dispatcher.store.redis
            name = await silenced(it, it.clock.now_ms() + HOUR, branch="north")
            await it.told(raised("open", subject="Q-2"), raised("over"), raised("far", branch="south"))
            await it.told(resolved("over"))
            await it.go_on(30 * MINUTE)
            assert sink.ids == [raised("far").id]
            if early:
                assert await end_silence(redis, namespace, name, it.clock.now_ms()) is not None
                await it.go_on(0)
            else:
                await it.go_on(30 * MINUTE)
            assert sink.ids[1:] == [raised("open").id]
            assert await it.counts("desk") == {"silenced": 2, "delivered": 2}
            await it.go_on(10 * SECOND)
            assert await stored_silences(redis, namespace) == []
            assert await end_silence(redis, namespace, name, it.clock.now_ms()) is None

    run(story())


@pytest.mark.servers
def test_a_snooze_reminds_whoever_knew_of_the_case_once(redis_url: str, namespace: str, sink: Sink) -> None:
    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink))) as it:
            await it.told(raised("a-1"), raised("b-1", subject="Q-2"))
            name = await silenced(it, it.clock.now_ms() + HOUR, subject="Q-1")
            await it.go_on(HOUR)
            await it.go_on(HOUR)
            assert sink.ids[2:] == [f"{raised('a-1').id}.{name}"]
            await it.told(resolved("a-1"))

    run(story())
    assert sink.ids[3:] == [resolved("a-1").id]


@pytest.mark.servers
def test_no_one_is_reminded_of_what_was_dealt_with_while_it_was_snoozed(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink))) as it:
            await it.told(raised())
            await silenced(it, it.clock.now_ms() + HOUR, subject="Q-1")
            await it.told(resolved())
            assert sink.ids == [raised().id]
            await it.go_on(HOUR)

    run(story())
    assert sink.ids == [raised().id, resolved().id]


@pytest.mark.servers
def test_a_broad_silence_repeats_nothing_that_was_told_before_it(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink))) as it:
            await it.told(raised())
            await silenced(it, it.clock.now_ms() + HOUR, officer="ann")
            await it.go_on(HOUR)

    run(story())
    assert sink.ids == [raised().id]


@pytest.mark.servers
def test_what_two_silences_cover_waits_for_the_later_one_and_then_for_the_opening(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    clock = HandClock("2026-03-06T15:00:00+01:00")
    routes = routes_to(webhook("desk", sink), routes=BUSINESS)

    async def story() -> None:
        async with scene(redis_url, namespace, routes, clock=clock, organisation=ORGANISATION) as it:
            await silenced(it, clock.now_ms() + HOUR, kpi="response_*")
            await silenced(it, clock.now_ms() + 3 * HOUR, officer="ann")
            await it.told(raised(clock=clock))
            await it.go_on(HOUR)
            await it.go_on(2 * HOUR)
            assert sink.got == []
            await it.go_on(ms(MONDAY_9) - clock.now_ms())

    run(story())
    assert sink.ids == [raised().id]


@pytest.mark.parametrize(
    ("covered", "event", "holds"),
    [
        (Covered(subject="Q-1"), raised(), True),
        (Covered(subject="Q-1", kind="query", key="c-1"), raised(), True),
        (Covered(subject="Q-1", kind="loan"), raised(), False),
        (Covered(subject="Q-1", key="c-2"), raised(), False),
        (Covered(subject="Q-2"), raised(), False),
        (Covered(subject="Q-1"), figure(), False),
        (Covered(officer="ann", branch="south"), raised(), False),
        (Covered(officer="ann", branch="north"), raised(), True),
        (Covered(kpi="approval_rate"), figure(), True),
        (Covered(kpi="response_*"), figure(), False),
    ],
)
def test_a_silence_covers_what_all_that_it_names_holds_for(
    covered: Covered, event: AlertEvent, holds: bool
) -> None:
    assert covered.includes(event.data) == holds


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2 hours", "2026-03-02T12:00:00+00:00"),
        ("3 days", "2026-03-05T10:00:00+00:00"),
        ("2026-03-02T17:00:00+01:00", "2026-03-02T16:00:00+00:00"),
    ],
)
def test_an_end_is_a_length_or_an_instant(text: str, instant: str) -> None:
    assert end_of(text, ms(MONDAY_10)) == ms(instant)


@pytest.mark.parametrize("text", ["soon", "2026-03-02T17:00:00", "2 business days", ""])
def test_an_end_that_cannot_be_understood_is_named(text: str) -> None:
    with pytest.raises(SilenceError, match=f"until: is '{text}'"):
        end_of(text, ms(MONDAY_10))


@pytest.mark.parametrize(
    "text", ["367 days", "99999999 days", f"{'9' * 400} days", "9999-12-31T23:59:59-14:00"]
)
def test_an_end_that_is_out_of_reach_is_named(text: str) -> None:
    with pytest.raises(SilenceError, match=f"until: is '{text}': "):
        end_of(text, ms(MONDAY_10))


@pytest.mark.servers
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"covered": Covered()}, "silence: names nothing"),
        ({"covered": Covered(kind="query", officer="ann")}, "case: name the case"),
        ({"reason": " "}, "reason: must be"),
        ({"by": ""}, "by: must be"),
        ({"end_ms": ms(MONDAY_10)}, "until: is 2026-03-02 10:00Z: must be later than now"),
        ({"end_ms": ms("2027-04-02T10:00:00Z")}, "until: is 2027-04-02 10:00Z: at most 366 days"),
    ],
)
def test_a_silence_that_cannot_be_is_refused_and_not_stored(
    redis_url: str, namespace: str, change: dict[str, Any], said: str
) -> None:
    wanted: dict[str, Any] = {
        "covered": Covered(officer="ann"),
        "reason": "r",
        "by": "eva",
        "end_ms": ms(MONDAY_10) + HOUR,
    }

    async def story() -> None:
        async with scene(redis_url, namespace, "receivers: {}\ndefault: {receivers: []}\n") as it:
            redis = it.dispatcher.store.redis
            with pytest.raises(SilenceError, match=said):
                await add_silence(redis, namespace, **(wanted | change), now_ms=ms(MONDAY_10))
            assert await silences_in_force(redis, namespace, ms(MONDAY_10)) == []

    run(story())


@pytest.mark.servers
def test_what_was_held_by_who_had_not_heard_of_the_silences_end_is_told_soon_after(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink))) as it:
            redis = it.dispatcher.store.redis
            name = await silenced(it, it.clock.now_ms() + HOUR, officer="ann")
            await it.take(raised())
            (delivery,) = it.dispatcher.deliveries
            heard_before = Gate(
                await silences_in_force(redis, namespace, it.clock.now_ms()),
                Hours(ORGANISATION),
                it.clock.now_ms(),
            )
            await end_silence(redis, namespace, name, it.clock.now_ms())
            await it.dispatcher.sweep()
            await delivery.deliver(await delivery.claim(), heard_before)
            await it.go_on(SECOND)
            assert sink.got == []
            await it.go_on(9 * SECOND)
            assert sink.ids == [raised().id]

    run(story())
