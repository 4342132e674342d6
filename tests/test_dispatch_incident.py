"""What is news to a receiver, over the course of an incident."""

from typing import Any

import pytest
from msgspec.structs import replace

from loanpulse.dispatch.course import admitted, delivered, hold, reminded, rescheduled
from loanpulse.dispatch.incident import Incident, Terms, decode_incident, encode_incident
from schemas.alert import AlertEvent
from tests.dispatch_lab import escalated, raised, resolved

DESK = {"desk": Terms()}


def after(incident: Incident, *events: AlertEvent, **how: Any) -> Incident:
    for event in events:
        incident = admitted(incident, event, DESK, 1_000, **how) or incident
    return incident


def waiting(incident: Incident) -> list[str]:
    post = incident.posts.get("desk")
    return [] if post is None else [message.id for message in post.waiting]


def told(incident: Incident) -> Incident:
    """With everything that is waiting delivered."""
    return delivered(incident, "desk", incident.posts["desk"].waiting)


NEW = Incident("a-1")
TOLD = told(after(NEW, raised()))


def test_what_was_taken_in_before_changes_nothing() -> None:
    assert admitted(after(NEW, raised()), raised(), DESK, 2_000) is None


def test_each_step_is_told_in_its_order_if_nothing_holds_it() -> None:
    events = (raised(), escalated(), resolved(band="breached"))
    assert waiting(after(NEW, *events)) == [event.id for event in events]


def test_a_band_that_was_told_is_no_news() -> None:
    assert waiting(after(TOLD, raised(id="another"))) == []


def test_an_end_is_told_only_where_a_beginning_was() -> None:
    assert waiting(after(TOLD, resolved())) == [resolved().id]
    assert waiting(after(NEW, resolved())) == []
    elsewhere = admitted(NEW, raised(), {"other": Terms()}, 1_000)
    assert elsewhere is not None
    assert waiting(after(elsewhere, resolved())) == []


def test_what_is_held_and_over_is_never_told() -> None:
    held = hold(after(NEW, raised(), escalated()), "desk")
    assert waiting(held) == [escalated().id]
    assert waiting(after(held, resolved(band="breached"))) == []


def test_the_end_of_what_was_told_before_it_was_held_is_told() -> None:
    held = hold(after(TOLD, escalated()), "desk")
    assert waiting(after(held, resolved(band="breached"))) == [resolved(band="breached").id]


def test_what_is_held_tells_only_how_things_stand_when_it_comes_back() -> None:
    held = hold(after(NEW, raised()), "desk")
    assert waiting(after(held, escalated())) == [escalated().id]
    flapping = after(hold(after(TOLD, escalated()), "desk"), resolved(id="end"), raised(id="again"))
    assert waiting(flapping) == []


def test_an_incident_that_begins_again_is_news_again() -> None:
    over = told(after(TOLD, resolved()))
    assert over.posts == {}
    assert waiting(after(over, raised(id="again"))) == ["again"]


def moved_to_b(band: Any = "at_risk") -> tuple[AlertEvent, AlertEvent]:
    return (
        resolved(ended="due_moved", superseded_by="b-1"),
        raised("b-1", band, supersedes="a-1"),
    )


@pytest.mark.parametrize("order", [1, -1])
def test_another_due_time_is_no_news_and_the_real_end_is(order: int) -> None:
    moved = after(TOLD, *moved_to_b()[::order])
    assert waiting(moved) == []
    assert moved.names == ("b-1",)
    assert waiting(after(moved, resolved("b-1"))) == [resolved("b-1").id]


def test_another_due_time_is_news_if_its_band_is_higher() -> None:
    assert waiting(after(TOLD, *moved_to_b("breached"))) == [moved_to_b("breached")[1].id]


def test_another_due_time_that_was_never_told_is_told_once_with_the_new_one() -> None:
    moved = after(after(NEW, raised()), *moved_to_b())
    assert waiting(moved) == [moved_to_b()[1].id]


def test_a_breach_under_the_new_due_time_is_told_though_one_was_under_the_old() -> None:
    breached = told(after(NEW, raised(band="breached")))
    moved = after(breached, *moved_to_b("at_risk"))
    assert waiting(moved) == []
    assert waiting(after(moved, escalated("b-1"))) == [escalated("b-1").id]


def test_a_due_time_that_moved_out_of_sight_is_an_end() -> None:
    assert waiting(after(TOLD, resolved(ended="due_moved"))) == [resolved().id]


def test_a_message_that_arrived_late_makes_its_like_no_news() -> None:
    sent = after(NEW, raised()).posts["desk"].waiting
    moved = after(after(NEW, raised()), *moved_to_b())
    assert waiting(delivered(moved, "desk", sent)) == []


def test_a_reminder_goes_once_to_whoever_knows_of_the_incident() -> None:
    reminding = reminded(TOLD, "a-1.s-1")
    assert reminding is not None
    assert waiting(reminding) == ["a-1.s-1"]
    assert reminded(reminding, "a-1.s-1") is None
    assert reminded(told(after(TOLD, resolved())), "a-1.s-2") is None
    not_told = reminded(after(NEW, raised()), "a-1.s-3")
    assert not_told is not None
    assert waiting(not_told) == [raised().id]


def test_an_old_event_is_held_until_it_is_known_whether_it_is_over() -> None:
    held = after(NEW, raised(), held=True)
    assert held.posts["desk"].held
    assert waiting(after(held, resolved(), held=True)) == []


def test_what_waits_already_is_not_due_sooner_because_more_is_waiting() -> None:
    first, second = after(NEW, raised()), after(NEW, raised(), escalated())
    assert rescheduled(NEW, first, {"desk": 5}) == {"desk": 5}
    assert rescheduled(first, second, {"desk": 6}) == {}
    assert rescheduled(second, NEW, {"desk": 7}) == {"desk": None}


def test_an_incident_comes_back_from_redis_as_it_was() -> None:
    incident = hold(after(TOLD, escalated()), "desk")
    assert decode_incident(encode_incident(incident)) == incident
    over = told(after(TOLD, resolved()))
    assert over.settled() == replace(over, latest=None)
