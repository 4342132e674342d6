"""Finding a KPI by the words that people have for it."""

import pytest

from kpi_rules.finding import find
from kpi_rules.loader import load
from streams.runtime.rulebook import read_rules

CATALOGUE = read_rules(None)
OWN = """\
kra: speed
title: Pace of work
rules:
  - {id: first, wording: Time to a decision, says: How long until the yes., unit: count, by: lending,
     relevant: Borrowers wait., measure: {kind: count, anchor: loan.book}}
  - {id: second, wording: A decision in time, says: 'Time, and then some turnaround.', unit: count, by: lending,
     measure: {kind: count, anchor: application.decided, where: {application.held: absent}}}
  - {id: turnaround, wording: Third, says: Of it., unit: count, by: lending,
     measure: {kind: conversion, opening: query.received, success: query.answered, within: 3 days}}
"""


def ids(text: str) -> list[str]:
    return [each.rule.id for each in find([load("own.yaml", OWN)], text).found]


def best(text: str) -> str:
    return find(CATALOGUE, text).found[0].rule.id


def test_turnaround_finds_the_kpi_of_that_name_and_the_others_that_mention_it() -> None:
    assert best("turnaround") == "turnaround_time"
    assert ids("turnaround") == ["turnaround", "second"]


def test_every_kpi_is_the_first_that_its_own_wording_finds() -> None:
    for loaded in CATALOGUE:
        for rule in loaded.content.rules:
            assert best(rule.wording) == rule.id
            assert best(rule.wording.upper()) == rule.id


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("decision", ["first", "second"]),
        ("time decision", ["first", "second"]),
        ("in time", ["second"]),
        ("borrowers", ["first"]),
        ("pace work", ["first", "second", "turnaround"]),
        ("speed", ["first", "second", "turnaround"]),
        ("query.answered", ["turnaround"]),
        ("application.held", ["second"]),
        ("loan.status_reported", ["first"]),
        ("yes held", []),
        ("", []),
    ],
)
def test_all_words_must_occur_in_wording_id_area_events_says_or_relevant(text: str, found: list[str]) -> None:
    assert ids(text) == found


def test_the_wording_counts_more_than_what_is_said_of_it() -> None:
    assert ids("time")[0] == "first"


def test_words_that_stand_beside_each_other_in_the_wording_come_first() -> None:
    wordings = OWN.replace("Time to a decision", "Decision and its time").replace(
        "A decision in time", "Decision time"
    )
    assert [each.rule.id for each in find([load("own.yaml", wordings)], "decision time").found] == [
        "second",
        "first",
    ]


def test_the_beginning_of_a_word_counts_more_than_its_middle() -> None:
    wordings = OWN.replace("wording: Time to a decision", "wording: Overtime").replace(
        "says: 'Time", "says: 'N"
    )
    assert [each.rule.id for each in find([load("own.yaml", wordings)], "time").found] == ["second", "first"]


@pytest.mark.parametrize(
    ("text", "used"),
    [("desicion", "decision"), ("TURNAROUDN", "turnaround"), ("borowers wait", "borrowers wait"), ("xyzzy", "xyzzy")],
)  # fmt: skip
def test_a_slip_of_the_pen_is_taken_for_the_nearest_word_that_occurs(text: str, used: str) -> None:
    search = find([load("own.yaml", OWN)], text)
    assert search.text == used
    assert bool(search.found) is (used != "xyzzy")


def test_what_is_found_stands_where_its_rule_begins() -> None:
    (each,) = find([load("own.yaml", OWN)], "borrowers").found
    assert (each.file, each.line, each.title) == ("own.yaml", 4, "Pace of work")
