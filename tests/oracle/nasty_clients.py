"""Which nasty cases the cases of one client hold together: leads, offers, fundings, payoffs; and any deadline."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from tests.oracle.attribution import group_of
from tests.oracle.facts import Case, Statement, statement, time_ms
from tests.oracle.speaker import Event
from tests.oracle.windows import DAY_MS

LEAD_MS, CHANCE_MS = 60 * DAY_MS, 90 * DAY_MS
SETTLED = {
    "training.assigned": "training.completed",
    "regulation.issued": "regulation.implemented",
    "recommendation.made": "recommendation.implemented",
}


class Chance(NamedTuple):
    opened: int
    deadline: int
    successes: list[int]


def nasty_of_clients(
    cases: Sequence[Case], arrival: Sequence[Event], looked_from: Sequence[int]
) -> Iterator[str]:
    own: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        own[case.id.key].append(case)
    fundings = {key: [(c, s) for c in found for s in c.all("loan.funded")] for key, found in own.items()}
    for case in cases:
        for chance in _chances(case, [s for _, s in fundings[case.id.key]]):
            yield from _of_chance(chance, looked_from)
    for key, found in own.items():
        yield from _of_fundings(fundings[key])
        yield from _of_offers(found, [s for _, s in fundings[key]])
        yield from _of_payoffs(found)
    yield from _of_leads(cases, arrival)


def _chances(case: Case, fundings: Sequence[Statement]) -> Iterator[Chance]:
    for opening, success in SETTLED.items():
        for s in case.all(opening):
            due = s.says("due_at")
            deadline = s.time + CHANCE_MS if due is None else time_ms(due)
            yield Chance(s.time, deadline, [won.time for won in case.all(success)])
    for s in case.all("lead.created"):
        won = [f.time for f in fundings if f.says("lead_id") == s.subject]
        yield Chance(s.time, s.time + LEAD_MS, won)
    for s in case.all("loan.paid_off"):
        yield Chance(s.time, s.time + CHANCE_MS, [f.time for f in fundings if f.time > s.time])


def _of_chance(chance: Chance, looked_from: Sequence[int]) -> Iterator[str]:
    opened, deadline, successes = chance
    if deadline in successes:
        yield "a success at its deadline"
    if deadline + 1 in successes:
        yield "a success a millisecond late"
    if any(at < opened for at in successes):
        yield "a success before its opening"
    for now in looked_from:
        if opened <= now < deadline and not any(at <= now for at in successes):
            yield "a chance not yet settled"


def _of_fundings(funded: Sequence[tuple[Case, Statement]]) -> Iterator[str]:
    ordered = sorted(funded, key=lambda pair: pair[1].order)
    if len({s.says("currency") for _, s in ordered}) > 1:
        yield "a client with loans in two currencies"
    for (case, one), (next_case, other) in pairwise(ordered):
        if one.time == other.time:
            yield "two fundings of a client at one instant"
        if group_of(case, one).officer != group_of(next_case, other).officer:
            yield "a client whose latest funding is another officer's"


def _of_offers(own: Sequence[Case], fundings: Sequence[Statement]) -> Iterator[str]:
    offers = [s for case in own for s in case.all("product.offered") if s.says("new_product")]
    ordered = sorted(offers, key=lambda s: (str(s.says("product")), s.time))
    for first, second in pairwise(ordered):
        if first.says("product") == second.says("product"):
            yield "two offers of one product"
            taken = [f.time for f in fundings if f.says("product") == first.says("product")]
            if any(second.time <= at <= first.time + CHANCE_MS for at in taken):
                yield "two offers of one product, the second taken in time"


def _of_payoffs(own: Sequence[Case]) -> Iterator[str]:
    loans = [
        (s.time, paid.time if (paid := case.one("loan.paid_off")) else None)
        for case in own
        for s in case.all("loan.funded")
    ]
    for _, paid_off in loans:
        if paid_off is None:
            continue
        if any(funded <= paid_off and (end is None or paid_off < end) for funded, end in loans):
            yield "paid off while another loan is open"
        elif any(paid_off < funded <= paid_off + CHANCE_MS for funded, _ in loans):
            yield "paid off and funded again in time"


def _of_leads(cases: Sequence[Case], arrival: Sequence[Event]) -> Iterator[str]:
    leads = {(c.id.key, c.id.subject): lead for c in cases if (lead := c.one("lead.created"))}
    arrived: dict[bytes, int] = {}
    latest = 0
    for event in arrival:
        latest = max(latest, time_ms(event["time"]))
        arrived.setdefault(statement(event).canonical, latest)
    for case in cases:
        funded = case.one("loan.funded")
        lead = leads.get((case.id.key, funded.says("lead_id"))) if funded else None
        if funded is None or lead is None:
            continue
        deadline = lead.time + LEAD_MS
        if funded.time < lead.time:
            yield "a lead funded before it came in"
        if funded.time > deadline:
            yield "a lead funded after its deadline"
        else:
            yield "a lead funded within its time"
            if arrived[funded.canonical] > deadline:
                yield "a lead funded within its time that arrives after its deadline"
