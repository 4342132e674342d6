"""A list of open cases that is not whole says so, and what there is not is refused."""

import pytest
from msgspec.structs import replace

from loanpulse.cases.choice import Choice
from loanpulse.cases.reading import OpenCases
from loanpulse.rules.explain import ExplainError
from loanpulse.serve.book import book_of
from tests.cases_lab import ALL, FILES, NOW, Office, at_an_office, names, rulebook_of
from tests.engine import partition_of
from tests.oracle.script import ms

pytestmark = pytest.mark.servers


@at_an_office(zone="UTC")
async def test_a_ledger_that_is_cut_off_is_named(office: Office) -> None:
    await office.take(FILES)
    await office.reach(ms(NOW))
    place = "loan-events", partition_of(FILES[0], 2)
    await office.redis.execute_command("HSET", office.ledgers[place].keys.head, "applying", "1")
    found = await office.listed()
    there = [event["subject"] for event in FILES[:7] if partition_of(event, 2) != place[1]]
    assert sorted(names(found.cases)) == sorted(there)
    assert found.incomplete == [f"loan-events/{place[1]} was cut off half-way and waits to be rebuilt"]
    assert found.complete_through is None
    assert (await office.listed(Choice(kpis=("team_response_time",)))).incomplete == []


@at_an_office(zone="UTC")
async def test_a_ledger_that_counts_by_other_rules_is_named(office: Office) -> None:
    await office.take(FILES)
    await office.reach(ms(NOW))
    head = office.ledgers["loan-events", 0].keys.head
    await office.redis.execute_command("HSET", head, "version", "other.1")
    assert (await office.listed()).incomplete == ["loan-events/0 is being rebuilt for these rules"]


@at_an_office(zone="UTC")
async def test_rules_that_no_ledger_counts_by_yet_have_no_open_cases(office: Office) -> None:
    """Also for a reader who knows those of the rules before."""
    await office.take(FILES)
    await office.reach(ms(NOW))
    reader = OpenCases(office.redis, office.namespace)
    assert len((await reader.read(office.shown, ms(NOW), ALL)).cases) == 7
    other = book_of(rulebook_of({"targets": {"turnaround_time": "1 hour"}}, "UTC"))
    found = await reader.read(office.shown._replace(book=other), ms(NOW), ALL)
    assert (found.cases, len(found.incomplete)) == ([], 6)
    assert len((await reader.read(office.shown, ms(NOW), ALL)).cases) == 7


@at_an_office(zone="UTC")
async def test_a_ledger_that_no_worker_has_opened_is_named(office: Office) -> None:
    shown = office.shown
    meta = shown.snapshot.meta
    extra = replace(meta, ledgers=[*meta.ledgers, replace(meta.ledgers[0], topic="other-loan-events")])
    found = await OpenCases(office.redis, office.namespace).read(
        shown._replace(snapshot=replace(shown.snapshot, meta=extra)), ms(NOW), ALL
    )
    assert found.incomplete == ["other-loan-events/0 has not been opened by any worker"]


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        (Choice(kpis=("turnaround",)), "turnaround_time"),
        (Choice(kpis=("approval_rate",)), "those that have them: complaint_resolution_time"),
        (Choice(kpis=("team_response_time",), product="home"), "officer, branch"),
    ],
)
def test_what_there_is_not_is_refused_with_the_way_out(
    choice: Choice, word: str, redis_url: str, namespace: str
) -> None:
    @at_an_office()
    async def story(office: Office) -> None:
        with pytest.raises(ExplainError, match=word):
            await office.listed(choice)

    story(redis_url, namespace)
