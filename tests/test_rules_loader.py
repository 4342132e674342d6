"""What is wrong with a rule file is said in one line: file, line, place, and the nearest right name."""

from pathlib import Path
from typing import Any

import pytest

from kpi_rules.loader import LoadedFile, RuleError, load, rulebook
from kpi_rules.organisation import Organisation
from streams.calculus.program import Program

NAME = "own.yaml"
WRONG_MEASURES = Path(__file__).parent / "golden" / "wrong_measures.txt"
RULE = """\
kra: sales
title: Sales
rules:
  - id: mine
    wording: My own KPI
    says: What is counted, over what and when.
    unit: ratio
    by: lending
    relevant: Because it is asked for.
    measure:
      kind: ratio
      anchor: application.decided
      where: {outcome: [approved, declined]}
      numerator: {where: {grade: A}}
    target: {at_least: 0.5, warning_at: 0.6}
"""


def refused(text: str) -> str:
    """The error of a file, after its name; one line."""
    with pytest.raises(RuleError) as error:
        load(NAME, text)
    message = str(error.value)
    assert message.startswith(f"{NAME}:")
    assert "\n" not in message
    return message.removeprefix(f"{NAME}:")


def with_(old: str, new: str) -> str:
    assert old in RULE
    return RULE.replace(old, new)


def with_measure(measure: str) -> str:
    """The rule with another measure, all of it on line 10."""
    return RULE[: RULE.index("    measure:")] + f"    measure: {measure}\n"


def test_a_good_file_is_read_whole() -> None:
    loaded = load(NAME, RULE)
    assert (loaded.name, loaded.content.kra, loaded.content.title) == (NAME, "sales", "Sales")
    assert [rule.id for rule in loaded.content.rules] == ["mine"]
    assert loaded.line(("rules", 0, "measure", "where")) == 13


