"""`loanpulse cases` and `loanpulse case`: what they print."""

import json
from typing import Any

import pytest

from loanpulse.cli.case_columns import Column, fitted
from loanpulse.cli.cases_text import cases_text
from tests.cases_cli_lab import EVENTS, ORGANISATION, Commands, lines
from tests.cases_lab import ALL, NOW, Office, at_an_office
from tests.explain_lab import printed
from tests.oracle.script import ms

pytestmark = pytest.mark.servers


@pytest.fixture
def commands(redis_url: str, namespace: str, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(redis_url, namespace, capsys)


def test_the_list_in_a_terminal(commands: Commands) -> None:
    code, out, err = commands.run("cases")
    assert (code, err) == (0, "")
    assert lines(out) == [
        "2 breached, 1 at risk, 4 warning, 2 on track, 1 paused · as of Mon 12 Jan 2026 11:00 Amsterdam",
        "",
        "■! breached 2, soonest due first",
        "state case KPI left due used officer branch product since",
        "■! breached loan later turnaround_time +2:00 h Fri 9 Jan 17:00 105 % Ben Adams (ben) Utrecht (b1) home Fri 2 Jan 17:00",
        "■! breached loan late turnaround_time +0:30 h, paused Mon 12 Jan 10:00 101 % Ann Baker (ann) Utrecht (b1) home "
        "Mon 5 Jan 10:00",
        "",
        "◆ at risk 1, soonest due first",
        "state case KPI left due used officer branch product since",
        "◆ at risk loan full turnaround_time 0:00 h Mon 12 Jan 11:00 100 % Ann Baker (ann) Utrecht (b1) home Mon 5 Jan 11:00",
        "",
        "▲ warning 4, soonest due first",
        "state case KPI left due used officer branch product since",
        "▲ warning loan risky turnaround_time 2.0 days Wed 14 Jan 10:30 61 % Ben Adams (ben) Utrecht (b1) home Tue 6 Jan 10:00",
        "▲ warning loan half turnaround_time 2.4 days Wed 14 Jan 14:00 52 % Ann Baker (ann) Utrecht (b1) home Wed 7 Jan 14:00",
        "▲ warning training T regulatory_training_completion 2.6 days Thu 15 Jan 01:00 74 % Ann Baker (ann) Utrecht (b1) "
        "Mon 5 Jan 01:00",
        "▲ warning training T training_completion 2.6 days Thu 15 Jan 01:00 74 % Ann Baker (ann) Utrecht (b1) Mon 5 Jan 01:00",
        "",
        "○ on track 2, soonest due first",
        "state case KPI left due used officer branch product since",
        "○ on track loan lis turnaround_time 3.0 days Thu 15 Jan 10:00 Lisbon 40 % Ann Baker (ann) lisbon home "
        "Thu 8 Jan 10:00 Lisbon",
        "○ on track loan fresh turnaround_time 4.9 days Mon 19 Jan 10:00 2.5 % cid Utrecht (b1) home Mon 12 Jan 10:00",
        "",
        "‖ paused 1, longest paused first",
        "state case KPI left due used officer branch product since",
        "‖ paused loan stands turnaround_time paused, the client owes documents 20 % Ann Baker (ann) Utrecht (b1) car "
        "Mon 5 Jan 10:00",
        "",
        "times in Europe/Amsterdam, unless another place is named; a day left is 8:00 h or 24:00 h of the case's own clock",
    ]  # fmt: skip


def test_a_cut_list_says_how_many_more_there_are(commands: Commands) -> None:
    _, out, _ = commands.run("cases", "--limit", "3")
    assert "◆ at risk 1, soonest due first" in lines(out)
    assert "▲ warning 4, soonest due first" in lines(out)
    assert "and 7 more: --limit 0 lists all" in lines(out)
    assert "risky" not in out
    _, out, _ = commands.run("cases", "--limit", "0")
    assert "more" not in out


def test_an_order_of_ones_own_makes_one_list(commands: Commands) -> None:
    _, out, _ = commands.run(
        "cases", "--sort", "used", "--band", "warning", "--band", "breached", "--kpi", "turnaround_time"
    )
    told = lines(out)
    assert told[2] == "most used first"
    assert [line.split("loan ")[1].split()[0] for line in told if "loan " in line] == [
        "later",
        "late",
        "risky",
        "half",
    ]


def test_nothing_at_risk_says_when_the_next_warning_comes(commands: Commands) -> None:
    _, out, _ = commands.run("cases", "--at-risk", "--officer", "cid")
    assert lines(out) == [
        "1 on track · as of Mon 12 Jan 2026 11:00 Amsterdam",
        "",
        "Nothing at risk or breached.",
        "Next warning in 2.4 days: loan fresh, turnaround_time, Wed 14 Jan 14:00.",
        "Next at risk in 3.7 days: loan fresh, turnaround_time, Thu 15 Jan 16:00.",
    ]
    _, out, _ = commands.run("cases", "--officer", "nobody")
    assert lines(out)[2:] == ["No open cases."]
    _, out, _ = commands.run("cases", "--band", "at_risk", "--product", "car")
    assert lines(out)[2:] == [
        "Nothing at risk.",
        "No clock that runs comes to a warning under the targets in force now.",
    ]


def test_the_list_as_json_is_exact(commands: Commands) -> None:
    _, out, _ = commands.run("cases", "--json", "--officer", "ben", "--limit", "1")
    found: dict[str, Any] = json.loads(out)
    (case,) = found.pop("cases")
    assert found == {
        "as_of": "2026-01-12T11:00:00.000+01:00", "complete_through": "2026-01-12T11:00:00.000+01:00",
        "zone": "Europe/Amsterdam", "incomplete": [], "more": 1,
        "counts": {"breached": 1, "at_risk": 0, "warning": 1, "on_track": 0, "paused": 0}, "next_warning": None,
        "next_at_risk": {
            "kind": "loan", "key": "c-risky", "subject": "risky", "kpi": "turnaround_time", "branch": "b1",
            "at": "2026-01-12T16:30:00.000+01:00", "zone": "Europe/Amsterdam", "in_ms": 19_800_000,
        },
    }  # fmt: skip
    assert case == {
        "kind": "loan", "key": "c-later", "subject": "later", "kpi": "turnaround_time",
        "wording": "Turnaround time for application processing", "band": "breached", "zone": "Europe/Amsterdam",
        "since": "2026-01-02T17:00:00.000+01:00", "due": "2026-01-09T17:00:00.000+01:00", "target_ms": 144_000_000,
        "used_ms": 151_200_000, "left_ms": -7_200_000, "paused_since": None, "paused": [], "officer": "ben",
        "officer_name": "Ben Adams", "branch": "b1", "branch_name": "Utrecht", "product": "home", "channel": "unassigned",
    }  # fmt: skip


@at_an_office(ORGANISATION)
async def test_it_says_plainly_what_is_not_listed_and_how_old_it_is(office: Office) -> None:
    await office.take(EVENTS)
    await office.reach(ms(NOW))
    found = await office.listed(now="2026-01-12 12:30")
    heading, *trouble = lines(printed(cases_text(found, ALL, office.shown, width=240, stale_seconds=120)))[:3]
    assert heading.endswith("as of Mon 12 Jan 2026 13:30 Amsterdam")
    assert trouble == ["known up to Mon 12 Jan 11:00 only, 2.5 h ago: workers are behind", ""]
    head = office.ledgers["loan-events", 0].keys.head
    await office.redis.execute_command("HSET", head, "applying", "1")
    found = await office.listed()
    assert lines(printed(cases_text(found, ALL, office.shown, width=240, stale_seconds=120)))[1] == (
        "not everything is listed: loan-events/0 was cut off half-way and waits to be rebuilt"
    )


@pytest.mark.parametrize(
    ("words", "said_of_it"),
    [
        (
            ["cases", "--kpi", "approval_rate"],
            "approval_rate has no open cases; those that have them: complaint",
        ),
        (["cases", "--kpi", "turnaround"], "there is no KPI 'turnaround': did you mean 'turnaround_time'?"),
        (["cases", "--band", "late"], "'late'"),
        (["case", "nothing"], "there is no case 'nothing'"),
    ],
)
def test_what_there_is_not_is_bad_input(words: list[str], said_of_it: str, commands: Commands) -> None:
    code, out, err = commands.run(*words)
    assert (code, out) == (2, "")
    assert said_of_it in err


def test_without_a_board_it_says_what_to_start(commands: Commands) -> None:
    commands.fill([], board=False)
    code, _, err = commands.run("cases")
    assert code == 1
    assert "start loanpulse board" in err


def test_where_there_is_little_room_the_least_needed_is_left_out_and_no_figure_is_cut() -> None:
    columns = [
        Column("case", lambda _: "loan L-20418"),
        Column("KPI", lambda _: "turnaround_time", least=8),
        Column("left>", lambda _: "paused, the client owes documents", spared=2, short=lambda _: "paused"),
        Column("since", lambda _: "Wed 7 Jan 14:00", spared=1),
    ]
    case: Any = None
    widths = {
        width: [(column.name, column.width) for column in fitted(columns, [case], width)]
        for width in (81, 80, 64, 63, 36, 20)
    }
    everything = [("case", 12), ("KPI", 15), ("left>", 33), ("since", 15)]
    assert widths == {
        81: everything,
        80: everything[:3],
        64: everything[:3],
        63: [("case", 12), ("KPI", 15), ("left>", 6)],
        36: [("case", 12), ("KPI", 14), ("left>", 6)],
        20: [("case", 12), ("KPI", 8), ("left>", 6)],
    }
