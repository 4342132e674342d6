"""The board's steps: of several one computes; what it stores is whole, fenced, and taken over."""

import asyncio
from typing import Any

import pytest
import redis as plain_redis
from msgspec.structs import replace

from loanpulse.board.board import Board
from loanpulse.board.reader import SnapshotReader
from loanpulse.board.snapshot import Snapshot, SnapshotError, digest, encode_meta
from schemas.registry import TOPICS
from streams.runtime.clock import FixedClock
from streams.runtime.keys import NamespaceKeys
from streams.runtime.script import Client
from streams.runtime.settings import Settings
from streams.runtime.stopping import stop
from tests.board_lab import DAY_MS, NOON, Writer, rulebook_of
from tests.board_scene import GRID, PROGRAM, Scene, on_redis, seen
from tests.exporter_lab import Moment
from tests.waiting import until

pytestmark = pytest.mark.servers

SHORT_MS = 60
"""A lease that ends before anybody notices."""


def new_board(scene: Scene, clock: Any = None, lease_ms: int = 60_000) -> Board:
    settings = Settings(namespace=scene.namespace)
    return Board(settings, rulebook_of(PROGRAM), scene.redis, clock or FixedClock(NOON), lease_ms)


def reader(scene: Scene) -> SnapshotReader:
    return SnapshotReader(scene.redis, scene.namespace)


async def stored(scene: Scene) -> Snapshot:
    """The board as a fresh reader finds it."""
    snapshot = await reader(scene).read()
    assert snapshot is not None
    return snapshot


def counted(snapshot: Snapshot, window: str = "1h") -> int:
    """The organisation's n of the rule `count`."""
    [row] = [row for row in snapshot.blocks["count"].rows() if row.window == window and not row.group]
    return row.n


async def is_free(scene: Scene) -> bool:
    """Whether no board has the lease."""
    return not await reader(scene).is_computed()


async def live(scene: Scene) -> Writer:
    """A ledger for each topic, all complete through NOON; the writer of the first."""
    writers = [await scene.writer(topic) for topic in TOPICS]
    for writer in writers:
        await writer.commit([], through_ms=NOON)
    return writers[0]


@on_redis
async def test_of_two_boards_one_computes(scene: Scene) -> None:
    await live(scene)
    first, second = new_board(scene), new_board(scene)
    assert [await first.step(), await second.step(), await first.step()] == [True, False, True]


@on_redis
async def test_what_is_stored_says_from_when_to_when_and_what_it_is_worth(scene: Scene) -> None:
    writer = await live(scene)
    await writer.commit([seen()], through_ms=NOON - 5, applied=1)
    await new_board(scene).step()
    snapshot = await stored(scene)
    meta = snapshot.meta
    assert (meta.as_of_ms, meta.to_ms, meta.computed_at_ms) == (NOON, GRID.end(NOON), NOON)
    assert (meta.complete_through_ms, meta.rules, meta.events["applied"]) == (NOON - 5, PROGRAM.digest, 1)
    assert list(snapshot.blocks) == [rule.id for rule in PROGRAM.rules]
    frames = {frame.window: frame for frame in snapshot.blocks["count"].frames}
    assert (frames["24h"].from_ms, frames["24h"].to_ms) == (GRID.end(NOON) - DAY_MS, GRID.end(NOON))
    assert counted(snapshot) == 1


@on_redis
async def test_the_next_snapshot_has_what_was_committed_since(scene: Scene) -> None:
    writer, board, kept = await live(scene), new_board(scene), reader(scene)
    await board.step()
    before = await kept.read()
    await writer.commit([seen()])
    await board.step()
    after = await kept.read()
    assert before is not None
    assert after is not None
    assert (counted(before), counted(after)) == (0, 1)
    assert after.blocks["revenue"] is before.blocks["revenue"]  # unchanged, so not read again


@on_redis
async def test_a_ledger_that_appears_is_taken_in_and_one_that_goes_is_left_out(scene: Scene) -> None:
    writer, board = await live(scene), new_board(scene)
    await writer.commit([seen()])
    await board.step()
    more = await scene.writer("loan-events-more")
    await more.commit([seen()], through_ms=NOON - 9)
    await board.step()
    snapshot = await stored(scene)
    assert (counted(snapshot), snapshot.meta.complete_through_ms) == (2, NOON - 9)
    await scene.redis.execute_command("SREM", NamespaceKeys(scene.namespace).ledgers, "loan-events-more/0")
    await board.step()
    snapshot = await stored(scene)
    assert (counted(snapshot), snapshot.meta.complete_through_ms) == (1, NOON)


@on_redis
async def test_a_topic_without_a_ledger_is_said_to_be_missing(scene: Scene) -> None:
    await (await scene.writer()).commit([seen()], through_ms=NOON)
    await new_board(scene).step()
    meta = (await stored(scene)).meta
    assert meta.complete_through_ms is None
    assert len(meta.incomplete) == len(TOPICS) - 1