@pytest.mark.parametrize("text", ["", "# nothing but a remark\n"])
def test_an_empty_file_is_told_what_it_needs(text: str) -> None:
    assert refused(text) == "1: the file is empty: it needs kra, title and rules"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kra: [\n", "2: not YAML: expected the node content, but found '<stream end>'"),
        (
            "kra: a\n\tb: c\n",
            "2: not YAML: found character '\\t' that cannot start any token: indent with spaces, not with a tab",
        ),
        (
            "kra: a\n---\nkra: b\n",
            "2: not YAML: but found another document: a file holds one document: leave out ---",
        ),
        ("kra: \x00\n", " not YAML: unacceptable character #x0000: special characters are not allowed"),
        (
            with_("says: What", "says: What: "),
            "6: not YAML: mapping values are not allowed here: put a text that has a colon in it in quotes",
        ),
        (
            with_("    unit", "   unit"),
            "7: not YAML: expected <block end>, but found '<block mapping start>': this line is not indented as those that it"
            " belongs to",
        ),
        (
            RULE + "    goal: {from: 1, to: 2, start: 2026-13-45}\n",
            "16: not YAML: '2026-13-45' is not a date",
        ),
        (RULE + "    unit: score\n", "16: not YAML: 'unit' is written twice"),
        (with_("{grade: A}", "{grade: A, grade: B}"), "14: not YAML: 'grade' is written twice"),
        (
            "kra: !!python/object:os.system x\n",
            "1: not YAML: could not determine a constructor for the tag 'tag:yaml.org,2002:python/object:os.system'",
        ),
    ],
)
def test_what_is_not_yaml_is_told_the_line(text: str, message: str) -> None:
    assert refused(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "1: \"['a']\": must be a mapping, name: value"),
        ("hello\n", "1: 'hello': must be a mapping, name: value"),
        ("kra: sales\ntitle: Sales\n", "1: rules: is missing"),
        ("kra: sales\ntitle: Sales\nrules: []\n", "3: rules: '[]': must have at least one entry"),
        (with_("kra: sales", "kra: Sales!"), "1: kra: 'Sales!': must be of lower-case letters, digits and _"),
        (with_("    unit: ratio\n", ""), "4: rules[0].unit: is missing"),
    ],
)
def test_a_document_of_another_shape_is_told_what_is_missing(text: str, message: str) -> None:
    assert refused(text).startswith(message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title:", "titel:", "2: titel: is not known here: did you mean 'title'?"),
        ("wording:", "wordings:", "5: rules[0].wordings: is not known here: did you mean 'wording'?"),
        ("anchor:", "ancor:", "12: rules[0].measure.ancor: is not known here: did you mean 'anchor'?"),
        ("{where: {grade", "{were: {grade", "14: rules[0].measure.numerator.were: is not known here: did you mean 'where'?"),
        ("[approved, declined]", "{at_leest: 3}", "13: rules[0].measure.where.outcome.at_leest: is not known here: did you"),
        ("warning_at", "warn_at", "15: rules[0].target.warn_at: is not known here: did you mean 'warning_at'?"),
        ("title:", "zzzzzz:", "2: zzzzzz: is not known here"),
        ("grade: A}}", "grade: A}, outcome: approved}",
         "14: rules[0].measure.numerator.outcome: is not known here: use where, any_of"),
        ("numerator:", "target: {at_least: 1}\n      numerator:",
         "14: rules[0].measure.target: is not known here: it belongs to a rule"),
        ("numerator:", "pauses: []\n      numerator:",
         "14: rules[0].measure.pauses: is not known here: it belongs to a duration"),
        ("numerator:", "mesure: 1\n      numerator:", "14: rules[0].measure.mesure: is not known here: did you mean 'measure'?"),
        ("target: {at_least: 0.5", "goal: {frm: 0.5", "15: rules[0].goal.frm: is not known here: did you mean 'from'?"),
    ],
)  # fmt: skip
def test_a_misspelt_member_is_found_at_every_level(old: str, new: str, message: str) -> None:
    assert refused(with_(old, new)).startswith(message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: ratio", "kind: ratios", "measure: 'ratios' is not a kind of measure: did you mean 'ratio'?"),
        ("kind: ratio", "kind: zz", "measure: 'zz' is not a kind of measure: use count, sum, mean, ratio, duration"),
        ("      kind: ratio\n", "", "measure: has no kind: use count, sum, mean, ratio, duration, conversion"),
        ("unit: ratio", "unit: percent", "unit: 'percent': must be 'seconds', 'ratio', 'score', 'count' or"),
        ("by: lending", "by: officer", "by: 'officer': must be 'lending' or 'staff'"),
        ("by: lending", "by: lending\n    windows: [2h]", "windows[0]: '2h': must be '1h', '24h', '7d'"),
        ("by: lending", "by: lending\n    windows: []", "windows: '[]': must have at least one entry"),
        ("by: lending", "by: lending\n    min_samples: 0", "min_samples: '0': must be greater than or equal to 1"),
        ("id: mine", "id: My-KPI", "id: 'My-KPI': must be of lower-case letters, digits and _"),
        ("id: mine", "id: a.b.c", "id: 'a.b.c': must be of lower-case letters, digits and _"),
        ("wording: My own KPI", "wording: ' '", "wording: ' ': must not be empty"),
        ("wording: My own KPI", "wording: 3", "wording: '3': must be a text"),
        ("at_least: 0.5", "at_least: [1]", "target.at_least: '[1]': must be a number"),
        ("at_least: 0.5", "at_least: yes", "target.at_least: 'True': must be a number"),
        ("{at_least: 0.5, warning_at: 0.6}", "{warning_at: 0.6}", "target: a target needs at_least or at_most"),
        ("{at_least: 0.5, warning_at: 0.6}", "3",
         "target: '3': must be a mapping, name: value, such as {at_most: 4 hours, warning_at: 3 hours}"),
        ("by: lending", "by: lending\n    windows: [7d, 30d, 7d]", "windows: 7d is written twice"),
        ("by: lending", "by: lending\n    windows: 30d", "windows: '30d': must be a list"),
        ("by: lending", "by: lendin", "by: 'lendin': must be 'lending' or 'staff': did you mean 'lending'?"),
        ("by: lending", "by: lending\n    min_samples: ten", "min_samples: 'ten': must be a whole number"),
        ("by: lending", "by: lending\n    target_set_by_user: 1", "target_set_by_user: '1': must be true or false"),
        ("[approved, declined]", "{}", "measure.where.outcome: a range needs at_least, more_than or at_most"),
        ("[approved, declined]", "1.5", "measure.where.outcome: '1.5': must be present, absent, a value, a list of"),
        ("[approved, declined]", "null", "measure.where.outcome: is empty: must be present, absent, a value, a list of"),
        ("{outcome: [approved, declined]}", "[outcome]", "measure.where: \"['outcome']\": must be a mapping"),
        ("{where: {grade: A}}", "{where: {grade: A}, any_of: [{grade: B}]}", "measure.numerator: where and any_of do not"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_shown_with_its_place(old: str, new: str, message: str) -> None:
    line, _, rest = refused(with_(old, new)).partition(": ")
    assert rest.startswith(f"rules[0].{message}")
    assert line.isdecimal()


def wrong_measures() -> list[tuple[str, str]]:
    """Measures by their errors, from the golden file: two lines each."""
    lines = [line.strip() for line in WRONG_MEASURES.read_text().splitlines() if line[:1] not in ("", "#")]
    return [
        (measure, message.removeprefix("→ "))
        for measure, message in zip(lines[::2], lines[1::2], strict=True)
    ]


@pytest.mark.parametrize(("measure", "message"), wrong_measures())
def test_a_measure_that_cannot_be_used_is_told_its_place_and_the_nearest_right_name(
    measure: str, message: str
) -> None:
    assert refused(with_measure(measure)) == f"10: rules[0].measure.{message}"


@pytest.mark.parametrize("text", ["3 dayz", "three days", "-1 day", "", "1 h 30 m"])
def test_what_is_not_a_length_of_time_is_told_the_form(text: str) -> None:
    form = "is not a length of time: write e.g. 4 hours, 90 minutes, 60 days or 5 business days"
    within = (
        f"{{kind: conversion, opening: lead.created, success: loan.funded, over: client, within: '{text}'}}"
    )
    assert refused(with_measure(within)) == f"10: rules[0].measure.within: {text!r} {form}"
    limit = f"{{kind: ratio, anchor: complaint.closed, since: complaint.opened, elapsed_more_than: '{text}'}}"
    assert refused(with_measure(limit)) == f"10: rules[0].measure.elapsed_more_than: {text!r} {form}"


@pytest.mark.parametrize("more", ["", ", due: due_at, within: 3 days"])
def test_a_conversion_has_exactly_one_deadline(more: str) -> None:
    measure = f"{{kind: conversion, opening: training.assigned, success: training.completed{more}}}"
    assert refused(with_measure(measure)) == (
        "10: rules[0].measure: a conversion needs exactly one of within and due"
    )


@pytest.mark.parametrize(
    "measure",
    [
        "{kind: count, anchor: compliance.checked, where: {passed: false, application.error_found: absent}}",
        "{kind: count, anchor: loan.funded, where: {amount_minor: {more_than: 5, at_most: 10}, officer_id: present}}",
        "{kind: sum, anchor: loan.funded, amount: application.submitted.amount_minor}",
        "{kind: distinct, anchor: audit.completed, where: {score: {at_least: 50}}}",
        "{kind: level, of: loan.book, part: {}, whole: {}}",
        "{kind: per_head, anchor: loan.default}",
        "{kind: conversion, opening: query.received, success: loan.funded, over: client, within: 7 days}",
    ],
)
def test_what_the_loader_lets_through_compiles(measure: str) -> None:
    Program(rulebook([load(NAME, with_measure(measure))]), Organisation())


def files(*ids: str) -> list[LoadedFile]:
    return [load(f"{n}.yaml", with_("id: mine", f"id: {name}")) for n, name in enumerate(ids)]


def test_rules_come_in_the_order_of_their_files() -> None:
    assert [rule.id for rule in rulebook(files("b", "a", "a.sub"))] == ["b", "a", "a.sub"]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (("a", "b", "a"), "2.yaml:4: rules[0].id: 'a' is already defined in 0.yaml"),
        (("a", "b.sub"), "1.yaml:4: rules[0].id: 'b.sub' has no KPI 'b' before it"),
        (("a.sub", "a"), "0.yaml:4: rules[0].id: 'a.sub' has no KPI 'a' before it"),
    ],
)
def test_two_rules_of_one_id_and_a_sub_measure_without_its_kpi_are_refused(
    ids: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RuleError) as error:
        rulebook(files(*ids))
    assert str(error.value) == message


def test_rules_are_frozen() -> None:
    rule: Any = load(NAME, RULE).content.rules[0]
    with pytest.raises(ValueError, match="frozen"):
        rule.id = "other"
