"""What a reader of the ledger sees while its owner writes on."""

import asyncio
import random

import pytest

from streams.runtime.ledger import Ledger
from streams.runtime.ledger_errors import Stale
from streams.runtime.ledger_reader import READ_PANES, SCAN_CASES, LedgerReader
from streams.runtime.ledger_values import Cursor, PaneLength, PaneSlice, Pull
from tests.ledger_lab import (
    OWNER,
    SOURCE,
    VERSION,
    batch,
    begin,
    loaded,
    make_live,
    on_redis,
    opened,
    pane_logs,
    writes,
)

ROW_BYTES = 8
TOTAL = 1000
STEPS = 150


def row(amount: int) -> bytes:
    return amount.to_bytes(ROW_BYTES, "little", signed=True)


def total(log: bytes) -> int:
    rows = (log[at : at + ROW_BYTES] for at in range(0, len(log), ROW_BYTES))
    return sum(int.from_bytes(each, "little", signed=True) for each in rows)


class Mirror:
    """A reader that keeps what it has read, as the board does, and reads on from there."""

    def __init__(self, reader: LedgerReader) -> None:
        self.reader = reader
        self.cursor: Cursor | None = None
        self.logs: dict[str, tuple[int, bytes]] = {}

    async def follow(self) -> Pull | None:
        """Read what is new; None if something was replaced between pull and read."""
        pull = await self.reader.pull(self.cursor)
        held = {} if pull.whole else self.logs
        slices = [self._unread(pane, held) for pane in pull.panes]
        try:
            read = await self.reader.read(pull.head.version, slices)
        except Stale:
            return None
        fresh = {part.pane: (part.generation, held.get(part.pane, (0, b""))[1][: part.start] + more)
                 for part, more in zip(slices, read, strict=True)}  # fmt: skip
        self.logs = held | fresh
        self.cursor = pull.cursor
        return pull

    @staticmethod
    def _unread(pane: PaneLength, held: dict[str, tuple[int, bytes]]) -> PaneSlice:
        generation, log = held.get(pane.pane, (0, b""))
        start = len(log) if generation == pane.generation else 0
        return PaneSlice(pane.pane, pane.generation, start, pane.length)


async def move_amounts(ledger: Ledger, rng: random.Random) -> None:
    """Commits that take an amount from one pane and add it to another, compactions, flips, other owners."""
    owner, version, position = OWNER, VERSION, 1
    logs = {"p0": row(TOTAL)}
    for step in range(STEPS):
        act = rng.random()
        if act < 0.8:
            source, target = rng.sample([f"p{number}" for number in range(12)], 2)
            amount = rng.randrange(1, 9)
            moved = writes(version=version, panes={source: row(-amount), target: row(amount)})
            await ledger.commit(owner, batch(position, position + 1, live=moved))
            position += 1
            for pane, rows in moved.panes.items():
                logs[pane] = logs.get(pane, b"") + rows
        elif act < 0.93:
            pane = rng.choice(sorted(logs))
            compacted = row(total(logs[pane]))
            assert await ledger.compact(owner, version, pane, len(logs[pane]), compacted)
            logs[pane] = compacted
        elif act < 0.97:
            old, version = version, f"rules-of-step-{step}"
            await ledger.begin_version(owner, version)
            logs = {pane: row(total(log)) for pane, log in logs.items()}
            steps = await ledger.append_version(owner, 0, writes(version=version, panes=logs))
            await make_live(ledger, owner, version, steps)
            await ledger.drop_version(owner, old)
        else:
            owner = f"owner of step {step}"
            await ledger.acquire(owner, SOURCE)


async def watch(mirror: Mirror, writing: asyncio.Task[None]) -> int:
    """Follow until the writer is done and once more; at each pull the panes' sum is the total."""
    pulls = 0
    last = False
    while not last:
        last = writing.done()
        pull = await mirror.follow()
        if pull is None:
            last = False
            continue
        assert sum(total(log) for _, log in mirror.logs.values()) == TOTAL
        pulls += 1
    return pulls


@pytest.mark.parametrize("seed", range(6))
def test_a_pull_is_one_instant(seed: int, redis_url: str, namespace: str) -> None:
    async def story() -> None:
        async with opened(redis_url, namespace) as ledger, opened(redis_url, namespace) as reader:
            await begin(ledger)
            await ledger.commit(OWNER, batch(0, 1, panes={"p0": row(TOTAL)}))
            writing = asyncio.create_task(move_amounts(ledger, random.Random(seed)))
            mirror = Mirror(reader)
            pulls = await watch(mirror, writing)
            await writing
            assert pulls > STEPS // 10
            assert {pane: log for pane, (_, log) in mirror.logs.items()} == await pane_logs(reader)

    asyncio.run(story())


@on_redis
async def test_what_was_pulled_can_be_read_while_commits_go_on(ledger: Ledger) -> None:
    await begin(ledger)
    panes = {f"m{number}": b"%05d" % number for number in range(2 * READ_PANES)}
    await ledger.commit(OWNER, batch(0, 1, panes=panes))
    pull = await ledger.pull()
    await ledger.commit(OWNER, batch(1, 2, panes=dict.fromkeys(panes, b"later")))
    assert await pane_logs(ledger, pull) == panes
    parts = [PaneSlice("m3", 2, 1, 3), PaneSlice("m4", 2, 2, 2), PaneSlice("m3", 2, 4, 5)]
    parts = [part._replace(generation=pull.panes[0].generation) for part in parts]
    assert await ledger.read(VERSION, parts) == [b"00", b"", b"3"]


