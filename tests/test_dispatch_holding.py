"""What is held outside of opening hours, and while somebody has silenced it: told later if it is still so, never lost."""

import pytest

from kpi_rules.organisation import Organisation
from loanpulse.dispatch.gate import Diverted, Dropped, Gate, Held, Told
from loanpulse.dispatch.hours import Hours
from loanpulse.dispatch.incident import Message, Terms
from schemas.alert import AlertEvent
from tests.dispatch_lab import (
    HOUR,
    HandClock,
    Sink,
    escalated,
    ms,
    raised,
    resolved,
    routes_to,
    run,
    scene,
    webhook,
)  # fmt: skip

ORGANISATION = Organisation.model_validate(
    {
        "tz": "Europe/Amsterdam",
        "branch_calendars": {"airport": {"weekly": {"sun": [["08:00", "24:00"]]}}},
    }
)
HOURS = Hours(ORGANISATION)
FRIDAY_18 = "2026-03-06T18:00:00+01:00"
MONDAY_9 = "2026-03-09T09:00:00+01:00"
BUSINESS = "[{match: {}, receivers: [desk], hours: business, outside: %s}]"


@pytest.mark.parametrize(
    ("branch", "now", "opening"),
    [
        ("north", "2026-03-06T16:59:00+01:00", "2026-03-06T16:59:00+01:00"),
        ("north", "2026-03-06T17:00:00+01:00", MONDAY_9),
        ("north", FRIDAY_18, MONDAY_9),
        ("north", "2026-03-27T18:00:00+01:00", "2026-03-30T09:00:00+02:00"),
        ("airport", FRIDAY_18, "2026-03-08T08:00:00+01:00"),
        ("airport", "2026-03-08T23:59:59+01:00", "2026-03-08T23:59:59+01:00"),
        ("", FRIDAY_18, MONDAY_9),
    ],
)
def test_a_branch_opens_as_its_own_calendar_says(branch: str, now: str, opening: str) -> None:
    assert HOURS.opening(branch, ms(now)) == ms(opening)


def verdict(event: AlertEvent, terms: Terms, now: str) -> object:
    return Gate((), HOURS, ms(now)).verdict(terms, Message(event.id, event))


@pytest.mark.parametrize(
    ("outside", "raising", "resolving"),
    [
        ("hold", Held(ms(MONDAY_9), "held"), Held(ms(MONDAY_9), "held")),
        ("drop", Dropped(), Held(ms(MONDAY_9), "held")),
        ("other", Diverted("other"), Held(ms(MONDAY_9), "held")),
    ],
)
def test_outside_of_the_hours_the_terms_decide_and_an_end_waits(
    outside: str, raising: object, resolving: object
) -> None:
    terms = Terms("business", outside)
    assert verdict(raised(), terms, FRIDAY_18) == raising
    assert verdict(resolved(), terms, FRIDAY_18) == resolving
    assert verdict(raised(), terms, MONDAY_9) == Told()
    assert verdict(raised(), Terms(outside=outside), FRIDAY_18) == Told()


@pytest.mark.servers
def test_what_is_held_over_the_weekend_is_told_at_the_opening_if_it_is_still_so(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    clock = HandClock(FRIDAY_18)
    routes = routes_to(webhook("desk", sink), routes=BUSINESS % "hold")

    async def story() -> None:
        async with scene(redis_url, namespace, routes, clock=clock, organisation=ORGANISATION) as it:
            await it.told(*[raised(name, clock=clock) for name in ("open", "worse", "over")])
            await it.told(escalated("worse", clock=clock), resolved("over", clock=clock))
            await it.go_on(ms(MONDAY_9) - ms(FRIDAY_18) - 1)
            assert sink.got == []
            await it.go_on(1)
            assert sorted(sink.ids) == sorted([raised("open").id, escalated("worse").id])
            assert await it.counts("desk") == {"held": 3, "delivered": 2}

    run(story())


@pytest.mark.servers
def test_what_is_dropped_outside_of_the_hours_is_not_told_later(
    redis_url: str, namespace: str, sink: Sink
) -> None:
    clock = HandClock(FRIDAY_18)
    routes = routes_to(webhook("desk", sink), routes=BUSINESS % "drop")

    async def story() -> None:
        async with scene(redis_url, namespace, routes, clock=clock, organisation=ORGANISATION) as it:
            await it.told(raised(clock=clock))
            await it.go_on(72 * HOUR)
            await it.told(resolved(clock=clock))
            assert await it.counts("desk") == {"dropped": 1}

    run(story())
    assert sink.got == []


@pytest.mark.servers
def test_outside_of_the_hours_another_receiver_is_told_of_the_beginning_and_of_the_end(
    redis_url: str, namespace: str, sink: Sink, other: Sink
) -> None:
    clock = HandClock(FRIDAY_18)
    routes = routes_to(webhook("desk", sink), webhook("night", other), routes=BUSINESS % "night")

    async def story() -> None:
        async with scene(redis_url, namespace, routes, clock=clock, organisation=ORGANISATION) as it:
            await it.told(raised(clock=clock))
            await it.go_on(72 * HOUR)
            await it.told(resolved(clock=clock))
            assert await it.counts("desk") == {"diverted": 1}

    run(story())
    assert sink.got == []
    assert other.ids == [raised().id, resolved().id]


@pytest.mark.servers
def test_messages_for_a_receiver_that_is_gone_from_the_file_are_named(
    redis_url: str, namespace: str, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.will(500)

    async def story() -> None:
        async with scene(redis_url, namespace, routes_to(webhook("desk", sink))) as it:
            await it.told(raised())
        async with scene(redis_url, namespace, "receivers: {}\ndefault: {receivers: []}\n") as it:
            await it.go_on(HOUR)

    run(story())
    assert "1 incidents wait for desk, which is no receiver of the routes file" in caplog.text
