"""The board's tables against real ledgers: what is committed, compacted, rebuilt or torn is in the sums, or is said not to be."""

import asyncio
from typing import Any

import pytest

from loanpulse.board.plan import Plan
from loanpulse.board.ticks import batch_board
from streams.calculus.panes import BUCKET_BITS, encode
from streams.calculus.windows import Grid
from streams.runtime.ledger_reader import LedgerReader
from streams.runtime.redis_client import connect
from streams.runtime.settings import Settings
from tests.board_lab import DAY_MS, MINUTE_MS, NOON, Writer
from tests.board_scene import GRID, PROGRAM, Scene, on_redis, seen

pytestmark = pytest.mark.servers


@on_redis
async def test_what_ledgers_commit_is_in_the_sums(scene: Scene) -> None:
    first, second = await scene.writer(), await scene.writer("staff-activity")
    await first.commit([seen(), seen(officer="ben")], applied=2)
    await second.commit(
        [seen(), seen(NOON - 40 * DAY_MS)], applied=3, dead_letter=1, **{"dead_letter:invalid": 1}
    )
    meta = await scene.tick()
    assert (scene.count(), scene.count(officer="ann"), scene.count(officer="ben")) == (3, 2, 1)
    assert scene.count("90d") == 4
    assert meta.events == {
        "applied": 5, "duplicate": 0, "dead_letter": 1, "expired": 0, "dead_letter:invalid": 1,
    }  # fmt: skip
    assert not meta.incomplete


@on_redis
async def test_only_what_is_new_is_read_again(scene: Scene) -> None:
    writer = await scene.writer()
    await writer.commit([seen()])
    await scene.tick()
    assert scene.ticks.rows == 2
    await writer.commit([seen(), seen(NOON - MINUTE_MS)])
    result = await scene.ticks.tick()
    assert set(result.blocks) == {"count"}
    assert result.blocks["count"].frames[0].n[0] == 3
    assert scene.ticks.rows == 5
    assert not (await scene.ticks.tick()).blocks


@on_redis
async def test_a_retraction_takes_back_what_was_counted(scene: Scene) -> None:
    writer = await scene.writer()
    await writer.commit([seen(), seen(officer="ben")])
    await scene.tick()
    observation, _ = seen(officer="ben")
    await writer.commit([(observation, -1)])
    await scene.tick()
    assert (scene.count(), scene.count(officer="ben")) == (1, None)


@on_redis
async def test_a_compacted_pane_is_read_anew_and_counts_once(scene: Scene) -> None:
    writer = await scene.writer()
    await writer.commit([seen(), seen(officer="ben")])
    await writer.commit([seen()])
    await scene.tick()
    pull = await writer.ledger.pull()
    [pane] = [pane for pane in pull.panes if pane.pane.startswith("m")]
    rows = encode({0: (2, 2, 0), 1 << BUCKET_BITS: (1, 1, 0)})
    assert await writer.ledger.compact(writer.owner, writer.version, pane.pane, pane.length, rows)
    before = scene.ticks.rows
    await scene.tick()
    assert scene.ticks.rows == before - 1
    assert (scene.count(), scene.count(officer="ann")) == (3, 2)


@on_redis
async def test_another_version_of_these_rules_replaces_the_ledgers_rows(scene: Scene) -> None:
    writer, other = await scene.writer(), await scene.writer(partition=1)
    await writer.commit([seen(), seen()])
    await other.commit([seen()])
    await scene.tick()
    await writer.flip(f"{PROGRAM.digest}.2")
    await writer.commit([seen(officer="ben")])
    meta = await scene.tick()
    assert (scene.count(), scene.count(officer="ann"), scene.count(officer="ben")) == (2, 1, 1)
    assert not meta.incomplete


@on_redis
async def test_a_ledger_of_other_rules_is_rebuilding_and_in_no_sum(scene: Scene) -> None:
    writer, other = await scene.writer(), await scene.writer("staff-activity", version="0123456789abcdef.1")
    await writer.commit([seen()])
    await other.commit([seen()])
    meta = await scene.tick()
    assert scene.count() == 1
    assert [ledger.state for ledger in meta.ledgers] == ["idle", "rebuilding"]
    assert meta.complete_through_ms is None
    assert meta.incomplete == ["staff-activity/0 is being rebuilt for these rules"]
    await other.flip(f"{PROGRAM.digest}.1")
    await other.commit([seen()])
    meta = await scene.tick()
    assert (scene.count(), meta.complete_through_ms, meta.incomplete) == (2, NOON, [])


@on_redis
async def test_a_torn_ledger_keeps_the_sums_of_before_and_says_so(scene: Scene) -> None:
    writer = await scene.writer()
    await writer.commit([seen()])
    await scene.tick()
    await scene.redis.execute_command(
        "HSET", writer.ledger.keys.head, "applying", "1", "through_ms", NOON + 9
    )
    pane = writer.ledger.keys.version(writer.version).panes + f"m{GRID.minute(NOON)}"
    await scene.redis.execute_command("APPEND", pane, b"\0" * 32)
    meta = await scene.tick()
    assert (scene.count(), meta.ledgers[0].state, meta.complete_through_ms) == (1, "torn", NOON)
    assert meta.incomplete == ["loan-events/0 was cut off half-way and waits to be rebuilt"]


