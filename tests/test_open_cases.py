"""The list of open cases, read from ledgers on a real Redis: which, in what order, how long they have left."""

import dataclasses
import re
from pathlib import Path

import pytest

from loanpulse.cases.choice import AT_RISK, Choice
from loanpulse.cases.reading import OpenCases
from streams.calculus.case import case_id, encode_case
from streams.calculus.open_cases import Band
from streams.calculus.windows import HOUR_MS
from tests.cases_lab import ALL, FILES, NOW, Office, asked, at_an_office, file, held, names
from tests.engine import cases_of, partition_of
from tests.oracle.script import ms, said

pytestmark = pytest.mark.servers

IN_ORDER = ["later", "late", "full", "risky", "half", "fresh", "stands"]


@pytest.mark.parametrize("contract", [OpenCases])
def test_every_invariant_has_a_test_of_its_name(contract: type) -> None:
    told = (contract.__doc__ or "").split("Invariants:")[1]
    for invariant in filter(None, map(str.strip, told.splitlines())):
        assert f"def test_{re.sub(r'[^a-z0-9]+', '_', invariant)}(" in Path(__file__).read_text(), invariant


@at_an_office(zone="UTC")
async def test_cases_are_listed_band_by_band_the_worst_first(office: Office) -> None:
    await office.take(FILES)
    await office.reach(ms(NOW))
    found = await office.listed()
    assert names(found.cases) == IN_ORDER
    assert found.counts == {"breached": 2, "at_risk": 2, "warning": 1, "on_track": 1, "paused": 1}
    assert [case.used_ms // HOUR_MS for case in found.cases] == [42, 41, 40, 33, 21, 1, 8]
    assert [case.left_ms // HOUR_MS for case in found.cases] == [-2, -1, 0, 7, 19, 39, 32]
    assert (found.more, found.incomplete) == (0, [])
    assert (found.as_of, found.complete_through) == ("2026-01-12T10:00:00.000+00:00",) * 2
    assert len({office.ledgers["loan-events", partition_of(event, 2)] for event in FILES}) == 2


@at_an_office(zone="UTC")
async def test_a_listed_case_says_whose_it_is_and_when_it_is_due(office: Office) -> None:
    await office.take([file("risky", "2026-01-06 09:00", "ben", channel="web")])
    await office.reach(ms(NOW))
    (case,) = (await office.listed()).cases
    assert (case.kind, case.key, case.subject, case.kpi) == ("loan", "c-risky", "risky", "turnaround_time")
    assert (case.officer, case.officer_name, case.branch, case.branch_name) == (
        "ben",
        "Ben Adams",
        "b1",
        "Utrecht",
    )
    assert (case.product, case.channel, case.band, case.zone) == ("home", "web", "at_risk", "UTC")
    assert (case.since, case.due) == ("2026-01-06T09:00:00.000+00:00", "2026-01-12T17:00:00.000+00:00")
    assert (case.target_ms, case.paused, case.paused_since) == (40 * HOUR_MS, [], None)


@at_an_office(zone="UTC")
async def test_a_limit_cuts_the_list_and_not_the_counts(office: Office) -> None:
    await office.take(FILES)
    await office.reach(ms(NOW))
    for limit in range(1, 9):
        found = await office.listed(Choice(limit=limit))
        assert (names(found.cases), found.more) == (IN_ORDER[:limit], max(0, 7 - limit))
        assert sum(found.counts.values()) == 7


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        (Choice(bands=AT_RISK), ["later", "late", "full", "risky"]),
        (Choice(bands=frozenset((Band.PAUSED, Band.WARNING))), ["half", "stands"]),
        (Choice(officer="ben"), ["later", "risky"]),
        (Choice(officer="ben", bands=frozenset([Band.AT_RISK])), ["risky"]),
        (Choice(product="car"), ["stands"]),
        (Choice(branch="b2"), []),
        (Choice(officer="nobody"), []),
        (Choice(kpis=("response_time",)), []),
        (Choice(sort="due"), ["later", "late", "full", "risky", "half", "fresh", "stands"]),
        (Choice(sort="since"), ["later", "late", "stands", "full", "risky", "half", "fresh"]),
        (Choice(sort="officer"), ["late", "full", "half", "stands", "later", "risky", "fresh"]),
        (Choice(sort="used"), ["later", "late", "full", "risky", "half", "stands", "fresh"]),
    ],
    ids=str,
)
def test_what_is_asked_for_is_listed(
    choice: Choice, wanted: list[str], redis_url: str, namespace: str
) -> None:
    @at_an_office(zone="UTC")
    async def story(office: Office) -> None:
        await office.take(FILES)
        await office.reach(ms(NOW))
        for limit in (None, 50, 3):
            found = await office.listed(dataclasses.replace(choice, limit=limit))
            assert names(found.cases) == wanted[:limit]
            assert found.more == len(wanted) - len(found.cases)

    story(redis_url, namespace)


