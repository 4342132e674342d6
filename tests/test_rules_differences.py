"""What differs between two sets of rules, in words: each thing that a rule or an organisation can say."""

from typing import get_args

import pytest

from kpi_rules.differences import Change, differences
from kpi_rules.loader import load, rulebook
from kpi_rules.measures import Measure
from kpi_rules.model import Rule
from kpi_rules.organisation import Organisation
from streams.calculus.program import Program
from tests.engine import catalogue

HEAD = "kra: own\ntitle: Own\nrules:\n"
KPI = "  - {{id: mine, wording: Mine, says: What is counted and when., unit: {unit}, by: lending, measure: {measure}{more}}}\n"
UNITS = {"duration": "seconds", "sum": "amount_minor", "per_client": "amount_minor", "mean": "score", "count": "count",
         "distinct": "count", "per_head": "score"}  # fmt: skip

Mutation = tuple[str, str, str, str, str, str]
"""Kind, measure, what is replaced by what in it; what differs, and how it is told afterwards."""
DURATION = (
    (
        "since: query.received, anchor: query.answered, clock: business, where: {officer_id: present},"
        " pauses: [{from: application.held, to: application.resumed, reason: held}]"
    )
    .replace("query.received", "application.submitted")
    .replace("query.answered", "application.decided")
)
INSIDE = "opening: training.assigned, success: training.completed, due: due_at, where: {regulatory: true}"
ACROSS = (
    "opening: product.offered, success: loan.funded, over: client, within: 90 days, match: {product: product},"
    " one_chance_per: product"
)
RATIO = (
    "anchor: application.decided, where: {outcome: approved}, numerator: {where: {grade: A}},"
    " denominator: {where: {grade: [A, B]}}"
)
LATE = "anchor: complaint.closed, since: complaint.opened, elapsed_more_than: 8 weeks"
STOCK = "anchor: loan.default, stock: {of: loan.book, where: {in_default: false}}, split: currency"
LEVEL = (
    "of: loan.book, where: {in_default: false}, part: {amount: outstanding_minor}, whole: {}, split: currency"
)
MEASURES: list[Mutation] = [
    ("count", "anchor: loan.funded", "loan.funded", "loan.paid_off", "counted at", "`loan.paid_off`"),
    ("count", "anchor: loan.funded", "funded", "funded, where: {product: home}", "counted at",
     "`loan.funded` with `product` home"),
    ("count", "anchor: loan.funded", "funded", "funded, split: currency", "split by", "currency"),
    ("sum", "anchor: loan.funded, amount: amount_minor", "amount_minor", "revenue_minor", "numerator", "Σ `revenue_minor`"),
    ("mean", "anchor: nps.answered, points: score", "points: score", "points: score, scale: 10", "denominator",
     "how many with `score`, × 10"),
    ("mean", "anchor: nps.answered, points: score", "score", "score, bands: [{at_least: 9, points: 100}]", "numerator",
     "Σ points for `score` (100 from 9)"),
    ("mean", "anchor: training.completed, points: rating", "rating", "training.assigned.regulatory", "numerator",
     "Σ `training.assigned.regulatory`"),
    ("ratio", RATIO, "{grade: A}", "{grade: B}", "numerator", "those with `grade` B"),
    ("ratio", RATIO, "where: {grade: A}", "any_of: [{grade: A}, {grade: B}]", "numerator",
     "those with (`grade` A) or (`grade` B)"),
    ("ratio", RATIO, "[A, B]", "[A, C]", "denominator", "those with `grade` A or C"),
    ("ratio", RATIO, "decided,", "decided, scale: 100,", "denominator", "those with `grade` A or B, × 100"),
    ("ratio", LATE, "8 weeks", "9 weeks", "numerator", "those more than 9 weeks after `complaint.opened`"),
    ("ratio", LATE, "since: complaint.opened", "since: complaint.closed", "numerator",
     "those more than 8 weeks after `complaint.closed`"),
    ("ratio", LATE, "8 weeks", "8 weeks, numerator: {where: {channel: web}}", "numerator",
     "those with `channel` web, if more than 8 weeks after `complaint.opened`"),
    ("ratio", STOCK, "in_default: false", "in_default: true", "denominator",
     "all + `loan.book` with `in_default` true, now"),
    ("duration", DURATION, "clock: business", "clock: calendar", "clock", "calendar time"),
    ("duration", DURATION, "since: application.submitted", "since: loan.funded", "measured since", "`loan.funded`"),
    ("duration", DURATION, "reason: held", "reason: on hold", "the clock stands still while",
     "on hold, from `application.held` to `application.resumed`"),
    ("conversion", INSIDE, "regulatory: true", "regulatory: false", "numerator",
     "won: `training.completed` by `due_at` of `training.assigned` with `regulatory` false"),
    ("conversion", INSIDE, "due: due_at", "within: 3 days", "numerator",
     "won: `training.completed` within 3 days of `training.assigned` with `regulatory` true"),
    ("conversion", ACROSS, "loan.funded", "loan.paid_off, success_may_precede: false", "counted at",
     "`loan.paid_off`, not before `product.offered`, if won; the deadline if lost"),
    ("conversion", ACROSS, "90 days", "90 days, success_may_precede: false", "numerator",
     "won: `loan.funded` of the client whose `product` is the opening's `product` within 90 days of `product.offered`,"
     " and not before it; one chance a client and `product`"),
    ("conversion", ACROSS, ", match: {product: product}", "", "numerator",
     "won: `loan.funded` of the client within 90 days of `product.offered`; one chance a client and `product`"),
    ("conversion", ACROSS, ", one_chance_per: product", ", won_at_once_by: another_open_loan", "numerator",
     "won: `loan.funded` of the client whose `product` is the opening's `product` within 90 days of `product.offered`,"
     " or another loan open at that instant"),
    ("conversion", "opening: loan.paid_off, success: loan.funded, within: 90 days", "90 days", "90 days, over: client",
     "numerator", "won: `loan.funded` of the client within 90 days of `loan.paid_off`"),
    ("conversion", "opening: loan.paid_off, success: loan.funded, within: 9 days", "opening: loan.paid_off",
     "opening: application.submitted", "numerator", "won: `loan.funded` within 9 days of `application.submitted`"),
    ("distinct", "anchor: loan.funded", "funded", "funded, after_first: true", "numerator",
     "clients, each at its latest, with an earlier one"),
    ("per_client", "anchor: loan.funded, amount: amount_minor", "amount_minor", "revenue_minor", "numerator",
     "Σ `revenue_minor`"),
    ("level", LEVEL, "in_default: false", "in_default: true", "denominator", "`loan.book` with `in_default` true"),
    ("level", LEVEL, "part: {amount: outstanding_minor}", "part: {where: {days_past_due: 3}}", "numerator",
     "`loan.book` with `in_default` false, those with `days_past_due` 3"),
    ("level", LEVEL, "whole: {}", "whole: {amount: outstanding_minor}", "denominator",
     "Σ `outstanding_minor` of `loan.book` with `in_default` false"),
    ("level", LEVEL, ", split: currency", "", "split by", ""),
    ("level", LEVEL.replace("loan.book", "loan.matured").replace(", split: currency", "").replace(
        "where: {in_default: false}, part: {amount: outstanding_minor}", "part: {}"), "loan.matured", "loan.default",
     "denominator", "`loan.default`"),
    ("growth", "anchor: loan.funded, amount: amount_minor", "amount_minor", "revenue_minor", "denominator",
     "Σ `revenue_minor` of the window before"),
    ("per_head", "anchor: loan.funded", "loan.funded", "loan.default", "counted at", "`loan.default`"),
]  # fmt: skip
"""Each member of each kind of measure, changed by itself."""


