"""The story of one case: found wherever it lies, told with its clock, and true to what is counted."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest

from loanpulse.cli.case_text import case_text
from loanpulse.rules.case_story import explain_case
from loanpulse.rules.explain import ExplainError
from loanpulse.rules.story import CaseStory
from streams.calculus.windows import HOUR_MS
from streams.runtime.redis_client import connect
from tests.engine import program_of, program_of_recount
from tests.explain_lab import Told, printed, stored
from tests.nasty_boards import ZONES, crowded
from tests.oracle.script import ms, said
from tests.oracle.speaker import Event
from tests.test_worked_examples import FILE, HELD, NEVER_MET, OWED

PLAIN = program_of("UTC", {})


class Stories:
    """Asks for stories of cases that are stored in Redis."""

    def __init__(self, url: str, namespace: str, told: Told) -> None:
        self._url, self._namespace, self._told = url, namespace, told
        self._is_stored = False

    def of(self, *subjects: str, now: str = "2026-01-08", **options: str) -> list[CaseStory]:
        return asyncio.run(self._of(subjects, ms(now), options))

    async def _of(self, subjects: Sequence[str], now_ms: int, options: Mapping[str, str]) -> list[CaseStory]:
        redis, told = await connect(self._url), self._told
        key, kpi = options.get("key"), options.get("kpi")
        try:
            if not self._is_stored:
                await stored(told, redis, self._namespace)
            self._is_stored = True
            return [
                await explain_case(
                    redis, self._namespace, told.shown, subject, key=key, kpi=kpi, now_ms=now_ms
                )
                for subject in subjects
            ]
        finally:
            await redis.aclose()


@pytest.fixture
def stories(redis_url: str, namespace: str) -> Callable[..., Stories]:
    def of(events: list[Event], as_of: str = "2026-01-08") -> Stories:
        return Stories(redis_url, namespace, Told(PLAIN, events, ms(as_of)))

    return of


def test_worked_example_1_in_words(stories: Callable[..., Stories]) -> None:
    (story,) = stories([*FILE, *OWED, *HELD, *NEVER_MET]).of("L", kpi="turnaround_time")
    text = printed(case_text(story))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    begin = lines.index("from to counts why")
    assert lines[begin + 1 :][:9] == [
        "Mon 5 Jan 10:00 Mon 5 Jan 16:00 open 6 h",
        "Mon 5 Jan 16:00 Tue 6 Jan 13:00 paused the client owes documents, the application is held (5 h of open time)",
        "Tue 6 Jan 13:00 Tue 6 Jan 17:00 open 4 h",
        "Tue 6 Jan 17:00 Wed 7 Jan 09:00 closed night",
        "Wed 7 Jan 09:00 Wed 7 Jan 11:00 open 2 h",
        "Wed 7 Jan 11:00 Wed 7 Jan 12:00 paused the client owes documents (1 h of open time)",
        "12 h from Mon 5 Jan 2026 10:00 to Wed 7 Jan 2026 12:00; target 40 h: within target, it was due Mon 12 Jan 2026 16:00",
        "pause r1: the client owes documents, Mon 5 Jan 16:00 to Tue 6 Jan 11:00",
        "pause h1: the application is held, Tue 6 Jan 10:00 to Tue 6 Jan 13:00",
    ]
    assert "pause r2: the client owes documents, Wed 7 Jan 11:00 not ended" in lines
    (clock,) = story.clocks
    assert (
        clock.elapsed_ms == sum(step.open_ms for step in clock.steps if step.state == "runs") == 12 * HOUR_MS
    )


def test_an_open_case_shows_its_clock_so_far_and_when_it_is_due(stories: Callable[..., Stories]) -> None:
    (story,) = stories([FILE[0], *OWED]).of("L", kpi="turnaround_time", now="2026-01-07 10:00")
    (clock,) = story.clocks
    assert (clock.runs, clock.is_paused, clock.within) == (True, False, True)
    assert clock.elapsed_ms == (6 + 6 + 1) * HOUR_MS
    assert clock.due == "2026-01-12T13:00:00.000+00:00"
    assert [each.why for each in story.not_counted] == ["not decided so far"]
    assert "due Mon 12 Jan 2026 13:00" in printed(case_text(story))


def test_a_paused_case_is_due_as_if_the_pause_ended_now(stories: Callable[..., Stories]) -> None:
    (story,) = stories([FILE[0], *NEVER_MET]).of("L", kpi="turnaround_time", now="2026-01-08 11:00")
    (clock,) = story.clocks
    assert (clock.runs, clock.is_paused, clock.elapsed_ms) == (True, True, 17 * HOUR_MS)
    assert clock.due == "2026-01-13T10:00:00.000+00:00"
    assert "if the pause ended now" in printed(case_text(story))


def test_a_withdrawn_file_has_no_clock_and_says_why(stories: Callable[..., Stories]) -> None:
    withdrawn = said("application.decided", "L", "2026-01-07 12:00", outcome="withdrawn")
    (story,) = stories([FILE[0], withdrawn]).of("L", kpi="turnaround_time")
    assert story.clocks == []
    assert [each.why for each in story.not_counted] == ["outcome is withdrawn"]


def test_a_clock_runs_by_its_branchs_calendar_and_zone(redis_url: str, namespace: str) -> None:
    program = program_of("UTC", {"branch_calendars": {"b1": {"tz": "Asia/Kathmandu"}}})
    events = [
        said(event["type"], "L", at, branch_id="b1", outcome="approved")
        for event, at in zip(FILE, ("2026-01-05 04:00", "2026-01-05 05:00"), strict=True)
    ]
    told = Told(program, events, ms("2026-01-08"))
    (story,) = Stories(redis_url, namespace, told).of("L", kpi="turnaround_time")
    (clock,) = story.clocks
    assert (clock.zone, clock.branch, clock.since) == (
        "Asia/Kathmandu",
        "b1",
        "2026-01-05T09:45:00.000+05:45",
    )
    assert clock.elapsed_ms == HOUR_MS


def test_a_case_is_found_with_and_without_its_key(stories: Callable[..., Stories]) -> None:
    found = stories([*FILE, said("lead.created", "D", "2026-01-05", key="d")])
    assert [story.key for story in found.of("L", "D")] == ["c", "d"]
    assert found.of("D", key="d")[0].kind == "lead"
    for subject, options in (("X", {}), ("L", {"key": "d"}), ("*", {}), ("L", {"key": "c*"})):
        with pytest.raises(ExplainError, match="there is no case"):
            found.of(subject, **options)


def test_a_kpi_looks_at_its_own_kind_of_cases(stories: Callable[..., Stories]) -> None:
    found = stories([*FILE, said("lead.created", "L", "2026-01-05")])
    with pytest.raises(ExplainError, match=r"loan of c.*name a KPI"):
        found.of("L")
    assert found.of("L", kpi="lead_conversion")[0].kind == "lead"
    with pytest.raises(ExplainError, match="complaint"):
        found.of("L", kpi="complaint_resolution_time")


def test_one_subject_under_two_keys_asks_for_the_key(stories: Callable[..., Stories]) -> None:
    found = stories([*FILE, said("application.submitted", "L", "2026-01-05", key="d")])
    with pytest.raises(ExplainError, match=r"loan of c, loan of d.*--key"):
        found.of("L")
    assert found.of("L", key="d")[0].key == "d"


def test_a_retracted_fact_is_told_as_such(stories: Callable[..., Stories]) -> None:
    back = said("application.decided", "L", "2026-01-07 12:00", revision=1, retracted=True)
    (story,) = stories([*FILE, back]).of("L", kpi="approval_rate")
    assert [(fact.type, fact.retracted) for fact in story.facts] == [
        ("application.submitted", False),
        ("application.decided", True),
    ]
    assert [each.why for each in story.not_counted] == ["retracted"]


def test_an_open_chance_is_not_told_as_lost(stories: Callable[..., Stories]) -> None:
    (story,) = stories([said("lead.created", "D", "2026-01-05")]).of("D", kpi="lead_conversion")
    (counted,) = story.counted
    assert counted.says.startswith("still open")
    assert counted.at == "2026-03-06T00:00:00.000+00:00"


def test_what_people_said_about_people_is_kept_back(stories: Callable[..., Stories]) -> None:
    (story,) = stories([said("satisfaction.rated", "S", "2026-01-05", score=2)]).of("S")
    assert [fact.values for fact in story.facts] == [None]
    assert {(each.says, each.numerator) for each in story.counted} == {("kept back", None)}


def test_the_stories_of_all_cases_of_a_nasty_stream_are_what_is_counted(
    redis_url: str, namespace: str
) -> None:
    """Each case's clocks show the observed lengths, and what the cases add up to is the board's figure."""
    zone = "Europe/Amsterdam"
    story = crowded(1, zone, ZONES[zone])
    told = Told(program_of_recount(story.chosen), story.arrival, story.looked_from[-1])
    stories = Stories(redis_url, namespace, told)
    for kpi in (
        "turnaround_time",
        "response_time",
        "complaint_resolution_time",
        "repeat_clients",
        "lead_conversion",
    ):
        (series,) = told.explained(kpi, "180d").series
        listed = [case for lists in series.lists for case in lists.cases]
        assert listed
        for case in listed:
            (of_case,) = stories.of(str(case.subject), key=str(case.key), kpi=kpi, now="2026-06-10")
            counted = [each for each in of_case.counted if each.at == case.at]
            assert (case.numerator, case.denominator) in [
                (each.numerator, each.denominator) for each in counted
            ]
            if case.length_ms is not None:
                assert [clock.elapsed_ms for clock in of_case.clocks] == [case.length_ms]
