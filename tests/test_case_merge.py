"""The winner rule: a case is a function of the set of events, whatever their order, repetition and batches."""

import random
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Statement
from schemas.registry import EVENT_TYPES
from streams.calculus.case import (
    LATE_DAYS,
    Case,
    case_id,
    decode_case,
    encode_case,
    first_late_report,
    latest_report,
    merge,
    parse_case_id,
    standing,
)
from streams.calculus.windows import Grid
from tests.engine import MemoryLedger, event_of, program_of
from tests.oracle import facts as oracle
from tests.oracle.script import said
from tests.oracle.speaker import Event

FOREVER = 1 << 60
TIMES = ("2026-03-01", "2026-03-02", "2026-03-02 00:00:00.001")
TYPES = (
    "application.submitted",
    "application.assigned",
    "documents.requested",
    "application.error_found",
    "application.decided",
    "loan.funded",
    "loan.defaulted",
    "compliance.checked",
)
OWN: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "application.decided": {"outcome": st.sampled_from(["approved", "declined", "withdrawn"])},
    "documents.requested": {"request_id": st.sampled_from(["r1", "r2"])},
    "application.error_found": {"error_id": st.just("e")},
    "loan.funded": {"amount_minor": st.integers(1, 3)},
    "compliance.checked": {"check_id": st.sampled_from(["k1", "k2"]), "passed": st.booleans()},
}


@st.composite
def statements(draw: st.DrawFn) -> Event:
    """Of few facts, few times and few ids, so that ties are frequent; optional members given, null or absent."""
    name = draw(st.sampled_from(TYPES))
    own = {field: draw(value) for field, value in OWN.get(name, {}).items()}
    if draw(st.booleans()):
        own["officer_id"] = draw(st.sampled_from(["ann", "ben", None]))
    return said(
        name,
        "L",
        draw(st.sampled_from(TIMES)),
        id=draw(st.sampled_from("ab")),
        source=draw(st.sampled_from(["core", "crm"])),
        revision=draw(st.sampled_from([0, 0, 1, 2])),
        retracted=draw(st.booleans()),
        **own,
    )


@st.composite
def reports(draw: st.DrawFn) -> Event:
    """Of status reports each id says one thing: they are never revised."""
    number = draw(st.integers(0, 9))
    rng = random.Random(number)
    return said(
        "loan.status_reported",
        "L",
        rng.choice(TIMES),
        id=str(number),
        outstanding_minor=rng.randint(0, 5),
        days_past_due=rng.choice([0, LATE_DAYS, LATE_DAYS + 1, 400]),
    )


EVENTS = st.lists(st.one_of(statements(), reports()), max_size=12)


def case_of(events: list[Event], restored: bool = False) -> Case:
    """A case after events; `restored`: stored and read again after each."""
    case = Case()
    for event in events:
        merge(case, event_of(event))
        if restored:
            case = decode_case(encode_case(case))
    return case


@given(EVENTS, st.randoms(use_true_random=False))
def test_merging_does_not_depend_on_order(events: list[Event], rng: random.Random) -> None:
    shuffled = list(events)
    rng.shuffle(shuffled)
    assert case_of(shuffled) == case_of(events)


@given(EVENTS, st.data())
def test_merging_again_changes_nothing(events: list[Event], data: st.DataObject) -> None:
    case = case_of(events)
    again = decode_case(encode_case(case))
    for event in data.draw(st.permutations(events)):
        assert not merge(again, event_of(event))
    assert again == case


@given(EVENTS)
def test_a_case_that_is_stored_between_batches_is_the_same(events: list[Event]) -> None:
    assert case_of(events, restored=True) == case_of(events)


@given(EVENTS)
@settings(max_examples=200)
def test_the_winners_are_those_of_the_recount(events: list[Event]) -> None:
    case = case_of(events)
    merged = oracle.merge(events, FOREVER)
    wanted = next(iter(merged.values())).facts if merged else {}
    for name in TYPES:
        found = [(s.at, s.source, s.id, s.revision) for s in case.facts(EVENT_TYPES[name].code)]
        assert sorted(found) == sorted((s.time, s.source, s.id, s.revision) for s in wanted.get(name, []))