def one(kind: str, measure: str, more: str = "") -> Rule:
    text = KPI.format(unit=UNITS.get(kind, "ratio"), measure=f"{{kind: {kind}, {measure}}}", more=more)
    return rulebook([load("own.yaml", HEAD + text)])[0]


def changes(old: Rule, new: Rule) -> dict[str, Change]:
    return {change.what: change for found in differences([old], [new]) for change in found.changes}


def program_digest(*rules: Rule) -> str:
    return Program(rules, Organisation()).digest


@pytest.mark.parametrize(("kind", "measure", "old", "new", "what", "after"), MEASURES)
def test_what_a_measure_counts_is_told_in_words_and_recounts(
    kind: str, measure: str, old: str, new: str, what: str, after: str
) -> None:
    before_rule, after_rule = one(kind, measure), one(kind, measure.replace(old, new))
    found = changes(before_rule, after_rule)
    assert found[what].after == after
    assert found[what].before != after
    assert found[what].recounts
    assert program_digest(before_rule) != program_digest(after_rule)


def test_every_member_of_every_kind_of_measure_has_its_words() -> None:
    """The table above changes each of them, and is told each time."""
    told = set()
    for kind, measure, old, new, *_ in MEASURES:
        before, after = (
            one(kind, text).measure.model_dump() for text in (measure, measure.replace(old, new))
        )
        told |= {(kind, member) for member in before if before[member] != after[member]}
    anchored = {"anchor", "where", "split"}
    every = {
        (model.model_fields["kind"].annotation.__args__[0], member)
        for model in get_args(get_args(Measure)[0])
        for member in model.model_fields
        if member != "kind"
    }
    alike = {(kind, member) for kind, member in every if kind != "count" and member in anchored}
    assert every - alike <= told | {("conversion", "where")}