@on_redis
async def test_windows_move_with_the_clock_alone(scene: Scene) -> None:
    writer, clock = await live(scene), Moment()
    await writer.commit([seen()])
    board = new_board(scene, clock)
    await board.step()
    assert counted(await stored(scene)) == 1
    clock.at += DAY_MS
    await board.step()
    snapshot = await stored(scene)
    assert (counted(snapshot), counted(snapshot, "7d")) == (0, 1)


@on_redis
async def test_another_board_takes_over_when_the_lease_ends(scene: Scene) -> None:
    await live(scene)
    first, second = new_board(scene, lease_ms=SHORT_MS), new_board(scene)
    assert await first.step()
    await until(second.step)
    assert not await first.step()


class Thief:
    """A clock that is read while a board computes; that is when another process takes the lease."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    def now_ms(self) -> int:
        with plain_redis.Redis.from_url(self._url) as client:
            client.set(self._key, "another process")
        return NOON


def test_a_board_that_lost_its_lease_meanwhile_writes_nothing(redis_url: str, namespace: str) -> None:
    keys = NamespaceKeys(namespace)

    async def tell(scene: Scene) -> None:
        writer = await live(scene)
        assert await new_board(scene, lease_ms=SHORT_MS).step()
        before = await everything_of_the_board(scene.redis, keys)
        await until(lambda: is_free(scene))
        await writer.commit([seen()])
        assert not await new_board(scene, Thief(redis_url, keys.board_lease)).step()
        assert await everything_of_the_board(scene.redis, keys) == before

    on_redis(tell)(redis_url, namespace)


async def everything_of_the_board(redis: Client, keys: NamespaceKeys) -> tuple[Any, Any]:
    return (
        await redis.execute_command("GET", keys.board_meta),
        await redis.execute_command("HGETALL", keys.board_rows),
    )


@on_redis
async def test_what_is_stored_is_of_the_documented_types(scene: Scene) -> None:
    await live(scene)
    await new_board(scene).step()
    keys = NamespaceKeys(scene.namespace)
    kinds = [
        (await scene.redis.execute_command("TYPE", key)).decode()
        for key in (keys.board_lease, keys.board_meta, keys.board_rows)
    ]
    assert kinds == ["string", "string", "hash"]


@pytest.mark.parametrize("lost", [["FLUSHALL"], ["DEL", "meta"], ["SET", "meta", "of another"]])
def test_a_snapshot_that_was_lost_or_replaced_is_stored_anew_as_a_whole(
    redis_url: str, namespace: str, lost: list[str]
) -> None:
    async def tell(scene: Scene) -> None:
        board = new_board(scene)
        await live(scene)
        await board.step()
        key = NamespaceKeys(namespace).board_meta
        await scene.redis.execute_command(*(key if word == "meta" else word for word in lost))
        assert await board.step()
        assert list((await stored(scene)).blocks) == [rule.id for rule in PROGRAM.rules]

    on_redis(tell)(redis_url, namespace)


@on_redis
async def test_a_rule_that_is_gone_leaves_the_stored_board(scene: Scene) -> None:
    await live(scene)
    rows = NamespaceKeys(scene.namespace).board_rows
    await scene.redis.execute_command("HSET", rows, "an_old_rule", b"x")
    await new_board(scene).step()
    assert not await scene.redis.execute_command("HEXISTS", rows, "an_old_rule")


@on_redis
async def test_a_reader_never_mixes_two_snapshots(scene: Scene) -> None:
    await live(scene)
    await new_board(scene).step()
    rows = NamespaceKeys(scene.namespace).board_rows
    blocks = await scene.redis.execute_command("HMGET", rows, "count", "revenue")
    await scene.redis.execute_command("HSET", rows, "count", blocks[1])
    assert await reader(scene).read() is None


@pytest.mark.parametrize("key", ["board_meta", "board_rows"])
def test_what_another_version_stored_is_an_error_that_says_so(
    redis_url: str, namespace: str, key: str
) -> None:
    async def tell(scene: Scene) -> None:
        await live(scene)
        await new_board(scene).step()
        name = getattr(NamespaceKeys(namespace), key)
        if key == "board_meta":
            await scene.redis.execute_command("SET", name, b'{"version":2}')
        else:
            await forge(scene, name)
        with pytest.raises(SnapshotError, match="run one version of LoanPulse"):
            await reader(scene).read()

    on_redis(tell)(redis_url, namespace)


async def forge(scene: Scene, rows: str) -> None:
    """A block that the meta names, but in another form."""
    other = b"another form"
    meta = (await stored(scene)).meta
    forged = encode_meta(replace(meta, digests=meta.digests | {"count": digest(other)}))
    await scene.redis.execute_command("HSET", rows, "count", other)
    await scene.redis.execute_command("SET", NamespaceKeys(scene.namespace).board_meta, forged)


@on_redis
async def test_a_board_that_is_stopped_gives_the_lease_back(scene: Scene) -> None:
    await live(scene)
    running = asyncio.create_task(new_board(scene).run())
    kept = reader(scene)
    await until(kept.is_computed)
    await stop(running)
    assert not await kept.is_computed()
    assert await new_board(scene).step()