@given(st.lists(reports(), min_size=1, max_size=10))
def test_of_status_reports_the_latest_and_the_first_late_one_are_kept(events: list[Event]) -> None:
    case = case_of(events)
    every = sorted({(s.at, s.source, s.id): s for s in (event_of(e).statement for e in events)}.items())
    late = [s for _, s in every if int(s.values[-1] or 0) > LATE_DAYS]
    assert latest_report(case) == every[-1][1]
    assert first_late_report(case) == (late[0] if late else None)
    assert case.size <= 2


def test_a_report_that_is_both_latest_and_first_late_gives_way_in_both_places() -> None:
    """One id that says two things at two times: the first counts, and none of the other is left."""
    later, earlier = (
        said("loan.status_reported", "L", day, id="x", days_past_due=100)
        for day in ("2026-03-02", "2026-03-01")
    )
    stored = decode_case(encode_case(case_of([later])))
    merge(stored, event_of(earlier))
    assert latest_report(stored) == first_late_report(stored) == event_of(earlier).statement
    assert stored == case_of([earlier])


def won(*events: Event) -> Statement:
    """The winner of one fact, the same in every order."""
    (name,) = {event["type"] for event in events}
    kind = EVENT_TYPES[name]
    found = {
        (case.single.get(kind.code) or next(iter(case.many[kind.code].values())))
        for case in map(case_of, map(list, permutations(events)))
    }
    (only,) = found
    return only


def test_a_higher_revision_outranks_whatever_its_time_and_id() -> None:
    first = said("query.answered", "Q", "2026-03-01", id="a")
    restated = said("query.answered", "Q", "2026-03-05", id="z", revision=1)
    assert won(first, restated).id == "z"
    late = said("satisfaction.rated", "S", "2026-03-05", score=1)
    corrected = said("satisfaction.rated", "S", "2026-03-01", score=2, revision=1)
    assert won(late, corrected).values == (2,)


def test_among_equals_the_first_question_and_the_last_answer_to_a_survey_count() -> None:
    questions = (said("query.received", "Q", day) for day in ("2026-03-01", "2026-03-02"))
    answers = (said("nps.answered", "N", day, score=3) for day in ("2026-03-01", "2026-03-02"))
    assert won(*questions).id.endswith("2026-03-01")
    assert won(*answers).id.endswith("2026-03-02")


def test_equal_times_are_told_apart_by_source_then_id_as_unicode() -> None:
    events = [
        said("query.received", "Q", "2026-03-01", source=source, id=number)
        for source, number in (("core", "9"), ("core", "10"), ("Z", "99"))
    ]
    assert (won(*events).source, won(*events).id) == ("Z", "99")
    assert won(*events[:2]).id == "10"
    last = [
        said("nps.answered", "N", "2026-03-01", source=source, id="1", score=1)
        for source in ("core", "Ümlaut")
    ]
    assert won(*last).source == "Ümlaut"


def test_one_id_that_says_two_things_at_once_is_decided_by_its_canonical_bytes() -> None:
    low, high = (said("nps.answered", "N", "2026-03-01", id="1", score=score) for score in (2, 3))
    assert won(low, high).values == (3,)
    absent = said("query.received", "Q", "2026-03-01", id="1")
    null = said("query.received", "Q", "2026-03-01", id="1", officer_id=None)
    assert won(absent, null) == event_of(null).statement  # a comma comes before a closing brace


@pytest.mark.parametrize(
    ("withdrawn_at", "withdrawn_revision", "winner"),
    [("2026-03-09", 0, "approved"), ("2026-03-01", 0, "approved"), ("2026-03-01", 1, "withdrawn")],
)
def test_a_decision_outranks_a_withdrawal_inside_one_revision(
    withdrawn_at: str, withdrawn_revision: int, winner: str
) -> None:
    approved = said("application.decided", "L", "2026-03-05")
    withdrawn = said(
        "application.decided", "L", withdrawn_at, outcome="withdrawn", revision=withdrawn_revision
    )
    assert won(approved, withdrawn).values[0] == winner