RULE: dict[str, tuple[str, str, str, bool]] = {
    "wording": ("wording: Mine", "wording: Ours", "wording", False),
    "says": ("and when.", "and at which time.", "says", False),
    "relevant": ("by: lending", "by: lending, relevant: It matters.", "why it matters", False),
    "unit": ("unit: count", "unit: score", "unit", False),
    "by": ("by: lending", "by: staff", "broken down by", True),
    "windows": ("by: lending", "by: lending, windows: [30d]", "windows", False),
    "measure": ("loan.funded", "loan.paid_off", "counted at", True),
    "targets": ("by: lending", "by: lending, target: {at_least: 3}", "target", False),
    "target_set_by_user": ("by: lending", "by: lending, target_set_by_user: true", "target set by the lender", False),
    "goal": ("by: lending", "by: lending, goal: {from: 1, to: 2, start: 2026-01-01, due: 2026-02-01}", "goal", False),
    "min_samples": ("by: lending", "by: lending, min_samples: 3", "observations that a verdict asks for", False),
    "alert": ("by: lending", "by: lending, alert: {window: 7d, for: 1 hour}", "alerts", False),
    "officers_in_metrics": ("by: lending", "by: lending, officers_in_metrics: []", "windows in which officers are metrics", False),  # noqa: E501  # a row of the table
}  # fmt: skip


@pytest.mark.parametrize("member", sorted(Rule.model_fields.keys() - {"id"}))
def test_every_member_of_a_rule_has_its_words_and_recounts_if_the_program_does(member: str) -> None:
    old, new, what, recounts = RULE[member]
    text = HEAD + KPI.format(unit="count", measure="{kind: count, anchor: loan.funded}", more="")
    assert old in text
    (before,), (after,) = (rulebook([load("own.yaml", said)]) for said in (text, text.replace(old, new, 1)))
    assert [(change.what, change.recounts) for change in changes(before, after).values()] == [
        (what, recounts)
    ]
    assert (program_digest(before) != program_digest(after)) is recounts


def test_the_kind_itself() -> None:
    found = changes(one("count", "anchor: loan.funded"), one("distinct", "anchor: loan.funded"))
    assert found["kind"] == Change("kind", "count", "distinct", recounts=True)


@pytest.mark.parametrize(
    ("old", "new", "recounts"),
    [
        ("{at_most: 4 hours}", "{at_most: 3 hours}", True),
        ("{at_most: 4 hours}", "{at_most: 4 hours, warning_at: 3 hours}", False),
        ("{at_most: 4 hours}", "[{at_most: 4 hours}, {at_most: 3 hours, valid_from: 2026-04-01}]", True),
        ("{at_most: 4 hours}", "[{at_most: 4 hours}, {at_most: 4 hours, window: 7d, valid_from: 2026-04-01}]", False),
        ("{at_most: 4 hours, valid_from: 2026-04-01}", "{at_most: 4 hours, valid_from: 2026-04-02}", True),
        ("{at_most: 4 hours}", "null", True),
    ],
)  # fmt: skip
def test_a_duration_s_target_recounts_by_its_lengths_and_their_days(
    old: str, new: str, recounts: bool
) -> None:
    before, after = (one("duration", DURATION, f", target: {target}") for target in (old, new))
    (change,) = changes(before, after).values()
    assert (change.what, change.recounts) == ("target", recounts)
    assert (program_digest(before) != program_digest(after)) is recounts


def test_targets_are_told_with_their_days() -> None:
    target = "[{at_most: 14400, warning_at: 3 hours, window: 7d}, {at_least: 1, at_most: 3 hours, valid_from: 2026-04-01}]"
    found = changes(one("duration", DURATION), one("duration", DURATION, f", target: {target}"))
    assert found["target"].after == (
        "≤ 14400 s, warning at 3 hours (in 7d); from 2026-04-01 ≥ 1 s, ≤ 3 hours"
    )


def test_goals_are_told_with_all_that_they_say() -> None:
    plain = "from: 10, to: 20, start: 2026-01-01, due: 2026-06-30"
    own = "officers: {o-1: {from: 5}}, branches: {north: {change: 0.5}}"
    goal = f"{{{plain}, window: 90d, tolerance: 0.05, for: [officer, branch], {own}}}"
    found = changes(
        one("count", "anchor: loan.funded"), one("count", "anchor: loan.funded", f", goal: {goal}")
    )
    assert found["goal"].after == (
        "from 10 to 20, 2026-01-01 to 2026-06-30, in 90d, tolerance 0.05; for each officer and branch;"
        " officer o-1 from 5; branch north by +50%"
    )


def test_rules_come_in_the_new_order_and_those_that_are_gone_at_the_end() -> None:
    a, b, c = (one("count", "anchor: loan.funded").model_copy(update={"id": name}) for name in "abc")
    found = differences([a, b], [c, b.model_copy(update={"wording": "Other"})])
    assert [(one_.kpi, one_.kind, one_.recounts) for one_ in found] == [
        ("c", "added", True),
        ("b", "changed", False),
        ("a", "removed", True),
    ]
    assert all(change.after == "" for change in found[-1].changes)
    assert all(change.before == "" for change in found[0].changes)


def test_equal_rules_do_not_differ_and_others_do() -> None:
    assert differences(catalogue(), list(reversed(catalogue()))) == []
    assert [found.kind for found in differences([], catalogue())] == ["added"] * len(catalogue())
