"""`loanpulse case`: one case, its clocks in words above its story."""

import json
from typing import Any

import pytest

from loanpulse.cases.standing import standing_of
from loanpulse.cli.standing_text import standing_text
from tests.cases_cli_lab import Commands, lines
from tests.cases_lab import FILES, NOW, Office, at_an_office
from tests.explain_lab import printed
from tests.oracle.script import ms, said

pytestmark = pytest.mark.servers


@pytest.fixture
def commands(redis_url: str, namespace: str, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(redis_url, namespace, capsys)


@pytest.mark.parametrize(
    ("loan", "words"),
    [
        ("risky",
         "▲ risky: turnaround_time warning: 24:30 h of 40:00 h used (61 %), 15:30 h left, due Wed 14 Jan 10:30 Amsterdam; "
         "paused for 8:30 h so far (the client owes documents)"),
        ("late",
         "■! late: turnaround_time breached: 40:30 h of 40:00 h used (101 %), +0:30 h over, was due Mon 12 Jan 10:00 "
         "Amsterdam; paused since Mon 12 Jan 10:30, for 0:30 h so far (the application is held)"),
        ("stands",
         "‖ stands: turnaround_time paused, the client owes documents: 8:00 h of 40:00 h used (20 %), 32:00 h left, "
         "due Fri 16 Jan 11:00 Amsterdam if it went on now; paused since Tue 6 Jan 10:00, for 33:00 h so far"),
        ("full",
         "◆ full: turnaround_time at risk: 40:00 h of 40:00 h used (100 %), 0:00 h left, due Mon 12 Jan 11:00 Amsterdam"),
        ("lis",
         "○ lis: turnaround_time on track: 16:00 h of 40:00 h used (40 %), 24:00 h left, due Thu 15 Jan 10:00 Lisbon"),
        ("gone",
         "gone: turnaround_time answered Wed 7 Jan 13:00 Amsterdam: 19:00 h of 40:00 h used (47 %), within target"),
    ],
)  # fmt: skip
def test_a_case_has_its_clock_in_words_above_its_story(loan: str, words: str, commands: Commands) -> None:
    _, out, _ = commands.run("case", loan)
    told = lines(out)
    assert told[:2] == [words, ""]
    assert told[2].startswith(f"loan {loan} of c-{loan} ·")
    assert any(line.startswith("Turnaround time for application processing") for line in told)


def test_a_chance_with_a_due_date_has_a_line_for_each_kpi(commands: Commands) -> None:
    _, out, _ = commands.run("case", "T")
    assert lines(out)[:2] == [
        f"▲ T: {kpi} warning: 7.4 days of 10.0 days used (74 %), 2.6 days left, due Thu 15 Jan 01:00 Amsterdam"
        for kpi in ("regulatory_training_completion", "training_completion")
    ]
    _, out, _ = commands.run("case", "T", "--kpi", "training_completion", "--key", "ann")
    assert [line for line in lines(out) if "warning:" in line] == lines(out)[:1]


@pytest.mark.parametrize(
    ("completed", "regulatory", "ends"),
    [
        ("2026-01-07 12:00", True, "answered Wed 7 Jan 13:00 Amsterdam, in time"),
        ("2026-01-09 12:00", True, "answered Fri 9 Jan 13:00 Amsterdam, too late"),
        ("2026-01-07 12:00", False, "answered Wed 7 Jan 13:00 Amsterdam, in time"),
    ],
)
def test_an_ended_chance_says_how_it_ended(
    completed: str, regulatory: bool, ends: str, commands: Commands
) -> None:
    """One of the staff's that is not regulatory is none of those that are."""
    due: dict[str, Any] = {"due_at": "2026-01-08T00:00:00Z", "regulatory": regulatory}
    events = [
        said("training.assigned", "T", "2026-01-05", key="ann", **due),
        said("training.completed", "T", completed, key="ann"),
    ]
    commands.fill(events)
    _, out, _ = commands.run("case", "T")
    kpis = ["regulatory_training_completion", "training_completion"][0 if regulatory else 1 :]
    assert lines(out)[: len(kpis)] == [f"T: {kpi} {ends}" for kpi in kpis]
    assert lines(out)[len(kpis)] == ""


def test_a_withdrawn_application_says_so(commands: Commands) -> None:
    withdrawn = said("application.decided", "late", "2026-01-07 12:00", key="c-late", outcome="withdrawn")
    commands.fill([*FILES, withdrawn])
    _, out, _ = commands.run("case", "late")
    assert lines(out)[0] == "late: turnaround_time withdrawn Wed 7 Jan 13:00 Amsterdam"


def test_a_case_as_json_has_its_clocks_and_its_story(commands: Commands) -> None:
    _, out, _ = commands.run("case", "late", "--json", "--kpi", "turnaround_time")
    found = json.loads(out)
    (running,) = found["running"]
    assert (running["case"]["used_ms"], running["stopped_ms"]) == (145_800_000, 1_800_000)
    assert (running["stopped_by"], running["due_if_resumed"]) == (
        ["the application is held"], "2026-01-12T10:00:00.000+01:00"
    )  # fmt: skip
    (clock,) = found["story"]["clocks"]
    assert clock["elapsed_ms"] == running["case"]["used_ms"]
    assert (found["ended"], found["incomplete"]) == ([], [])


@at_an_office()
async def test_a_case_is_told_as_of_what_its_ledger_has_read(office: Office) -> None:
    """Its answer may be in what was not read yet."""
    await office.take(FILES)
    await office.reach(ms(NOW))
    later = ms("2026-01-30 10:00")
    place: dict[str, Any] = {"key": "c-risky", "kpi": None, "now_ms": later}
    standing = await standing_of(office.redis, office.namespace, office.shown, "risky", **place)
    assert standing.as_of == standing.story.now == "2026-01-12T11:00:00.000+01:00"
    assert [running.case.band for running in standing.running] == ["at_risk"]
    ledger = office.ledgers["loan-events", standing.story.partition]
    await office.redis.execute_command("HSET", ledger.keys.head, "applying", "1")
    torn = await standing_of(office.redis, office.namespace, office.shown, "risky", **place)
    assert torn.incomplete == [
        f"loan-events/{standing.story.partition} was cut off half-way and waits to be rebuilt"
    ]
    assert printed(standing_text(torn, office.shown)).startswith("not everything is told: loan-events/")
