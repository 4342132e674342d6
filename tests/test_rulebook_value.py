"""A rulebook as one value: stored and read back, named by what it says."""

from datetime import date
from typing import Any

import pytest

from kpi_rules.loader import RuleError, load
from kpi_rules.organisation import Organisation
from kpi_rules.rulebook import Rulebook
from streams.runtime.rulebook import organisation_of, program_of, read_rulebook

TEXT = """
kra: sales
title: Sales
rules:
  - {id: funded, wording: Funded, says: Loans funded by officers., unit: count, by: lending,
     measure: {kind: count, anchor: loan.funded}}
"""
DOCUMENT: dict[str, Any] = {
    "tz": "Asia/Kathmandu",
    "calendar": {"weekly": {"mon": [["09:00", "12:30"], ["13:00", "17:00"]]}, "holidays": ["2026-04-06"]},
    "branch_calendars": {"b": {"tz": "Europe/Amsterdam", "country": "NL"}},
    "targets": {"funded": {"at_least": 7}},
    "system_users": ["robot", "batch"],
}


def book(text: str = TEXT, **organisation: Any) -> Rulebook:
    return Rulebook((load("sales.yaml", text),), organisation_of("test", organisation or DOCUMENT, "UTC"))


def test_what_is_stored_says_the_same() -> None:
    for made in (book(), read_rulebook(None, None, "Europe/Amsterdam")):
        again = Rulebook.from_json(made.to_json())
        assert (again.digest, again.rules, again.areas) == (made.digest, made.rules, made.areas)
        assert again.organisation == made.organisation
        assert program_of(again).digest == program_of(made).digest
    assert book().organisation.calendar_of("").holidays == [date(2026, 4, 6)]


def test_the_digest_is_of_what_is_said_and_not_of_how() -> None:
    made = book()
    assert book(f"# a remark\n{TEXT}").digest == made.digest
    turned = DOCUMENT | {"system_users": ["batch", "robot"]}
    assert book(**turned).digest == made.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wording: Funded", "wording: Lent"),
        ("title: Sales", "title: Selling"),
        ("count,", "count, min_samples: 3,"),
    ],
)
def test_the_digest_changes_with_each_word_that_people_see(old: str, new: str) -> None:
    assert old in TEXT
    assert book(TEXT.replace(old, new, 1)).digest != book().digest


@pytest.mark.parametrize("member", sorted(DOCUMENT))
def test_the_digest_changes_with_each_part_of_the_organisation(member: str) -> None:
    others = {name: value for name, value in DOCUMENT.items() if name != member}
    assert book(**others).digest != book().digest


def test_rules_of_a_version_that_this_one_does_not_read_are_an_error() -> None:
    stored = book().to_json().replace("kind: count", "kind: census")
    with pytest.raises(RuleError, match="census"):
        Rulebook.from_json(stored)


def test_files_that_contradict_each_other_are_an_error() -> None:
    twice = Rulebook((load("a.yaml", TEXT), load("b.yaml", TEXT)), Organisation())
    with pytest.raises(RuleError, match=r"b.yaml.*already defined in a.yaml"):
        assert twice.rules
