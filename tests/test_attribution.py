"""Who an observation belongs to: each dimension by itself, by anchor, carriers, opening event, in this order."""

from typing import Any

import pytest

from schemas.registry import EVENT_TYPES
from streams.calculus.attribution import Group, attribute, attribution_reads, group_name
from tests.engine import cases_of
from tests.oracle.script import said
from tests.oracle.speaker import Event

UNKNOWN = "unassigned"
SUBMITTED = said(
    "application.submitted", "L", "2026-03-01", officer_id="opener", branch_id="b1", channel="web"
)
DECIDED = said("application.decided", "L", "2026-03-10")


def assigned(day: str, **data: Any) -> Event:
    return said("application.assigned", "L", day, **data)


def group(*events: Event, anchor: str | None = "application.decided") -> Group:
    """Whom an anchor of the one case of these events belongs to; None: a level, as of now."""
    (((kind, _, _), case),) = cases_of(events).items()
    found = None if anchor is None else case.facts(EVENT_TYPES[anchor].code)[0]
    return attribute(case, kind, found)


def test_the_anchor_comes_first_then_the_carriers_then_the_opening_event() -> None:
    assert group(SUBMITTED, DECIDED) == ("opener", "b1", UNKNOWN, "web")
    carried = assigned("2026-03-05", officer_id="carrier", product="car")
    assert group(SUBMITTED, carried, DECIDED) == ("carrier", "b1", "car", "web")
    named = said("application.decided", "L", "2026-03-10", officer_id="decider", channel="shop")
    assert group(SUBMITTED, carried, named) == ("decider", "b1", "car", "shop")


def test_an_anchor_that_names_all_four_asks_nobody_else() -> None:
    own = {"officer_id": "o", "branch_id": "b", "product": "p", "channel": "c"}
    full = DECIDED | {"data": DECIDED["data"] | own}
    assert group(SUBMITTED, assigned("2026-03-05", officer_id="carrier"), full) == ("o", "b", "p", "c")


@pytest.mark.parametrize(
    ("day", "officer"),
    [
        ("2026-03-09 23:59:59.999", "carrier"),
        ("2026-03-10", "carrier"),
        ("2026-03-10 00:00:00.001", "opener"),
    ],
)
def test_a_carrier_counts_up_to_the_anchor_s_very_instant(day: str, officer: str) -> None:
    assert group(SUBMITTED, assigned(day, officer_id="carrier"), DECIDED)[0] == officer


def test_the_latest_carrier_that_names_a_dimension_wins_it() -> None:
    events = [
        assigned("2026-03-02", officer_id="early", branch_id="b2"),
        assigned("2026-03-04", officer_id="late"),
        assigned("2026-03-06", channel="shop"),
    ]
    for order in (events, events[::-1]):
        assert group(SUBMITTED, *order, DECIDED) == ("late", "b2", UNKNOWN, "shop")


def test_carriers_of_one_instant_are_told_apart_by_source_and_id() -> None:
    ann = assigned("2026-03-02", officer_id="ann", source="core", id="2")
    ben = assigned("2026-03-02", officer_id="ben", source="core", id="10")
    cid = assigned("2026-03-02", officer_id="cid", source="a", id="9")
    assert group(SUBMITTED, ann, ben, cid, DECIDED)[0] == "ann"


def test_a_funding_is_a_carrier_too() -> None:
    funded = said("loan.funded", "L", "2026-03-05", officer_id="funder", product="home")
    assert group(SUBMITTED, funded, DECIDED) == ("funder", "b1", "home", "web")


def test_the_opening_event_names_whatever_its_time_but_carries_only_from_its_time_on() -> None:
    late = said("application.submitted", "L", "2026-03-20", officer_id="opener", branch_id="b1")
    carried = assigned("2026-03-05", officer_id="carrier")
    assert group(late, carried, DECIDED)[:2] == ("carrier", "b1")
    assert group(SUBMITTED | {"time": "2026-03-06T00:00:00Z"}, carried, DECIDED)[0] == "opener"


def test_a_retracted_carrier_or_opening_names_nothing() -> None:
    carried = assigned("2026-03-05", officer_id="carrier")
    back = {"revision": 1, "retracted": True}
    assert group(SUBMITTED, carried, carried | back, DECIDED)[0] == "opener"
    assert group(SUBMITTED, SUBMITTED | back, DECIDED) == (UNKNOWN,) * 4


def test_a_level_belongs_to_whoever_was_named_last_after_all_that_is_known() -> None:
    funded = said("loan.funded", "L", "2026-03-05", officer_id="funder", product="home")
    assert group(SUBMITTED, funded, assigned("2026-04-01", officer_id="keeper"), anchor=None) == (
        "keeper",
        "b1",
        "home",
        "web",
    )


def test_a_case_that_is_not_a_loan_has_no_carriers() -> None:
    asked = said("query.received", "Q", "2026-03-01", officer_id="asked", branch_id="b1")
    answered = said("query.answered", "Q", "2026-03-02", officer_id="answers")
    assert group(asked, answered, anchor="query.answered") == ("answers", "b1", UNKNOWN, UNKNOWN)
    assert group(answered, anchor="query.answered") == ("answers", UNKNOWN, UNKNOWN, UNKNOWN)


def test_nobody_named_is_unassigned() -> None:
    assert group(DECIDED) == (UNKNOWN,) * 4


def test_kinds_of_cases_know_which_events_name_whom_they_belong_to() -> None:
    def codes(*names: str) -> set[int]:
        return {EVENT_TYPES[name].code for name in names}

    assert attribution_reads("loan") == codes("application.submitted", "application.assigned", "loan.funded")
    assert attribution_reads("lead") == codes("lead.created")
    assert attribution_reads("nps") == frozenset()


def test_a_staff_group_has_neither_product_nor_channel() -> None:
    whole = ("ann", "b1", "car", "web")
    assert group_name(whole, "lending", "EUR") == "ann\x1fb1\x1fcar\x1fweb\x1fEUR"
    assert group_name(whole, "staff") == "ann\x1fb1\x1f\x1f\x1f"