@on_redis
async def test_complete_through_is_the_least_and_unknown_if_one_ledger_has_none(scene: Scene) -> None:
    first, second = await scene.writer(), await scene.writer("staff-activity")
    await first.tick(NOON)
    assert (await scene.tick()).complete_through_ms is None
    await second.tick(NOON - 7)
    meta = await scene.tick()
    assert meta.complete_through_ms == NOON - 7
    assert [ledger.state for ledger in meta.ledgers] == ["live", "live"]


@on_redis
async def test_partitions_and_topics_without_a_ledger_are_missed(scene: Scene) -> None:
    scene.new_ticks(topics=["loan-events", "staff-activity"])
    writer = await scene.writer(partitions=2)
    await writer.tick(NOON)
    meta = await scene.tick()
    assert meta.complete_through_ms is None
    assert meta.incomplete == [
        "loan-events/1 has not been opened by any worker",
        "staff-activity/0 has not been opened by any worker",
    ]


@on_redis
async def test_an_accepted_gap_marks_the_windows_that_it_touches(scene: Scene) -> None:
    writer = await scene.writer()
    await writer.commit([seen()], through_ms=NOON - 2 * DAY_MS)
    source = (await writer.ledger.head()).source
    assert source is not None
    await writer.ledger.accept_gap(source, 99, NOON - 2 * DAY_MS + 5, "disk lost")
    meta = await scene.tick()
    assert [(gap.from_ms, gap.to_ms, gap.note) for gap in meta.gaps] == [
        (NOON - 2 * DAY_MS, NOON - 2 * DAY_MS + 5, "disk lost")
    ]
    assert [frame.window for frame in scene.blocks["count"].frames if frame.complete] == [
        "1h",
        "24h",
        "today",
        "month",
    ]


@on_redis
async def test_panes_that_no_window_reaches_are_not_read_and_not_kept(scene: Scene) -> None:
    writer = await scene.writer()
    await writer.commit([seen(NOON - 600 * DAY_MS), seen(NOON - 31 * DAY_MS)])
    reach = Plan(GRID, GRID.end(NOON)).reach
    await scene.feed.pull(reach)
    assert scene.ticks.rows == 2  # of the recent one a minute and a day
    await writer.commit([seen(NOON - 600 * DAY_MS)])
    await scene.feed.pull(reach)
    assert scene.ticks.rows == 2
    plan = Plan(GRID, GRID.end(NOON + 2 * DAY_MS))
    scene.feed.forget(plan.reach)
    assert scene.ticks.rows == 1


@on_redis
async def test_an_emptied_redis_empties_the_board(scene: Scene) -> None:
    await (await scene.writer()).commit([seen()])
    await scene.tick()
    assert scene.count() == 1
    await scene.redis.execute_command("FLUSHALL")
    meta = await scene.tick()
    assert (scene.count(), scene.ticks.rows, meta.ledgers) == (0, 0, [])


@on_redis
async def test_an_interrupted_pull_is_made_good_by_the_next(scene: Scene) -> None:
    writer = await scene.writer()
    await writer.commit([seen(), seen(NOON - DAY_MS)])
    await scene.tick()
    await writer.commit([seen(officer=name) for name in ("ben", "eve")])
    source = scene.feed.sources["loan-events", 0]
    working, source.reader = source.reader, Interrupted(scene.redis, scene.namespace, "loan-events", 0)
    with pytest.raises(ConnectionError):
        await scene.tick()
    source.reader = working
    await scene.tick()
    assert (scene.count(), scene.count("7d")) == (3, 4)


class Interrupted(LedgerReader):
    """The connection ends when panes are read."""

    async def read(self, *_: Any) -> list[bytes]:
        raise ConnectionError


def test_a_replays_board_is_exact_to_the_millisecond(redis_url: str, namespace: str) -> None:
    as_of = NOON + 12_345
    grid = Grid.as_of(as_of, PROGRAM.zone)

    async def tell() -> None:
        redis = await connect(redis_url)
        writer = await Writer(redis, namespace, PROGRAM, grid, "loan-events").open()
        edge = as_of - 30 * DAY_MS
        found = [
            seen(as_of),
            seen(as_of + 1),
            seen(edge),
            seen(edge + 1),
            seen(None, measure="defaults", b=1),
        ]
        await writer.commit([*found, seen(edge, measure="revenue", split="EUR", a=5)], through_ms=as_of)
        await redis.aclose()

    asyncio.run(tell())
    snapshot = asyncio.run(batch_board(redis_url, Settings(namespace=namespace), PROGRAM, as_of))
    rows = {(row.kpi, row.window, *row.group.items()): row for row in snapshot.rows()}
    assert rows["count", "30d"].n == 2
    assert rows["count", "90d"].n == 3
    assert rows["revenue", "30d", ("currency", "EUR")].value == 0.0
    assert rows["revenue", "90d", ("currency", "EUR")].value == 5.0
    assert rows["defaults", "1h"].denominator == 1
    assert (snapshot.meta.as_of_ms, snapshot.meta.to_ms, snapshot.meta.complete_through_ms) == (
        as_of,
        as_of + 1,
        as_of,
    )
