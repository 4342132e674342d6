"""What a batch adds to panes is what observing every case from nothing would give, whichever measures are looked at."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi_rules.model import Rule
from kpi_rules.organisation import Organisation
from streams.calculus.case import Case, decode_case, merge, parse_case_id
from streams.calculus.client import decode_client
from streams.calculus.fold import CaseName, Change
from streams.calculus.panes import Observation
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.ledger_values import VersionWrites
from streams.runtime.pane_version import VersionInTheMaking
from tests.engine import MemoryLedger, cases_of, catalogue, content_of, event_of, rules_of
from tests.oracle import streams as nasty
from tests.oracle.script import said
from tests.oracle.speaker import Event

GRADES = "{application.decided.grade: [A, B]}"
SHARE = "{field: outstanding_minor, basis_points: application.decided.default_probability_bp}"
OWED = "{from: documents.requested, to: documents.received, reason: owed}"
REACHING = (
    "{kind: count, anchor: application.error_found, where: {compliance.checked: absent, loan.default: absent}}",
    "{kind: count, anchor: complaint.reopened, where: {complaint.closed: present}}",
    "{kind: sum, anchor: loan.paid_off, amount: application.decided.default_probability_bp}",
    f"{{kind: sum, anchor: loan.status_reported, amount: {SHARE}}}",
    "{kind: growth, anchor: loan.funded, amount: application.submitted.amount_minor}",
    "{kind: mean, anchor: loan.funded, points: application.decided.default_probability_bp}",
    "{kind: mean, anchor: loan.funded, points: loan.default.balance_minor, bands: [{at_least: 5, points: 2}]}",
    f"{{kind: ratio, anchor: loan.paid_off, numerator: {{where: {GRADES}}}, denominator: {{amount: loan.book.in_default}}}}",
    f"{{kind: ratio, anchor: loan.funded, numerator: {{any_of: [{GRADES}, {{loan.paid_off: present}}]}}}}",
    "{kind: ratio, anchor: loan.funded, since: application.decided, elapsed_more_than: 3 days}",
    "{kind: ratio, anchor: loan.funded, numerator: {amount: {forecast: application.decided.default_probability_bp, "
    "happened: {loan.default: present}}}, scale: 100000000}",
    f"{{kind: ratio, anchor: loan.default, stock: {{of: loan.book, where: {GRADES}, amount: loan.funded.amount_minor}}}}",
    f"{{kind: duration, since: application.decided, anchor: loan.matured, clock: calendar, pauses: [{OWED}]}}",
    "{kind: per_head, anchor: compliance.checked, where: {application.submitted.documents_required: {at_least: 1}}}",
    f"{{kind: conversion, opening: application.submitted, success: loan.matured, within: 30 days, where: {GRADES}}}",
    f"{{kind: level, of: loan.book, where: {{application.error_found: absent}}, part: {{amount: {SHARE}}}, "
    f"whole: {{where: {GRADES}, amount: loan.funded.revenue_minor}}}}",
    "{kind: distinct, anchor: loan.funded, where: {product: home, officer_id: present}}",
    "{kind: conversion, opening: query.received, success: loan.paid_off, over: client, within: 20 days, "
    "where: {channel: [web, shop]}, match: {officer_id: officer_id}}",
)
"""Measures that name other facts than their anchor in every place in which a rule can."""


@cache
def program() -> Program:
    """The catalogue, and measures that reach further than it does."""
    return Program([*catalogue(), *reaching()], Organisation())


def reaching() -> list[Rule]:
    staff = "{kind: count, anchor: training.completed, where: {training.assigned.regulatory: true}}"
    own = rules_of(*REACHING)
    (of_staff,) = rules_of(staff, by="staff")
    return [*own, of_staff.model_copy(update={"id": "of_staff"})]


def difference(before: Iterable[Observation], after: Iterable[Observation]) -> Counter[Observation]:
    """What was added, and what was taken back as negative counts."""
    found = Counter(after)
    found.subtract(Counter(before))
    return Counter({seen: count for seen, count in found.items() if count})


def grouped(batch: list[Event]) -> dict[CaseName, list[Event]]:
    found: dict[CaseName, list[Event]] = defaultdict(list)
    for raw in batch:
        event = event_of(raw)
        found[event.type.kind, event.key_field or "unassigned", event.subject].append(raw)
    return found


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), nastiness=st.sampled_from([0.0, 2.0]))
def test_looking_only_at_what_changed_gives_the_difference_of_everything(seed: int, nastiness: float) -> None:
    rng, cases, of = random.Random(seed), dict[CaseName, Case](), program()
    events = nasty.generate(seed, 25, nastiness=nastiness, n_customers=4)
    while events:
        size = rng.randint(1, 6)
        batch, events = events[:size], events[size:]
        for name, raws in grouped(batch).items():
            before = cases.setdefault(name, Case())
            after, changed = before.copy(), set[int]()
            for event in map(event_of, raws):
                if merge(after, event):
                    changed.add(event.type.code)
            cases[name], kind, codes = after, name[0], frozenset(changed)
            everything = difference(of.observe(kind, None, before), of.observe(kind, None, after))
            assert difference(of.observe(kind, codes, before), of.observe(kind, codes, after)) == everything
            shown = dict(of.views(kind, None, before)) | dict(of.views(kind, codes, after))
            assert shown == dict(of.views(kind, None, after))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_panes_and_clients_are_what_observing_every_stored_case_from_nothing_gives(seed: int) -> None:
    events = nasty.generate(seed, 40, nastiness=1.5, n_customers=3)
    grid = Grid.live(ZoneInfo("Asia/Kolkata"))
    ledger, rng = MemoryLedger(program(), grid), random.Random(seed)
    while events:
        size = rng.randint(1, 25)
        ledger.apply(events[:size])
        events = events[size:]
    made = VersionInTheMaking("x.1", program(), grid)
    stored, names, panes = sorted(ledger.cases.items()), list[str](), dict[str, bytes]()

    def take(writes: VersionWrites) -> None:
        names.extend(writes.groups_new)
        for pane, rows in writes.panes.items():
            panes[pane] = panes.get(pane, b"") + rows
        made.keep()

    for some in (stored[::2], stored[1::2]):
        changes = [Change(name, parse_case_id(name), None, decode_case(blob), None) for name, blob in some]
        take(made.writes(changes, {}, None))
    made.has_all_cases()
    clients: dict[bytes, bytes | None] = {}
    while writes := made.some_clients(3, None):
        clients |= writes.clients
        take(writes)
    anew = {pane: content_of(pane, rows, names) for pane, rows in panes.items()}
    assert {pane: cells for pane, cells in anew.items() if cells} == ledger.cells()
    shown = {
        key: {code: views for code, views in decode_client(blob or b"").views.items() if views}
        for key, blob in clients.items()
    }
    assert {key: views for key, views in shown.items() if views} == ledger.state()[1]


def test_observing_is_a_function_of_the_case_alone() -> None:
    """Neither what was observed before nor the order in which its facts came changes what a case gives."""
    cases = cases_of(nasty.generate(3, 60, nastiness=1.0))
    for (kind, _, _), case in cases.items():
        turned = Case(
            dict(reversed(case.single.items())),
            {code: dict(reversed(found.items())) for code, found in reversed(case.many.items())},
        )
        first = Counter(program().observe(kind, None, case))
        assert Counter(program().observe(kind, None, turned)) == first
        assert Counter(program().observe(kind, None, case)) == first


class Recording(dict[int, Any]):
    """Facts of a case that note which were asked for."""

    def __init__(self, facts: dict[int, Any], asked: set[int]) -> None:
        super().__init__(facts)
        self._asked = asked

    def get(self, code: int, default: Any = None) -> Any:
        self._asked.add(code)
        return super().get(code, default)

    def __getitem__(self, code: int) -> Any:
        self._asked.add(code)
        return super().__getitem__(code)

    def __contains__(self, code: object) -> bool:
        assert isinstance(code, int)
        self._asked.add(code)
        return super().__contains__(code)


def of_one_measure() -> list[Rule]:
    """Rules that are one measure; a ratio over a stock is two, which look at different facts."""
    return [rule for rule in (*catalogue(), *reaching()) if getattr(rule.measure, "stock", None) is None]


@pytest.mark.parametrize("rule", of_one_measure(), ids=lambda rule: f"{rule.id}")
def test_an_observer_reads_what_it_says(rule: Rule) -> None:
    """Whatever facts a rule asks a case for: a change of one of them makes it look again."""
    alone = Program([rule], Organisation())
    for (kind, _, _), case in FULL_CASES.items():
        asked = set[int]()
        found = alone.observe(kind, None, Case(Recording(case.single, asked), Recording(case.many, asked)))
        for code in asked if found else ():
            assert alone.observe(kind, frozenset({code}), case) == found, code


FULL_CASES = cases_of(
    [
        said("application.submitted", "L", "2026-03-02 09:00", amount_minor=5, currency="EUR", documents_required=2,
             documents_accepted=1),
        said("documents.requested", "L", "2026-03-02 10:00", request_id="r"),
        said("documents.received", "L", "2026-03-02 11:00", request_id="r"),
        said("application.held", "L", "2026-03-02 12:00", hold_id="h"),
        said("application.resumed", "L", "2026-03-02 13:00", hold_id="h"),
        said("application.decided", "L", "2026-03-03 09:00", grade="A", default_probability_bp=100),
        said("application.assigned", "L", "2026-03-03 10:00", officer_id="ann"),
        said("loan.funded", "L", "2026-03-04 09:00", revenue_minor=3),
        said("compliance.checked", "L", "2026-03-04 10:00", check_id="k", passed=True),
        said("loan.status_reported", "L", "2026-03-05 09:00", days_past_due=100),
        said("loan.defaulted", "L", "2026-03-06 09:00"),
        said("complaint.opened", "C", "2026-03-02 09:00"),
        said("complaint.reopened", "C", "2026-03-02 10:00"),
        said("complaint.resolved", "C", "2026-03-02 11:00"),
        said("training.assigned", "T", "2026-03-02 09:00", key="ann"),
        said("training.completed", "T", "2026-03-02 10:00", key="ann", rating=3),
    ]
)  # fmt: skip


def test_the_stored_form_of_a_case_is_observed_as_the_case() -> None:
    ledger = MemoryLedger(program(), Grid.live(ZoneInfo("UTC")))
    events = nasty.generate(11, 40)
    ledger.apply(events)
    for name, case in cases_of(events).items():
        stored = decode_case(ledger.cases["\x1f".join(name).encode()])
        assert Counter(program().observe(name[0], None, stored)) == Counter(
            program().observe(name[0], None, case)
        )
