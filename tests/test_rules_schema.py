"""The JSON Schema of rule files: it takes what the loader takes, and marks what people get wrong."""

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from kpi_rules.facts import FACTS
from kpi_rules.lengths import BUSINESS_UNITS, PLAIN_UNITS, parse_length
from kpi_rules.loader import RuleError, load
from kpi_rules.rule_schema import DIALECT, rule_file_schema
from loanpulse.cli.rules_schema import schema as print_schema
from streams.runtime.rulebook import read_rules
from tests.docs_lab import block
from tests.test_rules_differences import MEASURES
from tests.test_rules_loader import RULE, with_measure
from tests.test_target_history import RULES

SCHEMA = rule_file_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
CATALOGUE = {loaded.name: loaded.text for loaded in read_rules(None)}


def document(text: str) -> Any:
    """YAML as editors see it: a date is text."""
    return json.loads(json.dumps(yaml.safe_load(text), default=str))


def marked(text: str) -> set[str]:
    """The places that an editor would mark, and what for."""
    found = set()
    for error in VALIDATOR.iter_errors(document(text)):
        found |= {f"{inner.json_path}: {inner.message}" for inner in (error, *(error.context or ()))}
    return found


def test_it_is_a_schema_of_draft_2020_12_and_the_same_each_time() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == DIALECT
    assert json.dumps(rule_file_schema()) == json.dumps(SCHEMA)


@pytest.mark.parametrize("name", CATALOGUE)
def test_it_takes_each_file_of_the_catalogue(name: str) -> None:
    assert marked(CATALOGUE[name]) == set()


@pytest.mark.parametrize("text", [RULE, RULES, block("rules", "rules.md")])
def test_it_takes_other_files_that_the_loader_takes(text: str) -> None:
    load("own.yaml", text)
    assert marked(text) == set()


@pytest.mark.parametrize(("kind", "measure", "old", "new"), [row[:4] for row in MEASURES])
def test_it_takes_each_member_of_each_kind_of_measure(kind: str, measure: str, old: str, new: str) -> None:
    for said in (measure, measure.replace(old, new)):
        assert marked(with_measure(f"{{kind: {kind}, {said}}}")) == set()


