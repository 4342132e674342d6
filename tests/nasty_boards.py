"""Nasty streams, the boards that the engine makes of them, and how boards are held against the recount's."""

import random
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from streams.calculus.windows import DAY_MS, HOUR_MS, MINUTES_KEPT_MS, Grid
from tests.engine import MemoryLedger, board_rows, partition_of, program_of_recount
from tests.oracle import streams as nasty
from tests.oracle.facts import time_ms
from tests.oracle.kpis import LENDING
from tests.oracle.recount import recount
from tests.oracle.stories import EVERY_STORY, FUNDINGS, STORIES

Span = tuple[int, int]
SPRING = (time_ms("2025-05-20T00:00:00Z"), nasty.END)
AUTUMN = (time_ms("2025-01-10T00:00:00Z"), time_ms("2026-02-20T12:00:00Z"))
ZONES = {
    "Europe/Amsterdam": AUTUMN,
    "Asia/Kolkata": SPRING,
    "Asia/Kathmandu": AUTUMN,
    "America/New_York": SPRING,
}
"""The zones in which every figure is compared, each with the year that its story is told of."""
CROWDED = (*STORIES, *["loan"] * 8, *["query", "complaint", "lead"] * 3, "offer", *["staff"] * 6)
"""Kinds of cases, those that have most to go wrong more often."""
SEED = 8
"""Of streams that together hold every nasty case, each with something in every figure."""
PERCENTILES = ("p50", "p90", "p95")
TOLERANCE = 0.011

Key = tuple[Any, ...]
Event = dict[str, Any]
Rows = Sequence[dict[str, Any]]


class Story(NamedTuple):
    """Events as they arrive, what they are looked at from, and the organisation's settings as the recount takes them."""

    arrival: list[Event]
    looked_from: list[int]
    chosen: dict[str, Any]


def story_of(seed: int, zone: str, nastiness: float) -> Story:
    """A short story of any kinds of cases."""
    events = nasty.generate(seed, 60, tz=zone, nastiness=nastiness)
    looked_from = nasty.instants_to_look_from(events, seed, 2, zone)
    return Story(arriving(events, seed), looked_from, nasty.settings(seed, zone))


@cache
def crowded(seed: int, zone: str, span: Span) -> Story:
    """A story that has something in every measure, window and dimension, looked at from edges and from its end."""
    start, end = span
    befores = [end - ago for ago in (HOUR_MS, DAY_MS, 10 * DAY_MS, 35 * DAY_MS)]  # for sales to grow from
    rushes = [(end, EVERY_STORY), *((before, FUNDINGS) for before in befores)]
    events = nasty.generate(
        seed, 240, kinds=CROWDED, start=start, end=end, tz=zone, nastiness=1.0,
        rushes=[(at - HOUR_MS + 1, at, stories) for at, stories in rushes],
    )  # fmt: skip
    looked_from = [*nasty.edges_to_look_from(seed, *span, zone), span[1]]
    return Story(arriving(events, seed), looked_from, nasty.settings(seed, zone))


def arriving(events: list[Event], seed: int) -> list[Event]:
    """A quarter of them twice, in any order."""
    rng = random.Random(seed)
    arrival = events + rng.sample(events, len(events) // 4)
    rng.shuffle(arrival)
    return arrival


def engine_rows(story: Story, as_of: int, grid: Grid, rng: random.Random) -> list[Event]:
    """The board after the events came in batches of random sizes, each to its partition."""
    program, partitions = program_of_recount(story.chosen), rng.choice([1, 3, 8])
    minutes_from = None if grid.minutes_kept_ms is None else as_of - MINUTES_KEPT_MS - DAY_MS
    ledgers = [MemoryLedger(program, grid, minutes_from) for _ in range(partitions)]
    shares: list[list[Event]] = [[] for _ in range(partitions)]
    for event in story.arrival:
        if time_ms(event["time"]) <= as_of:
            shares[partition_of(event, partitions)].append(event)
    for ledger, share in zip(ledgers, shares, strict=True):
        while share:
            size = rng.randint(1, 50)
            ledger.apply(share[:size])
            share = share[size:]
    return board_rows(ledgers, as_of)


def dimension_of(row: Event) -> str | None:
    """What a row is one member of; None for the organisation's own, split or not."""
    return next((name for name in LENDING if name in row["group"]), None)


def by_key(rows: Rows) -> dict[Key, Event]:
    """Rows by what they are about: all of the organisation, of a member those that hold something."""
    found = {}
    for row in rows:
        if row["n"] or row["denominator"] or dimension_of(row) is None:
            found[row["kpi"], row["window"], tuple(sorted(row["group"].items()))] = row
    return found


def assert_equal(got: Rows, wanted: Rows) -> None:
    ours, theirs = by_key(got), by_key(wanted)
    assert ours.keys() == theirs.keys()
    for key, row in theirs.items():
        for name, value in row.items():
            if name == "sum" and value is None:
                continue  # the recount states a sum only where the catalogue asks for one
            if value is not None and name in (*PERCENTILES, "value"):
                near = TOLERANCE if row["p90"] is not None else 1e-12
                assert abs(ours[key][name] - value) <= near * abs(value), (key, name)
            else:
                assert ours[key][name] == value, (key, name)


def checked_as_of(story: Story, as_of: int, rng: random.Random) -> Rows:
    """The recount's rows, once a replay's board at an instant has been found equal to them, to the ms."""
    grid = Grid.as_of(as_of, program_of_recount(story.chosen).zone)
    wanted = recount(story.arrival, as_of, **story.chosen)
    assert_equal(engine_rows(story, as_of, grid, rng), wanted)
    return wanted


def check_live(story: Story, now: int, rng: random.Random) -> None:
    """The live board: the windows end and begin on pane edges."""
    live = Grid.live(program_of_recount(story.chosen).zone)
    to = live.end(now)
    wanted = recount(
        story.arrival,
        to - 1,
        **story.chosen,
        edges=lambda window: (live.window(window, to), live.before(window, to)),
    )
    assert_equal(engine_rows(story, to - 1, live, rng), wanted)
