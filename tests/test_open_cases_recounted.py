"""The list of open cases as one JSON object, against a plain count of the facts of nasty streams; and its orders."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from loanpulse.cases import listing
from loanpulse.cases.choice import Choice, Sort
from loanpulse.cases.told import CaseList
from streams.calculus.windows import HOUR_MS
from tests.cases_lab import ALL, Office, office_at
from tests.engine import organisation_document
from tests.oracle import streams as nasty
from tests.oracle.facts import CaseId, merge
from tests.oracle.open_cases import EVER_MS, Lender, Open, lender_of, open_cases
from tests.oracle.speaker import Event

pytestmark = pytest.mark.servers

KINDS = ("loan", "query", "complaint", "team_request", "training", "regulation")
ORDER = ("breached", "at_risk", "warning", "on_track", "paused")
REASONS = {"documents.requested": "the client owes documents", "application.held": "the application is held"}
ENDS = {
    "documents.requested": ("documents.received", "request_id"),
    "application.held": ("application.resumed", "hold_id"),
}
Name = tuple[str, CaseId]


def settings_of(seed: int, zone: str) -> dict[str, Any]:
    """Targets change in the midst of it, and some cases come with a target of one business day."""
    chosen = nasty.settings(seed, zone)
    changing = [[None, 90 * HOUR_MS], ["2026-02-20", 30 * HOUR_MS], ["2026-04-11", 300 * HOUR_MS]]
    return chosen | {"targets": chosen["targets"] | {"turnaround_time": changing}}


def local(at: int, zone: str) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    return moment.astimezone(ZoneInfo(zone)).isoformat(timespec="milliseconds")


def reasons(events: list[Event], name: Name, since: int, at: int) -> tuple[int | None, list[str]]:
    """Since when a clock stands still, by which of the case's pauses that have no end; of those all, whenever they begin."""
    kpi, case_id = name
    if kpi != "turnaround_time":
        return None, []
    case = merge(events, EVER_MS)[case_id]
    found = [
        (max(said.time, since), REASONS[begin])
        for begin, (end, per) in ENDS.items()
        for said in case.all(begin)
        if said.data[per] not in {over.data[per] for over in case.all(end)}
    ]
    first = min((begun for begun, _ in found), default=EVER_MS)
    return (None, []) if at < first else (first, list(dict.fromkeys(reason for _, reason in found)))


def expected(
    events: list[Event], name: Name, opened: Open, lender: Lender, at: int, wording: str
) -> dict[str, Any]:
    kpi, case_id = name
    zone = lender.branch_zones.get(opened.group.branch, lender.zone)
    since, why = reasons(events, name, opened.since, at)
    due = opened.due
    lending = case_id.kind in ("loan", "query", "complaint")
    return {
        "kind": case_id.kind, "key": case_id.key, "subject": case_id.subject, "kpi": kpi, "wording": wording,
        "band": opened.band, "zone": zone, "since": local(opened.since, zone),
        "due": None if due is None else local(due, zone), "target_ms": opened.target, "used_ms": opened.used,
        "left_ms": opened.target - opened.used, "paused_since": None if since is None else local(since, zone),
        "paused": why, "officer": opened.group.officer, "officer_name": None, "branch": opened.group.branch,
        "branch_name": "Utrecht" if opened.group.branch == "b1" else None,
        "product": opened.group.product if lending else None, "channel": opened.group.channel if lending else None,
    }  # fmt: skip


def as_json(found: CaseList) -> Any:
    return json.loads(msgspec.json.encode(found))


def named(case: Mapping[str, Any]) -> tuple[str, ...]:
    return case["kind"], case["key"], case["subject"], case["kpi"]


def moment(iso: str | None) -> datetime:
    """What never comes is later than all else."""
    return datetime(9999, 1, 1, tzinfo=UTC) if iso is None else datetime.fromisoformat(iso)


def rank(case: Mapping[str, Any]) -> tuple[Any, ...]:
    """Band by band: the worst first, each soonest due first, the paused longest paused first."""
    at = case["paused_since"] if case["band"] == "paused" else case["due"]
    return ORDER.index(case["band"]), moment(at), moment(case["since"]), named(case)


def used_first(case: Mapping[str, Any]) -> tuple[Any, ...]:
    share = (
        case["used_ms"] / case["target_ms"] if case["target_ms"] else float("inf") if case["used_ms"] else 1.0
    )
    return -share, named(case)


async def filled(office: Office, events: list[Event], rng: random.Random) -> None:
    left = list(events)
    while left:
        size = rng.randint(1, 60)
        await office.take(left[:size])
        left = left[size:]
    await office.reach(office.clock.at_ms)


def instants(events: list[Event], lender: Lender, rng: random.Random) -> list[int]:
    """Here and there; and where a case is due, and one ms beside."""
    looked = [rng.randint(nasty.START, nasty.END) for _ in range(3)]
    due = [found.due for at in looked[:1] for found in open_cases(events, at, lender).values()]
    near = [at for at in due if at is not None and at < nasty.END]
    return [*looked, *(rng.choice(near) + beside for beside in (-1, 0, 1) if near)]


@pytest.mark.parametrize(("seed", "zone"), list(enumerate(nasty.ZONES)))
def test_the_list_is_what_a_plain_count_of_the_facts_says(
    seed: int, zone: str, redis_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every open case, its clock, its due time and its order; and however few are asked for, they are the first of all,
    also where few are read at a time."""
    monkeypatch.setattr(listing, "AT_ONCE", 3)
    chosen, rng = settings_of(seed, zone), random.Random(seed)
    lender = lender_of(chosen)
    events = nasty.generate(seed, 250, kinds=KINDS, tz=zone, nastiness=1.0, n_customers=60)

    async def story() -> None:
        async with office_at(redis_url, namespace, organisation_document(chosen), zone=zone) as office:
            await filled(office, events, rng)
            listed = 0
            for at in instants(events, lender, rng):
                wanted = [
                    expected(events, name, opened, lender, at, office.book.rules[name[0]].wording)
                    for name, opened in open_cases(events, at, lender).items()
                ]
                found = as_json(await office.listed(now=at))
                assert {named(case): case for case in found["cases"]} == {
                    named(case): case for case in wanted
                }
                assert found["cases"] == sorted(wanted, key=rank)
                counts = Counter(case["band"] for case in wanted)
                assert found["counts"] == {band: counts[band] for band in ORDER}
                await assert_orders(office, at, wanted, rng)
                listed += len(wanted)
            assert listed > 50

    asyncio.run(story())


async def assert_orders(office: Office, at: int, wanted: list[dict[str, Any]], rng: random.Random) -> None:
    orders: dict[Sort, Any] = {
        "band": rank,
        "used": used_first,
        "since": lambda case: (moment(case["since"]), moment(case["due"]), named(case)),
        "due": lambda case: (moment(case["due"]), moment(case["since"]), named(case)),
        "officer": lambda case: (case["officer"], *rank(case)),
    }
    for sort, order in orders.items():
        ordered = [named(case) for case in sorted(wanted, key=order)]
        for limit in (1, rng.randint(2, 30), None):
            found = as_json(await office.listed(replace(ALL, sort=sort, limit=limit), at))
            assert [named(case) for case in found["cases"]] == ordered[:limit], (sort, limit)
            assert found["more"] == len(ordered) - len(found["cases"])
    for officer in ("o1", "unassigned"):
        found = as_json(await office.listed(Choice(officer=officer, limit=None), at))
        assert [named(case) for case in found["cases"]] == [
            named(case) for case in sorted(wanted, key=rank) if case["officer"] == officer
        ]
