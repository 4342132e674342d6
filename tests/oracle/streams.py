"""A seeded generator of nasty event streams, nasty settings and nasty instants to look at them from."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.oracle.business_time import OFFICE_HOURS, local_date
from tests.oracle.distort import distortions
from tests.oracle.facts import time_ms
from tests.oracle.instants import DEADLINES, Instants, clock_changes, month_edges
from tests.oracle.speaker import Event, Speaker
from tests.oracle.stories import STORIES, Story
from tests.oracle.windows import HOUR_MS

START = time_ms("2025-12-20T00:00:00Z")
END = time_ms("2026-06-10T00:00:00Z")
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
)
LONG_DAY = [["00:00", "02:30"], ["06:00", "12:00"], ["13:00", "24:00"]]
NIGHT = [["00:00", "01:30"], ["01:45", "02:30"], ["03:00", "24:00"]]
ROUND_THE_CLOCK = [["00:00", "24:00"]]
HOLIDAYS = ["2025-10-03", "2025-12-26", "2026-01-01", "2026-02-16", "2026-04-06", "2026-05-01"]


Rush = tuple[int, int, Sequence[Story]]
"""Stories that all happen in [start, end] ms."""


def generate(
    seed: int,
    n_cases: int,
    *,
    kinds: Iterable[str] = tuple(STORIES),
    start: int = START,
    end: int = END,
    tz: str = "UTC",
    nastiness: float = 1.0,
    n_customers: int | None = None,
    n_officers: int = 4,
    n_branches: int = 3,
    shuffle: bool = True,
    rushes: Iterable[Rush] = (),
) -> list[Event]:
    """Valid CloudEvents of `n_cases` stories, drawn evenly from `kinds`, times within [start, end] ms.

    `tz`: the zone whose midnights, hours and clock changes attract times. `nastiness`: 0 tells each fact
    once, 1 repeats, contradicts, revises and retracts many. Few customers (default n_cases / 4) make cases
    collide. `rushes`: what happens besides, which fills short windows.
    The same arguments give the same events. A status report is repeated, but never said in two ways.
    """
    rng = random.Random(seed)
    all_along, names = Instants(rng, start, end, tz), sorted(kinds)
    told = [(all_along, STORIES[rng.choice(names)]) for _ in range(n_cases)]
    for begin, over, stories in rushes:
        hurried = Instants(rng, begin, over, tz)
        told += [(hurried, story) for story in stories]
    speaker = Speaker(rng, all_along, n_customers or max(2, n_cases // 4), n_officers, n_branches)
    events: list[Event] = []
    for speaker.instants, story in told:
        for event in list(story(speaker)):
            events += [event, *distortions(speaker, event, nastiness)]
    if shuffle:
        rng.shuffle(events)
    return events


def settings(seed: int, tz: str = "UTC", n_branches: int = 3) -> dict[str, Any]:
    """Arguments of `recount` (and of the replay's config): calendars, holidays, targets, a system user."""
    rng = random.Random(f"{seed} {tz}")
    weekly = rng.choice((OFFICE_HOURS, {"mon": LONG_DAY, "thu": [["09:00", "17:00"]], "sun": NIGHT}))
    whole: dict[str, Any] = {"weekly": weekly, "holidays": HOLIDAYS, "tz": tz}
    branches: list[dict[str, Any]] = [
        {"weekly": {"sat": [["08:00", "12:00"], ["12:00", "20:15"]], "tue": [["22:00", "24:00"]]}},
        {"weekly": {"fri": ROUND_THE_CLOCK, "sat": NIGHT, "sun": ROUND_THE_CLOCK}},
        {"tz": rng.choice(ZONES)},
        {"holidays": ["2026-03-30", "2026-02-02"], "tz": rng.choice(ZONES)},
    ]
    chosen: dict[str, Any] = {
        "zone": tz,
        "calendar": {name: value for name, value in whole.items() if rng.random() < 0.8},
        "branch_calendars": {
            f"b{n}": calendar
            for n, calendar in enumerate(rng.sample(branches, len(branches))[:n_branches])
            if rng.random() < 0.7
        },
        "targets": {"response_time": rng.randint(0, 20_000_000)} if rng.random() < 0.5 else {},
        "system_users": ["robot"],
    }
    return chosen


def instants_to_look_from(events: Sequence[Event], seed: int, count: int, tz: str = "UTC") -> list[int]:
    """UTC ms at which something happens to these events' windows or deadlines, or one ms beside that.

    One in three is the midnight in `tz` that begins a month, every third of them a quarter.
    """
    rng = random.Random(seed)
    times = sorted(time_ms(event["time"]) for event in events) or [START]
    spans = (0, 0, *DEADLINES)
    edges = month_edges(times[0], times[-1], tz)

    def one() -> int:
        if edges and rng.random() < 1 / 3:
            return rng.choice(edges)
        return rng.choice(times) + rng.choice(spans)

    return [one() + rng.choice((-1, 0, 1)) for _ in range(count)]


def edges_to_look_from(seed: int, start: int, end: int, tz: str) -> list[int]:
    """UTC ms at which windows turn over: beside a quarter's edge, beside another month's, on the day of a clock change.

    A zone without clock changes has only the first two.
    """
    rng = random.Random(seed)
    edges = month_edges(start, end, tz)
    quarters = [edge for edge in edges if local_date(edge, tz).month % 3 == 1]
    looked_from = [
        rng.choice(quarters) + rng.choice((-1, 0, 1)),
        rng.choice(sorted(set(edges) - set(quarters))) + rng.choice((-1, 0, 1)),
    ]
    if changes := clock_changes(start, end, tz):
        looked_from.append(rng.choice(changes) + rng.randint(0, 20) * HOUR_MS)
    return looked_from


def smallest(events: Sequence[Event], fails: Callable[[list[Event]], bool]) -> list[Event]:
    """A sub-list of failing events that still fails, and of which no single event can be spared."""
    kept, size = list(events), max(1, len(events) // 2)
    while True:
        before = len(kept)
        for at in reversed(range(0, len(kept), size)):
            without = kept[:at] + kept[at + size :]
            if fails(without):
                kept = without
        if size == 1 and len(kept) == before:
            return kept
        size = max(1, size // 2)


def event_streams(max_cases: int = 12, **fixed: Any) -> st.SearchStrategy[list[Event]]:
    """The generator as a hypothesis strategy: seed, size, kinds, zone and nastiness vary unless fixed."""
    free: Mapping[str, st.SearchStrategy[Any]] = {
        "seed": st.integers(0, 2**32 - 1),
        "n_cases": st.integers(1, max_cases),
        "kinds": st.sets(st.sampled_from(sorted(STORIES)), min_size=1),
        "tz": st.sampled_from(ZONES),
        "nastiness": st.sampled_from((0.0, 0.5, 1.0, 3.0)),
    }
    given = {name: st.just(value) for name, value in fixed.items()}
    return st.builds(generate, **{**free, **given})
