"""Counts which nasty cases a stream holds, so that a test can say that none of them is missing."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from tests.oracle.business_time import calendar_of, local_date, wall_ms
from tests.oracle.facts import TYPES, Statement, merge, statement, time_ms
from tests.oracle.instants import clock_changes, month_edges
from tests.oracle.nasty_clients import nasty_of_clients
from tests.oracle.nasty_durations import nasty_of_durations
from tests.oracle.nasty_files import nasty_of_files
from tests.oracle.speaker import Event
from tests.oracle.windows import DAY_MS

MONTHS_LATE_MS = 60 * DAY_MS
FOREVER = 1 << 60
NASTY: dict[str, tuple[str, ...]] = {
    "out of order by months": ("arrives months out of order",),
    "duplicates by id": ("repeated by id", "one id says two things"),
    "the same fact under another id": ("the same fact under another id", "one subject under two keys"),
    "revisions": ("revised", "a second decision", "withdrawn and decided"),
    "retractions": ("retracted", "retracted and revived", "a default denied by a retraction"),
    "reassignments": (
        "reassigned before the decision",
        "reassigned at the instant of the decision",
        "reassigned after the decision",
        "a client whose latest funding is another officer's",
    ),
    "reopened complaints": (
        "reopened and resolved again",
        "reopened and still open",
        "reopened at the instant of a resolution",
        "resolved at the hard limit",
        "resolved a millisecond after the hard limit",
    ),
    "errors found after the decision": (
        "an error found after the decision",
        "an error found before the decision",
    ),
    "clock changes": (
        "a duration over a clock change",
        "a duration over a clock change within opening hours",
        "a duration over opening hours that begin or end in a clock change",
        "looked at in the month of a clock change",
        "looked at on the day of a clock change",
    ),
    "holidays": ("a duration over a holiday",),
    "branch calendars": (
        "a duration by a branch's own calendar",
        "a duration by a calendar of another zone",
    ),
    "overlapping and open pauses": (
        "overlapping pauses",
        "a pause without an end",
        "a pause begun before the submission",
        "a pause that ends before it begins",
    ),
    "answer before question": ("an answer before its question", "a success before its opening"),
    "no officer": ("nobody named", "decided by a program"),
    "two offers": ("two offers of one product", "two offers of one product, the second taken in time"),
    "late funding after a lead's deadline": (
        "a lead funded before it came in",
        "a lead funded within its time",
        "a lead funded after its deadline",
        "a lead funded within its time that arrives after its deadline",
    ),
    "targets": (
        "a duration as long as its target",
        "a duration a millisecond longer than its target",
    ),
    "deadlines": ("a success at its deadline", "a success a millisecond late", "a chance not yet settled"),
    "payoff and default": (
        "paid off before the default",
        "in default before it was paid off",
        "paid off and in default at one instant",
        "in default by a report",
        "paid off while another loan is open",
        "paid off and funded again in time",
        "30 days past due",
        "60 days past due",
        "90 days past due",
    ),
    "clients": ("a client with loans in two currencies", "two fundings of a client at one instant"),
    "month and quarter edges": (
        "an event beside a month's edge",
        "looked at beside a month's edge",
        "looked at beside a quarter's edge",
    ),
}
"""What streams must hold, each with the shapes that it takes."""

SHAPES = tuple(shape for shapes in NASTY.values() for shape in shapes)
OF_CLOCK_CHANGES = frozenset(shape for shape in NASTY["clock changes"] if shape.startswith("looked"))
"""Shapes that only a zone with clock changes has."""


def nasty_cases(
    arrival: Sequence[Event], looked_from: Sequence[int], settings: Mapping[str, Any]
) -> Counter[str]:
    """How often each shape occurs in events as they arrive. `settings`: arguments of `recount`."""
    tz, whole = settings["zone"], settings["calendar"]
    branches = {b: calendar_of(own, whole, tz) for b, own in settings["branch_calendars"].items()}
    cases = list(merge(arrival, FOREVER).values())
    found = Counter([*_of_arrival(arrival), *_of_statements(arrival), *_of_edges(arrival, looked_from, tz)])
    for case in cases:
        found.update(nasty_of_files(case, settings["system_users"]))
        found.update(nasty_of_durations(case, branches, calendar_of(None, whole, tz), tz))
    found.update(nasty_of_clients(cases, arrival, looked_from))
    return found


def _of_arrival(arrival: Sequence[Event]) -> Iterator[str]:
    latest: dict[object, int] = {}
    for event in arrival:
        said = statement(event)
        if latest.setdefault(said.case, said.time) - said.time > MONTHS_LATE_MS:
            yield "arrives months out of order"
        latest[said.case] = max(latest[said.case], said.time)
    texts = Counter(json.dumps(event, sort_keys=True) for event in arrival)
    yield from ("repeated by id" for count in texts.values() if count > 1)


def _of_statements(arrival: Sequence[Event]) -> Iterator[str]:
    facts: dict[object, list[Statement]] = defaultdict(list)
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    for event in arrival:
        said = statement(event)
        facts[said.case, said.type, said.instance].append(said)
        keys[TYPES[said.type].kind, said.subject].add(said.key)
    yield from ("one subject under two keys" for found in keys.values() if len(found) > 1)
    for same in facts.values():
        yield from _of_fact(same)


def _of_fact(same: Sequence[Statement]) -> Iterator[str]:
    """All that is said of one fact."""
    revision = max(s.revision for s in same)
    ids: dict[object, set[bytes]] = defaultdict(set)
    for s in same:
        ids[s.source, s.id].add(s.canonical)
    if any(len(said_as) > 1 for said_as in ids.values()):
        yield "one id says two things"
    if len(ids) > 1:
        yield "the same fact under another id"
    if revision and len(same) > 1:
        yield "revised"
    if any(s.retracted for s in same):
        revived = not any(s.retracted for s in same if s.revision == revision)
        yield "retracted and revived" if revived else "retracted"
    if {s.says("outcome") for s in same} > {"withdrawn"}:
        yield "withdrawn and decided"
    decided = {s.time for s in same if s.type == "application.decided" and s.revision == revision}
    if len(decided) > 1:
        yield "a second decision"


def _of_edges(arrival: Sequence[Event], looked_from: Sequence[int], tz: str) -> Iterator[str]:
    times = [time_ms(event["time"]) for event in arrival]
    edges = month_edges(min(times), max(times) + 400 * DAY_MS, tz)
    beside = {edge + near: local_date(edge, tz).month for edge in edges for near in (-1, 0, 1)}
    yield from ("an event beside a month's edge" for at in times if at in beside)
    for at in looked_from:
        if at in beside:
            yield "looked at beside a month's edge"
            if beside[at] % 3 == 1:
                yield "looked at beside a quarter's edge"
        if clock_changes(at - 30 * DAY_MS, at, tz):
            yield "looked at in the month of a clock change"
        today = local_date(at, tz)
        midnight, next_midnight = wall_ms(today, 0, tz), wall_ms(today + timedelta(days=1), 0, tz)
        if next_midnight - midnight != DAY_MS:
            yield "looked at on the day of a clock change"
