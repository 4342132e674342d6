"""The board's open cases: their bands and counts at any instant are those of the cases themselves, however they came in."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loanpulse.board.members import Members
from loanpulse.board.open_figures import open_figures
from loanpulse.board.open_table import OpenTable, OpenTables
from loanpulse.board.table import Tables
from streams.calculus.attribution import SEPARATOR
from streams.calculus.business_time import NEVER_MS
from streams.calculus.open_cases import Band, OpenCase, Span
from streams.calculus.open_log import OpenRow, compacted_log, decode_rows, encode_row, latest, shard_of
from streams.calculus.windows import Grid
from tests.engine import MemoryLedger, cases_of, program_of_recount
from tests.oracle import streams as nasty
from tests.test_watches import STORIES

DUES = st.integers(0, 60)


@st.composite
def rows(draw: st.DrawFn) -> OpenRow:
    """A state of one of a few cases; its spans, if it has any, follow one another."""
    case = draw(st.sampled_from((b"loan\x1fc\x1f1", b"loan\x1fc\x1f2", b"loan\x1fd\x1f3")))
    edges = sorted(draw(st.sets(DUES, max_size=3)))
    begins, ends = [-NEVER_MS, *edges], [*edges, NEVER_MS]
    spans = []
    for begin, end in zip(begins, ends, strict=True):
        marks = sorted(draw(st.lists(DUES | st.just(NEVER_MS), min_size=4, max_size=4)))
        spans.append(Span(begin, end, 10, *marks))
    kept = tuple(spans) if draw(st.integers(0, 4)) else ()
    paused = draw(DUES | st.just(NEVER_MS))
    return OpenRow(
        draw(st.integers(0, 1)),
        case,
        draw(st.integers(0, 3)),
        draw(DUES),
        paused,
        draw(st.integers(0, 3)),
        kept,
    )


def opened(row: OpenRow) -> OpenCase:
    return OpenCase("", row.since, row.paused_since, row.pauses, row.spans)


@settings(deadline=None, max_examples=100)
@given(steps=st.lists(st.tuples(st.lists(rows(), max_size=4), DUES), min_size=1, max_size=8))
def test_bands_are_those_of_the_cases_whatever_came_and_whenever_they_are_looked_at(
    steps: list[tuple[list[OpenRow], int]],
) -> None:
    table, kept = OpenTable(), dict[bytes, OpenRow]()
    seen: Counter[tuple[int, int]] = Counter()
    for come, at in steps:
        for row in come:
            table.set(row, row.group, 0)
            kept[row.case] = row
        changed = table.advance(at)
        found = table.bands()
        bands = {
            (table.case(slot), band, group)
            for slot, band, group in zip(
                found.slots.tolist(), found.band.tolist(), found.group.tolist(), strict=True
            )
        }
        wanted = {
            (case, int(band), row.group)
            for case, row in kept.items()
            if (band := opened(row).band(at)) is not None
        }
        assert bands == wanted
        before, seen = seen, Counter((group, band) for _, band, group in bands)
        assert {cell: n for cell, n in np.ndenumerate(table.count().by_group) if n} == seen
        assert changed or before == seen
    assert len(table) == sum(bool(row.spans) for row in kept.values())


@given(come=st.lists(rows(), max_size=12))
def test_a_compacted_log_has_the_same_open_cases(come: list[OpenRow]) -> None:
    log = b"".join(map(encode_row, come))
    small = compacted_log(log)
    assert list(decode_rows(log)) == come
    still_open = {at: row for at, row in latest(come).items() if row.spans}
    assert latest(decode_rows(small)) == still_open
    assert len(list(decode_rows(small))) == len(still_open)


def test_logs_that_are_dropped_take_their_cases_with_them_and_no_others() -> None:
    tables, members = OpenTables(), Members()
    groups = members.numbers([SEPARATOR.join(("ann", "b", "p", "c", ""))])
    span = Span(-NEVER_MS, NEVER_MS, 10, 5, 7, 10, 11)
    shards: dict[int, list[bytes]] = {}
    for n in range(60):
        row = OpenRow(0, f"loan\x1fc\x1f{n}".encode(), 0, 0, NEVER_MS, 0, (span,))
        shards.setdefault(int(shard_of(row.case)[1:]), []).append(encode_row(row))
    logs = [(shard, b"".join(some)) for shard, some in shards.items()]
    for ledger in (1, 2):
        tables.add(ledger, logs, groups)
    gone = logs[0][0]

    def count() -> int:
        tables.advance(0, {1: 6, 2: 6})
        return sum(len(table) for _, table in tables.of(0))

    assert count() == 120
    tables.drop_shards([(1, gone)])
    assert count() == 120 - len(shards[gone])
    tables.add(1, logs[:1], groups)
    assert count() == 120
    tables.drop_ledgers([2])
    assert tables.advance(0, {1: 6})
    assert count() == 60


@pytest.mark.parametrize("seed", range(6))
def test_figures_are_a_plain_count_over_ledgers_at_each_one_s_own_instant(seed: int) -> None:
    rng, chosen = random.Random(seed), nasty.settings(seed, "Europe/Berlin")
    program = program_of_recount(chosen)
    ledgers = [MemoryLedger(program, Grid.live(program.zone)) for _ in range(2)]
    tables, members, clocks = Tables(len(program.measures)), Members(), dict[int, int]()
    plain: dict[str, list[tuple[OpenCase, Band]]] = {watch.rule.id: [] for watch in program.watches}
    for number, ledger in enumerate(ledgers):
        events = nasty.generate(seed * 2 + number, 60, kinds=STORIES, tz="Europe/Berlin")
        ledger.apply(events)
        tables.add(number, list(ledger.panes.items()), members.numbers(ledger.names))
        clocks[number] = rng.randint(nasty.START + 10**9, nasty.END)
        for (kind, _, _), case in cases_of(events).items():
            for watch in program.watching(kind, None):
                found = watch.opened(case)
                band = None if found is None else found.band(clocks[number])
                if found is not None and band is not None:
                    plain[watch.rule.id].append((found, band))
    for watch in program.watches:
        tables.open.advance(watch.index, clocks)
        figures = open_figures(tables.open, watch.index, watch.rule, members)
        told = plain[watch.rule.id]
        assert dict(_rows(figures.groups, figures.counts)) == _counted(told, watch.rule.dimensions)
        assert figures.oldest_ms == min((found.since for found, _ in told), default=None)
        assert figures.groups[0] == {}


def _rows(
    groups: list[dict[str, str]], counts: list[list[int]]
) -> list[tuple[tuple[tuple[str, str], ...], list[int]]]:
    return [(tuple(group.items()), row) for group, row in zip(groups, counts, strict=True)]


def _counted(
    told: list[tuple[OpenCase, Band]], dimensions: tuple[str, ...]
) -> dict[tuple[tuple[str, str], ...], list[int]]:
    counted: dict[tuple[tuple[str, str], ...], list[int]] = {(): [0] * len(Band)}
    for found, band in told:
        officer, branch, product, *_ = found.group.split(SEPARATOR)
        labels = [("officer", officer), ("branch", branch), ("product", product)]
        for group in ((), *(((name, value),) for name, value in labels if name in dimensions)):
            counted.setdefault(group, [0] * len(Band))[band] += 1
    return counted


def test_the_next_due_time_is_of_those_that_run_and_can_still_be_in_time() -> None:
    program = program_of_recount({})
    (watch,) = [watch for watch in program.watches if watch.rule.id == "response_time"]
    tables, members = OpenTables(), Members()
    groups = members.numbers([SEPARATOR.join(("ann", "b", "p", "c", ""))])
    dues = {"late": (10, NEVER_MS), "paused": (30, 20), "next": (40, NEVER_MS), "later": (50, NEVER_MS)}
    for name, (due, paused) in dues.items():
        row = OpenRow(
            watch.index, name.encode(), 0, 0, paused, 0, (Span(-NEVER_MS, NEVER_MS, due, 5, 7, due, due + 1),)
        )
        tables.add(0, [(0, encode_row(row))], groups)
    tables.advance(watch.index, {0: 25})
    assert open_figures(tables, watch.index, watch.rule, members).next_due_ms == 40
    assert open_figures(OpenTables(), watch.index, watch.rule, members).next_due_ms is None