@at_an_office(zone="UTC")
async def test_a_paused_case_says_for_whom_and_has_no_due_time(office: Office) -> None:
    await office.take([*FILES, held("stands", "2026-01-08 09:00"), held("late", NOW)])
    await office.reach(ms(NOW))
    found = {case.subject: case for case in (await office.listed()).cases}
    stands, late = found["stands"], found["late"]
    assert (stands.band, stands.due, stands.left_ms) == ("paused", None, 32 * HOUR_MS)
    assert stands.paused == ["the client owes documents", "the application is held"]
    assert stands.paused_since == "2026-01-06T09:00:00.000+00:00"
    assert (late.band, late.paused, late.due) == (
        "breached", ["the application is held"], "2026-01-09T17:00:00.000+00:00"
    )  # fmt: skip


@at_an_office(zone="UTC")
async def test_those_paused_longest_come_first(office: Office) -> None:
    files = [file(loan, "2026-01-12 09:00") for loan in ("a", "b", "c")]
    times = {"a": "2026-01-12 09:20", "b": "2026-01-12 09:30", "c": "2026-01-12 09:10"}
    await office.take([*files, *(asked(loan, at) for loan, at in times.items())])
    await office.reach(ms(NOW))
    assert names((await office.listed()).cases) == ["c", "a", "b"]
    assert names((await office.listed(Choice(limit=1))).cases) == ["c"]


@at_an_office(zone="UTC")
async def test_what_ties_is_in_the_order_of_names_also_where_the_list_is_cut(office: Office) -> None:
    loans = [f"L{number}" for number in range(9)]
    await office.take([file(loan, "2026-01-12 09:00") for loan in reversed(loans)])
    await office.reach(ms(NOW))
    for limit in (None, 1, 4):
        for sort in ("band", "since"):
            found = await office.listed(Choice(sort=sort, limit=limit))
            assert names(found.cases) == loans[:limit]