@on_redis
async def test_a_pane_compacted_or_dropped_since_the_pull_is_stale(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 1, panes={"m1": b"ab", "m2": b"ab", "m3": b"ab"}))
    pull = await ledger.pull()
    slices = {pane.pane: PaneSlice(pane.pane, pane.generation, 0, pane.length) for pane in pull.panes}

    assert await ledger.compact(OWNER, VERSION, "m1", 2, b"cd")
    await ledger.drop_panes(OWNER, VERSION, ["m2", "never there"])
    await ledger.commit(OWNER, batch(1, 2, panes={"m2": b"ef"}))
    for pane in ("m1", "m2"):
        with pytest.raises(Stale, match=pane):
            await ledger.read(VERSION, [slices["m3"], slices[pane]])
    assert await ledger.read(VERSION, [slices["m3"]]) == [b"ab"]

    changed = await ledger.pull(pull.cursor)
    assert not changed.whole
    assert await pane_logs(ledger, changed) == {"m1": b"cd", "m2": b"ef"}
    await begin_and_flip(ledger, "rules-2")
    await ledger.drop_version(OWNER, VERSION)
    with pytest.raises(Stale):
        await ledger.read(VERSION, [slices["m3"]])


async def begin_and_flip(ledger: Ledger, version: str) -> None:
    await ledger.begin_version(OWNER, version)
    await make_live(ledger, OWNER, version)


@on_redis
async def test_a_pane_that_grew_since_it_was_read_is_not_compacted(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 1, panes={"m1": b"abab"}))
    assert not await ledger.compact(OWNER, VERSION, "m1", 2, b"cd")
    assert await pane_logs(ledger) == {"m1": b"abab"}


@on_redis
async def test_only_what_changed_since_the_cursor_is_pulled(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 1, panes={"m1": b"row", "m2": b"row"}, groups_new=["bo"]))
    first = await ledger.pull()
    assert (first.whole, first.groups_len, {pane.pane for pane in first.panes}) == (True, 1, {"m1", "m2"})
    assert (await ledger.pull(first.cursor)).panes == []
    await ledger.commit(OWNER, batch(1, 2, panes={"m2": b"row"}, groups_known=1))
    second = await ledger.pull(first.cursor)
    assert [(pane.pane, pane.length) for pane in second.panes] == [("m2", 6)]
    assert (second.whole, second.head.position) == (False, 2)


@on_redis
async def test_named_panes_have_the_lengths_that_a_pull_gives(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 1, panes={"m1": b"row", "m2": b"longer"}))
    await ledger.compact(OWNER, VERSION, "m1", 3, b"")
    pulled = {pane.pane: pane for pane in (await ledger.pull()).panes}
    assert await ledger.lengths(VERSION, ["m2", "never there", "m1"]) == [pulled["m2"], pulled["m1"]]
    assert pulled["m1"].length == 0
    assert await ledger.lengths(VERSION, []) == []


@on_redis
async def test_a_cursor_of_another_owner_or_version_or_of_a_later_seq_starts_anew(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 1, panes={"m1": b"row"}))
    cursor = (await ledger.pull()).cursor
    assert not (await ledger.pull(cursor)).whole
    assert (await ledger.pull(cursor._replace(seq=cursor.seq + 1))).whole
    await ledger.acquire("owner-2", SOURCE)
    anew = await ledger.pull(cursor)
    assert (anew.whole, len(anew.panes)) == (True, 1)
    await ledger.begin_version("owner-2", "rules-2")
    await make_live(ledger, "owner-2", "rules-2")
    flipped = await ledger.pull(anew.cursor)
    assert (flipped.whole, flipped.panes, flipped.head.version) == (True, [], "rules-2")


@on_redis
async def test_a_ledger_without_a_version_has_no_panes(ledger: Ledger) -> None:
    for acquire in (False, True):
        if acquire:
            await ledger.acquire(OWNER, SOURCE)
        pull = await ledger.pull()
        assert (pull.whole, pull.panes, pull.head.owner) == (True, [], OWNER if acquire else "")
        assert (await ledger.pull(pull.cursor)).whole


@on_redis
async def test_a_scan_gives_every_lasting_case_once_while_others_come_and_go(ledger: Ledger) -> None:
    await begin(ledger)
    lasting = {b"case %d" % number: b"facts" for number in range(3 * SCAN_CASES)}
    position = 0
    for start in range(0, len(lasting), 1000):
        some = dict(list(lasting.items())[start : start + 1000])
        await ledger.commit(OWNER, batch(position, position + 1, cases=some))
        position += 1
    found: list[bytes] = []
    async for cases in ledger.scan_cases():
        found += [case for case, _ in cases]
        fleeting = {b"fleeting %d" % (position * 500 + number): b"x" for number in range(500)}
        for change in (fleeting, dict.fromkeys(fleeting)):
            await ledger.commit(OWNER, batch(position, position + 1, cases=change))
            position += 1
    assert len(found) == len(set(found))
    assert set(lasting) <= set(found)


@on_redis
async def test_load_answers_in_order_and_for_nothing(ledger: Ledger) -> None:
    await begin(ledger)
    await ledger.commit(OWNER, batch(0, 1, cases={b"a": b"1", b"b": b"2"}, clients={b"c": b"3"}))
    assert await loaded(ledger, [b"b", b"x", b"a"], [b"c"], VERSION) == ([b"2", None, b"1"], [b"3"])
    assert await loaded(ledger, [], [], VERSION) == ([], [])
    assert await loaded(ledger, [b"a"], [], VERSION) == ([b"1"], [])
    assert await loaded(ledger, [], [b"c"], VERSION) == ([], [b"3"])