def test_a_second_decision_replaces_the_first_with_its_time() -> None:
    declined = said("application.decided", "L", "2026-03-01", outcome="declined")
    appealed = said("application.decided", "L", "2026-03-09", outcome="approved")
    withdrawn = said("application.decided", "L", "2026-03-10", outcome="withdrawn")
    assert won(declined, appealed, withdrawn).id == appealed["id"]


def test_a_retraction_hides_the_fact_and_a_still_higher_revision_brings_it_back() -> None:
    told = said("loan.funded", "L", "2026-03-01")
    back = told | {"revision": 1, "retracted": True}
    revived = told | {"revision": 2}
    code = EVENT_TYPES["loan.funded"].code
    assert case_of([told, back]).fact(code) is None
    assert case_of([back]).fact(code) is None
    assert case_of([back, told]).facts(code) == []
    for order in permutations([told, back, revived]):
        assert case_of(list(order)).fact(code) == event_of(revived).statement


def test_a_retraction_takes_back_one_instance_and_leaves_the_others() -> None:
    code = EVENT_TYPES["application.error_found"].code
    one, other = (said("application.error_found", "L", "2026-03-01", error_id=name) for name in ("e1", "e2"))
    case = case_of([one, other, one | {"revision": 1, "retracted": True}])
    assert [name for name, _ in case.instances(code)] == ["e2"]
    assert case.facts(code) == [event_of(other).statement]
    assert case.size == 2


def test_two_events_are_two_facts_however_source_and_id_join() -> None:
    """("a", "bc") and ("ab", "c") read the same one after the other."""
    events = [
        said("complaint.reopened", "C", "2026-03-01", source=source, id=number)
        for source, number in (("a", "bc"), ("ab", "c"), ("1 a", "b"), ("1", " ab"))
    ]
    assert case_of(events).size == 4


def test_the_standing_statement_is_the_one_to_outrank() -> None:
    told = event_of(said("application.assigned", "L", "2026-03-01", id="1"))
    report = event_of(said("loan.status_reported", "L", "2026-03-01", id="1"))
    case = Case()
    for event in (told, report):
        assert standing(case, event) is None
        assert merge(case, event)
        assert standing(case, event) == event.statement
        assert not merge(case, event)
    assert standing(case, event_of(said("application.assigned", "L", "2026-03-01", id="2"))) is None
    assert standing(case, event_of(said("loan.status_reported", "L", "2026-03-01", id="2"))) is None


def test_a_copy_may_be_changed_without_changing_the_case() -> None:
    case = case_of([said("application.assigned", "L", "2026-03-01")])
    copy = case.copy()
    for event in (said("application.assigned", "L", "2026-03-02"), said("loan.funded", "L", "2026-03-02")):
        merge(copy, event_of(event))
    assert case == case_of([said("application.assigned", "L", "2026-03-01")])


def test_a_case_s_name_is_read_back_as_it_was_written() -> None:
    assert parse_case_id(case_id("loan", "c/1:2", "L@x")) == ("loan", "c/1:2", "L@x")


def assignments(count: int) -> list[Event]:
    return [said("application.assigned", "L", "2026-03-01", id=f"{n}") for n in range(count)]


def test_a_case_of_more_than_200_instances_is_quarantined_and_no_longer_observed() -> None:
    ledger = MemoryLedger(program := program_of("UTC", {}), Grid.live(ZoneInfo("UTC")))
    ledger.apply([said("application.decided", "L", "2026-03-01"), said("loan.funded", "L", "2026-03-01")])
    ledger.apply(assignments(200))
    assert ledger.quarantined == 0
    assert ledger.cells()
    assert program.observe("loan", None, decode_case(ledger.cases[case_id("loan", "c", "L")]))
    one_more = said("application.error_found", "L", "2026-03-01", error_id="e")
    ledger.apply([one_more])
    assert ledger.quarantined == 1
    assert ledger.cells() == {}
    assert ledger.state()[1] == {}
    ledger.apply([said("application.submitted", "L", "2026-03-01")])
    assert ledger.quarantined == 1
    assert ledger.cells() == {}
