"""The stream equals the batch: any order, repetition, partitioning and batching give the recount's board, exactly."""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import product

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from streams.calculus.windows import WINDOWS, Grid
from tests.engine import MemoryLedger, program_of_recount
from tests.nasty_boards import (
    AUTUMN,
    SEED,
    SPRING,
    ZONES,
    Key,
    Rows,
    check_live,
    checked_as_of,
    crowded,
    dimension_of,
    story_of,
)
from tests.oracle import streams as nasty
from tests.oracle.kpis import KPIS
from tests.oracle.nasty_cases import OF_CLOCK_CHANGES, SHAPES, nasty_cases

MORE_ZONES = (*ZONES, "UTC", "Australia/Lord_Howe")
WITHOUT_CLOCK_CHANGES = ("Asia/Kolkata", "Asia/Kathmandu")


def figures(rows: Rows) -> Iterator[Key]:
    """(measure, window, dimension) of rows that have a value of something."""
    for row in rows:
        if row["n"] and row["value"] is not None:
            yield row["kpi"], row["window"], dimension_of(row)


EVERY_FIGURE = {
    (kpi, window, dimension)
    for kpi, rule in KPIS.items()
    for window in (("now",) if rule.kind == "level" else WINDOWS)
    for dimension in (None, *rule.by)
}


def test_there_are_forty_nine_measures_in_nine_windows() -> None:
    assert len(KPIS) == 49
    assert len({kpi.partition(".")[0] for kpi in KPIS}) == 40
    assert len({window for _, window, _ in EVERY_FIGURE}) == 10


@pytest.mark.parametrize("zone", ZONES)
def test_every_measure_window_and_dimension_is_the_recounts(zone: str) -> None:
    """All are compared with something in them: no equality of nothings."""
    story, rng = crowded(SEED, zone, ZONES[zone]), random.Random(SEED)
    compared = {figure for at in story.looked_from for figure in figures(checked_as_of(story, at, rng))}
    check_live(story, story.looked_from[-1], rng)
    assert compared >= EVERY_FIGURE


def test_these_streams_hold_every_nasty_case() -> None:
    found: Counter[str] = Counter()
    for zone, span in ZONES.items():
        found += nasty_cases(*crowded(SEED, zone, span))
    assert [shape for shape in SHAPES if not found[shape]] == []


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_more_streams_of_each_zone_give_the_recount_and_hold_every_nasty_case(zone: str) -> None:
    """Stories of two years, that end in spring and in autumn."""
    found: Counter[str] = Counter()
    for seed, span in product((0, 1, 12), (SPRING, AUTUMN)):
        story, rng = crowded(seed, zone, span), random.Random(seed)
        for at in story.looked_from:
            checked_as_of(story, at, rng)
        for at in (story.looked_from[0], story.looked_from[-1]):
            check_live(story, at, rng)
        found += nasty_cases(*story)
    missing = {shape for shape in SHAPES if not found[shape]}
    assert missing <= (OF_CLOCK_CHANGES if zone in WITHOUT_CLOCK_CHANGES else set())


# a seed does not shrink: a smaller one is another story
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


@pytest.mark.slow
@settings(max_examples=50, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 10**6),
    zone=st.sampled_from(MORE_ZONES),
    nastiness=st.sampled_from([0.0, 1.0, 2.5]),
)
def test_any_stream_gives_the_recount(seed: int, zone: str, nastiness: float) -> None:
    rng, story = random.Random(seed), story_of(seed, zone, nastiness)
    as_of, now = story.looked_from
    checked_as_of(story, as_of, rng)
    check_live(story, now, rng)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_arrival_leaves_no_trace_in_cases_clients_or_panes(seed: int) -> None:
    rng = random.Random(seed)
    events = nasty.generate(seed, 40, nastiness=2.0)
    program = program_of_recount(nasty.settings(seed))
    ledgers = []
    for _ in range(2):
        rng.shuffle(events)
        ledger = MemoryLedger(program, Grid.live(program.zone))
        ledger.apply(events[:30])
        ledger.apply(events[30:])
        ledgers.append(ledger)
    one, other = ledgers
    assert one.cells() == other.cells()
    assert one.state() == other.state()


def test_a_retraction_of_everything_leaves_nothing() -> None:
    events = nasty.generate(7, 80, nastiness=0.0)
    revisable = [event for event in events if event["type"] != "loan.status_reported"]
    back = [event | {"retracted": True, "revision": 1_000} for event in revisable]
    program = program_of_recount(nasty.settings(7))
    ledger = MemoryLedger(program, Grid.live(program.zone))
    ledger.apply(revisable)
    assert ledger.cells()
    ledger.apply(back)
    assert ledger.cells() == {}