@at_an_office({"calendar": {"country": "NL"}, "branch_calendars": {"lisbon": {"tz": "Europe/Lisbon"}}})
async def test_due_times_are_local_and_keep_to_the_calendar(office: Office) -> None:
    """Good Friday and Easter Monday are closed, and the clocks have gone forward on 29 March."""
    query = [
        said("query.received", f"Q-{branch}", f"2026-04-02 {at}", key="c", branch_id=branch)
        for branch, at in (("b1", "13:00"), ("lisbon", "14:00"))
    ]
    await office.take(query)
    await office.reach(ms("2026-04-07 06:00"))
    found = (await office.listed()).cases
    assert [(case.subject, case.zone, case.due, case.used_ms // HOUR_MS) for case in found] == [
        ("Q-b1", "Europe/Amsterdam", "2026-04-07T11:00:00.000+02:00", 2),
        ("Q-lisbon", "Europe/Lisbon", "2026-04-07T11:00:00.000+01:00", 2),
    ]


@at_an_office(zone="UTC")
async def test_bands_turn_as_time_goes_on_and_no_further_than_a_ledger_has_read(office: Office) -> None:
    await office.take(FILES[:5])
    await office.reach(ms("2026-01-06 12:00"))
    assert (await office.listed()).counts["on_track"] == 4
    later = ms("2026-01-30 12:00")
    assert (await office.listed(now=later)).counts["on_track"] == 4
    await office.reach(later)
    assert (await office.listed()).counts["breached"] == 5
    assert (await office.listed(now="2026-01-06 12:00")).counts["on_track"] == 4


@at_an_office(zone="UTC")
async def test_an_answered_case_is_listed_no_more(office: Office) -> None:
    await office.take(FILES)
    await office.reach(ms(NOW))
    reader = OpenCases(office.redis, office.namespace)
    assert len((await reader.read(office.shown, ms(NOW), ALL)).cases) == 7
    decided = said("application.decided", "late", NOW, key="c-late", outcome="approved")
    withdrawn = said("application.decided", "risky", NOW, key="c-risky", outcome="withdrawn")
    await office.take([decided, withdrawn])
    await office.reach(ms(NOW))
    wanted = [loan for loan in IN_ORDER if loan not in ("late", "risky")]
    assert names((await reader.read(office.shown, ms(NOW), ALL)).cases) == wanted
    assert names((await office.listed()).cases) == wanted


@at_an_office(zone="UTC")
async def test_whoever_asks_again_is_told_what_a_new_reader_is_told(office: Office) -> None:
    reader = OpenCases(office.redis, office.namespace)
    steps = [
        FILES[:3],
        FILES[3:],
        [held("full", "2026-01-12 11:00")],
        [file("fresh", "2026-01-12 09:30", "ben", revision=1)],
    ]
    for hour, events in enumerate(steps, 12):
        await office.take(events)
        await office.reach(ms(f"2026-01-12 {hour}:00"))
        for choice in (ALL, Choice(officer="ben"), Choice(sort="used", limit=2)):
            again = await reader.read(office.shown, office.clock.at_ms, choice)
            assert again == await office.listed(choice)


@at_an_office(zone="UTC")
async def test_what_is_listed_is_as_its_case_says(office: Office) -> None:
    """A case that is no more what its log says is left out, and that is said."""
    await office.take(FILES)
    await office.reach(ms(NOW))
    ledger = office.ledgers["loan-events", partition_of(FILES[0], 2)]
    late, risky = (case_id("loan", f"c-{loan}", loan) for loan in ("late", "risky"))
    other = cases_of([file("late", "2026-01-05 09:00", "ben")])["loan", "c-late", "late"]
    await ledger.redis.execute_command("HSET", ledger.keys.cases, late, encode_case(other))
    for gone in office.ledgers.values():
        await office.redis.execute_command("HDEL", gone.keys.cases, risky)
    for choice in (ALL, Choice(sort="used")):
        found = await office.listed(choice)
        assert {"late", "risky"} & set(names(found.cases)) == set()
        assert (len(found.cases), found.more) == (5, 0)
        assert found.incomplete == ["2 changed while they were read and are left out: ask again"]


@at_an_office(zone="UTC")
async def test_what_comes_next_is_told_by_its_own_clock(office: Office) -> None:
    """Of a case on Friday at half past four the warning comes on Monday."""
    query = said("query.received", "Q", "2026-01-09 16:30", key="c", branch_id="b1")
    other = said("query.received", "R", "2026-01-09 16:45", key="c", branch_id="b1")
    await office.take([query, other])
    await office.reach(ms("2026-01-09 16:45"))
    found = await office.listed(Choice(bands=AT_RISK))
    warning, at_risk = found.next_warning, found.next_at_risk
    assert warning is not None
    assert at_risk is not None
    assert (warning.subject, warning.at, warning.in_ms) == (
        "Q",
        "2026-01-12T10:30:00.000+00:00",
        HOUR_MS * 7 // 4,
    )
    assert (at_risk.subject, at_risk.at, at_risk.in_ms) == (
        "Q",
        "2026-01-12T11:30:00.000+00:00",
        HOUR_MS * 11 // 4,
    )
    assert (await office.listed(Choice(officer="nobody"))).next_warning is None


@at_an_office(
    {
        "targets": {
            "response_time": [{"at_most": "40 hours"}, {"at_most": "9 hours", "valid_from": "2026-01-13"}]
        }
    },
    zone="UTC",
)
async def test_what_comes_next_is_told_under_the_target_in_force(office: Office) -> None:
    await office.take([said("query.received", "Q", "2026-01-12 09:00", key="c")])
    await office.reach(ms("2026-01-12 10:00"))
    assert (await office.listed()).next_warning is None
    await office.reach(ms("2026-01-13 00:00"))
    (case,) = (await office.listed()).cases
    assert (case.band, case.used_ms, case.target_ms) == ("at_risk", 8 * HOUR_MS, 9 * HOUR_MS)
    assert case.due == "2026-01-13T10:00:00.000+00:00"


@at_an_office(zone="UTC")
async def test_a_case_of_several_kpis_stands_once_for_each(office: Office) -> None:
    training = said(
        "training.assigned", "T", "2026-01-05", key="ann", due_at="2026-01-15T00:00:00Z", regulatory=True
    )
    await office.take([training])
    await office.reach(ms(NOW))
    found = (await office.listed()).cases
    assert [(case.kpi, case.subject, case.product) for case in found] == [
        ("regulatory_training_completion", "T", None),
        ("training_completion", "T", None),
    ]
    assert {(case.due, case.used_ms) for case in found} == {("2026-01-15T00:00:00.000+00:00", 178 * HOUR_MS)}
