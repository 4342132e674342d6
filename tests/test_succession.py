"""Rules that come into force on a running board: only whole, and with nothing missing on the way."""

import asyncio

import pytest

from loanpulse.board.board import Board
from loanpulse.board.reader import SnapshotReader
from loanpulse.board.snapshot import Snapshot
from schemas.registry import TOPICS
from streams.calculus.panes import Deltas, Groups, Observation
from streams.runtime.in_force import KEPT_MS, RulesInForce
from streams.runtime.keys import NamespaceKeys
from streams.runtime.ledger_values import VersionWrites
from streams.runtime.settings import Settings
from tests.board_lab import NOON, Writer, group, index_of, program, rule, rulebook_of
from tests.board_scene import GRID, PROGRAM, Scene, on_redis, seen
from tests.exporter_lab import Moment

pytestmark = pytest.mark.servers

OLD = rulebook_of(PROGRAM)
OTHER = program(rule("count", wording="Funded twice"), rule("approval"))
NEW = rulebook_of(OTHER)
REWORDED = rulebook_of(program(rule("count", wording="Loans"), rule("revenue"), rule("defaults")))
MOST_STEPS = 200


class Floor:
    """A board over a ledger for each topic, and who looks at it."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.clock = scene, Moment()
        self.board = Board(Settings(namespace=scene.namespace), OLD, scene.redis, self.clock, 60_000)
        self.rules = RulesInForce(scene.redis, scene.namespace)
        self.writers: list[Writer] = []

    async def open(self) -> None:
        self.writers = [await self.scene.writer(topic) for topic in TOPICS]
        for writer in self.writers:
            await writer.commit([seen()])

    async def step(self) -> Snapshot:
        """One step of the board; what is stored then is whole."""
        assert await self.board.step()
        snapshot = await SnapshotReader(self.scene.redis, self.scene.namespace).read()
        assert snapshot is not None
        book = await self.rules.book(snapshot.meta.book)
        assert list(snapshot.blocks) == [one.id for one in book.rules]
        assert snapshot.meta.incomplete == []
        return snapshot

    async def until(self, book: str) -> Snapshot:
        for _ in range(MOST_STEPS):
            snapshot = await self.step()
            if snapshot.meta.book == book:
                return snapshot
        raise AssertionError(f"{book} is never shown")

    async def shown(self, steps: int = 5) -> set[str]:
        """What is shown over some steps."""
        books = set()
        for _ in range(steps):
            books.add((await self.step()).meta.book)
            await asyncio.sleep(0.01)
        return books


async def make_beside(writer: Writer, times: int) -> None:
    """The version of the other rules in which the officer has been seen some times, whole."""
    ledger, name, groups = writer.ledger, f"{OTHER.digest}.9", Groups()
    deltas = Deltas(GRID, groups)
    for _ in range(times):
        deltas.add([Observation(index_of(OTHER, "count"), NOON, group("ann"), 0, 1, 1, 0)], 1)
    await ledger.begin_version(writer.owner, name)
    writes = VersionWrites(name, {}, deltas.encoded(), 0, groups.fresh)
    await ledger.finish_version(writer.owner, name, await ledger.append_version(writer.owner, 0, writes))


def total(snapshot: Snapshot) -> int:
    [row] = [row for row in snapshot.blocks["count"].rows() if row.window == "1h" and not row.group]
    return row.n


@on_redis
async def test_rules_are_put_in_force_only_when_every_ledger_has_their_panes(scene: Scene) -> None:
    floor = Floor(scene)
    await floor.open()
    assert total(await floor.step()) == 3
    await floor.rules.propose(NEW, NOON)
    for writer in floor.writers:
        assert await floor.shown() == {OLD.digest}
        await make_beside(writer, 2)
    snapshot = await floor.until(NEW.digest)
    assert (total(snapshot), snapshot.meta.rules) == (6, OTHER.digest)
    standing = await floor.rules.standing()
    assert standing.live is not None
    assert standing.previous is not None
    assert (standing.live.digest, standing.next, standing.previous.digest) == (NEW.digest, None, OLD.digest)


@on_redis
async def test_what_is_gone_back_to_is_shown_again_and_after_a_day_there_is_no_way_back(scene: Scene) -> None:
    floor = Floor(scene)
    await floor.open()
    await floor.step()
    for writer in floor.writers:
        await make_beside(writer, 2)
    await floor.rules.propose(NEW, NOON)
    await floor.until(NEW.digest)
    await floor.rules.go_back(NOON)
    assert total(await floor.until(OLD.digest)) == 3
    floor.clock.at += KEPT_MS
    await floor.step()
    assert (await floor.rules.standing()).previous is not None
    floor.clock.at += 1
    await floor.step()
    assert (await floor.rules.standing()).previous is None


@on_redis
async def test_rules_in_other_words_are_shown_without_other_panes(scene: Scene) -> None:
    floor = Floor(scene)
    await floor.open()
    await floor.step()
    await floor.rules.propose(REWORDED, NOON)
    snapshot = await floor.until(REWORDED.digest)
    assert (total(snapshot), snapshot.meta.rules) == (3, PROGRAM.digest)


@on_redis
async def test_rules_that_are_withdrawn_are_never_shown(scene: Scene) -> None:
    floor = Floor(scene)
    await floor.open()
    await floor.step()
    for writer in floor.writers[:2]:
        await make_beside(writer, 2)
    await floor.rules.propose(NEW, NOON)
    assert await floor.shown() == {OLD.digest}
    await floor.rules.withdraw()
    await make_beside(floor.writers[2], 2)
    assert await floor.shown() == {OLD.digest}


@on_redis
async def test_a_board_that_takes_over_in_the_middle_goes_on_with_what_is_on_its_way(scene: Scene) -> None:
    floor = Floor(scene)
    await floor.open()
    await floor.rules.begun_with(OLD, NOON)
    await floor.rules.propose(NEW, NOON)
    assert await floor.shown() == {OLD.digest}
    heir = Floor(scene)
    await scene.redis.execute_command("DEL", f"{{{scene.namespace}}}:board:lease")
    assert await heir.shown() == {OLD.digest}
    for writer in floor.writers:
        await make_beside(writer, 2)
    assert total(await heir.until(NEW.digest)) == 6


@on_redis
async def test_rules_keep_the_name_under_which_they_came_into_force(scene: Scene) -> None:
    """Another version may name the same book otherwise, when rules can say more than they could."""
    floor = Floor(scene)
    await floor.open()
    text = OLD.to_json()
    key = NamespaceKeys(scene.namespace).rules
    await scene.redis.execute_command(
        "HSET", key, "revision", "1", "live", f"older {NOON}", "book/older", text
    )
    assert total(await floor.step()) == 3
    assert await floor.shown(1) == {"older"}