MISTAKES = [
    ("wording: My own KPI", "wordng: My own KPI", "'wordng' was unexpected"),
    ("    says: What is counted, over what and when.\n", "", "'says' is a required property"),
    ("unit: ratio", "unit: percent", "$.rules[0].unit: 'percent' is not one of ['seconds', 'ratio'"),
    ("by: lending", "by: officer", "$.rules[0].by: 'officer' is not one of ['lending', 'staff']"),
    ("by: lending", "by: lending\n    windows: [14d]", "$.rules[0].windows[0]: '14d' is not one of"),
    ("id: mine", "id: My-KPI", "$.rules[0].id: 'My-KPI' does not match"),
    ("kind: ratio", "kind: ration", "$.rules[0].measure.kind: 'ration' is not one of ['count', 'sum'"),
    ("      kind: ratio\n", "", "$.rules[0].measure: 'kind' is a required property"),
    ("anchor: application.decided", "anchor: application.decide", "$.rules[0].measure.anchor: 'application.decide' is not"),
    ("      anchor: application.decided\n", "", "$.rules[0].measure: 'anchor' is a required property"),
    ("anchor: application.decided", "ancor: application.decided", "'ancor' was unexpected"),
    ("{outcome:", "{outcom:", "$.rules[0].measure.where: 'outcom' is not valid under any of the given schemas"),
    ("{outcome: [approved, declined]}", "{loan.fundd: present}", "$.rules[0].measure.where: 'loan.fundd' is not valid"),
    ("{outcome: [approved, declined]}", "{amount_minor: present}", "$.rules[0].measure.where: 'amount_minor' is not valid"),
    ("{outcome: [approved, declined]}", "{lead.created: present}", "$.rules[0].measure.where: 'lead.created' is not valid"),
    ("{where: {grade: A}}", "{where: {grad: A}}", "$.rules[0].measure.numerator.where: 'grad' is not valid"),
    ("{where: {grade: A}}", "{any_of: [{grad: A}]}", "$.rules[0].measure.numerator.any_of[0]: 'grad' is not valid"),
    ("{where: {grade: A}}", "{amount: grade_of}", "$.rules[0].measure.numerator.amount: 'grade_of' is not valid"),
    ("{where: {grade: A}}", "{where: {grade: {atleast: 3}}}", "'atleast' was unexpected"),
    ("at_least: 0.5", "at_least: half", "$.rules[0].target.at_least: 'half' is not valid"),
    ("warning_at: 0.6", "warn_at: 0.6", "'warn_at' was unexpected"),
    ("target: {at_least: 0.5, warning_at: 0.6}", "target: {at_most: 4 hous}", "$.rules[0].target.at_most: '4 hous' is not valid"),
    ("target: {at_least: 0.5, warning_at: 0.6}", "goal: {from: 1, to: 2, start: 2026-01-01}", "'due' is a required property"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES)
def test_a_mistake_is_marked(old: str, new: str, message: str) -> None:
    assert old in RULE
    found = marked(RULE.replace(old, new))
    assert any(message in said for said in found), found


@pytest.mark.parametrize(("old", "new"), [row[:2] for row in MISTAKES if "hous" not in row[1]])
def test_what_is_marked_the_loader_refuses_too(old: str, new: str) -> None:
    with pytest.raises(RuleError):
        load("own.yaml", RULE.replace(old, new))


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        ("{kind: duration, since: query.recieved, anchor: query.answered, clock: business}", "since: 'query.recieved'"),
        ("{kind: duration, since: query.received, anchor: query.answered, clock: bussiness}", "clock: 'bussiness'"),
        ("{kind: duration, since: query.received, anchor: query.answered}", "'clock' is a required property"),
        ("{kind: duration, since: application.submitted, anchor: application.decided, clock: business,"
         " pauses: [{from: application.hold, to: application.resumed, reason: held}]}", "pauses[0].from: 'application.hold'"),
        ("{kind: conversion, opening: lead.created, success: loan.funded, over: client, within: 60 dys}", "within: '60 dys'"),
        ("{kind: conversion, opening: lead.created, success: loan.funded, over: client, within: 5 business days}",
         "within: '5 business days'"),
        ("{kind: level, of: loan.books, part: {}, whole: {}}", "of: 'loan.books'"),
        ("{kind: ratio, anchor: loan.default, stock: {of: loan.book, where: {outstanding: present}}}",
         "stock.where: 'outstanding'"),
        ("{kind: mean, anchor: nps.answered, points: scores}", "points: 'scores'"),
        ("{kind: count, anchor: loan.funded, amount: amount_minor}", "'amount' was unexpected"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_measure_is_marked_and_the_loader_refuses_it_too(measure: str, message: str) -> None:
    found = marked(with_measure(measure))
    assert any(message in said for said in found), found
    with pytest.raises(RuleError):
        load("own.yaml", with_measure(measure))


@pytest.mark.parametrize("unit", [*PLAIN_UNITS, *BUSINESS_UNITS])
def test_a_length_may_be_written_as_the_loader_reads_it(unit: str) -> None:
    for text in (f"5 {unit}", f"5{unit}", f" 2.5  {unit.upper()} "):
        assert parse_length(text)
        target = f"target: {{at_most: '{text}'}}"
        assert marked(RULE.replace("target: {at_least: 0.5, warning_at: 0.6}", target)) == set()


def test_every_member_is_explained_to_whoever_writes_it() -> None:
    own = {name: said for name, said in SCHEMA["$defs"].items() if name[:1].isupper()} | {"RuleFile": SCHEMA}
    silent = {
        f"{name}.{member}"
        for name, definition in own.items()
        for member, said in definition.get("properties", {}).items()
        if "description" not in said and member != "kind" and name not in ("Goal", "Improvement")
    }
    assert silent == set()
    assert SCHEMA["$defs"]["Fact"]["enum"] == list(FACTS)


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_schema()
    assert json.loads(capsys.readouterr().out) == SCHEMA
