"""What differs between two rulebooks, in words: organisations, areas, and the lines that tell it."""

from typing import Any

import pytest

from kpi_rules.book_differences import book_differences
from kpi_rules.differences import Change
from kpi_rules.loader import load
from kpi_rules.organisation import Organisation
from kpi_rules.organisation_differences import organisation_differences
from kpi_rules.rulebook import Rulebook
from loanpulse.rules.difference_lines import lines
from streams.calculus.program import Program
from tests.engine import catalogue
from tests.test_rules_differences import DURATION, HEAD, KPI

ORGANISATION: list[tuple[dict[str, Any], dict[str, Any], list[Change]]] = [
    ({}, {"tz": "Asia/Kolkata"}, [Change("zone", "UTC", "Asia/Kolkata", recounts=True)]),
    ({}, {"calendar": {"weekly": {"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "fri": [["10:00", "24:00"]]}}},
     [Change("calendar, opening hours", "Monday to Friday, 09:00 to 17:00",
             "mon 09:00 to 12:00, 13:00 to 17:00; fri 10:00 to 24:00", recounts=True)]),
    ({"calendar": {"holidays": ["2026-01-01", "2026-12-24"]}}, {"calendar": {"holidays": ["2026-12-31", "2026-01-01"]}},
     [Change("calendar, own holidays", "2026-12-24", "2026-12-31", recounts=True)]),
    ({"calendar": {"country": "NL"}}, {"calendar": {"country": "DE-BY", "tz": "Europe/Berlin"}},
     [Change("calendar, public holidays of", "NL", "DE-BY", recounts=True),
      Change("calendar, zone", "the organisation's", "Europe/Berlin", recounts=True)]),
    ({}, {"branch_calendars": {"b": {"tz": "Asia/Kolkata"}}},
     [Change("calendar of b", "the organisation's", "its own", recounts=True),
      Change("calendar of b, zone", "the organisation's", "Asia/Kolkata", recounts=True)]),
    ({"branch_calendars": {"b": {}}}, {"branch_calendars": {"b": {"holidays": []}}},
     [Change("calendar of b, own holidays", "the organisation's", "none", recounts=True)]),
    ({"branch_calendars": {"b": {}}}, {}, [Change("calendar of b", "its own", "the organisation's", recounts=True)]),
    ({}, {"targets": {"turnaround_time": "3 business days", "approval_rate": [0.6, 0.8]}},
     [Change("target of approval_rate", "the rule's", "≥ 0.6, ≤ 0.8", recounts=False),
      Change("target of turnaround_time", "the rule's", "≤ 3 business days", recounts=True)]),
    ({"targets": {"response_time": 60}}, {"targets": {"response_time": {"at_most": 60, "warning_at": 50}}},
     [Change("target of response_time", "≤ 60 s", "≤ 60 s, warning at 50 s", recounts=False)]),
    ({}, {"goals": {"referral_rate": None}}, [Change("goal of referral_rate", "the rule's", "none", recounts=False)]),
    ({"system_users": ["a", "b"]}, {"system_users": ["c", "b"]}, [Change("system users", "a", "c", recounts=False)]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "wanted"), ORGANISATION)
def test_what_an_organisation_sets_is_told_and_recounts_if_the_program_does(
    old: dict[str, Any], new: dict[str, Any], wanted: list[Change]
) -> None:
    before, after = Organisation.model_validate(old), Organisation.model_validate(new)
    found = organisation_differences(before, after, catalogue())
    assert found == wanted
    digests = [Program(catalogue(), organisation).digest for organisation in (before, after)]
    assert (digests[0] != digests[1]) is any(change.recounts for change in found)
    assert organisation_differences(after, after, catalogue()) == []


def test_every_member_of_an_organisation_is_compared() -> None:
    compared = {member for old, new, _ in ORGANISATION for member in old | new}
    assert compared == Organisation.model_fields.keys()


def book(text: str, **organisation: Any) -> Rulebook:
    return Rulebook((load("own.yaml", text),), Organisation.model_validate(organisation))


SPEED = HEAD + KPI.format(
    unit="seconds", measure=f"{{kind: duration, {DURATION}}}", more=", target: {at_most: 4 hours}"
)


def test_a_book_tells_of_titles_and_of_rules_in_other_areas() -> None:
    moved = SPEED.replace("kra: own", "kra: speed")
    assert book_differences(book(SPEED), book(moved)).areas == [
        Change("area of mine", "own", "speed", recounts=False)
    ]
    renamed = SPEED.replace("title: Own", "title: Ours")
    assert book_differences(book(SPEED), book(renamed)).areas == [
        Change("title of own", "Own", "Ours", recounts=False)
    ]
    assert not book_differences(book(SPEED), book(SPEED))


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        ("business", "calendar", "its history is counted anew from the stored cases"),
        ("4 hours", "3 hours", "its values stay; how many kept the target is counted anew from the stored cases"),
        ("wording: Mine", "wording: Ours", "its history stays; only how it is shown or judged changes"),
    ],
)  # fmt: skip
def test_lines_end_with_what_becomes_of_the_past(old: str, new: str, effect: str) -> None:
    *_, last, summary = lines(book_differences(book(SPEED), book(SPEED.replace(old, new))))
    assert last.strip() == effect
    assert summary == "1 rule differs: 1 changed"


def test_lines_of_long_texts_stand_below_each_other() -> None:
    long = "x" * 100
    found = list(lines(book_differences(book(SPEED), book(SPEED.replace("and when.", f"and {long}.")))))
    assert found[1:4] == [
        "  says:",
        "    − What is counted and when.",
        f"    + What is counted and {long}.",
    ]
