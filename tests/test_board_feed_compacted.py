"""Panes that are compacted while the board reads them: nothing is counted twice, and little is read again."""

from typing import Any

import pytest

from loanpulse.board import feed
from loanpulse.board.feed import Source
from streams.runtime.ledger_reader import LedgerReader
from streams.runtime.ledger_values import PaneLength, PaneSlice
from tests.board_lab import DAY_MS, NOON, Writer
from tests.board_scene import Scene, on_redis, seen

pytestmark = pytest.mark.servers


@on_redis
async def test_a_pane_compacted_while_it_is_read_is_pulled_again(scene: Scene) -> None:
    writer = await scene.writer()
    await writer.commit([seen()])
    await scene.tick()
    await writer.commit([seen()])
    source = scene.feed.sources["loan-events", 0]
    source.reader = Overtaken(writer)
    await scene.tick()
    assert scene.count() == 2


class Overtaken(LedgerReader):
    """A commit and a compaction come between the first pull and its reads."""

    def __init__(self, writer: Writer) -> None:
        super().__init__(writer.ledger.redis, writer.ledger.keys.namespace, writer.ledger.keys.topic, 0)
        self._writer: Writer | None = writer

    async def read(self, version: str, slices: Any) -> list[bytes]:
        writer, self._writer = self._writer, None
        if writer is not None:
            for pane in (await writer.ledger.pull()).panes:
                [log] = await writer.ledger.read(version, [part(pane)])
                await writer.ledger.compact(writer.owner, version, pane.pane, pane.length, log)
        return await super().read(version, slices)


@pytest.fixture
def a_pane_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "READ_BYTES", 1)


@pytest.mark.usefixtures("a_pane_at_a_time")
@on_redis
async def test_a_pane_compacted_meanwhile_does_not_begin_its_ledger_anew(scene: Scene) -> None:
    writer = await scene.writer()
    await writer.commit([seen(NOON - days * DAY_MS) for days in range(5)])
    reader = Noting(writer, number=4)
    scene.feed.sources["loan-events", 0] = Source(0, reader)
    await scene.tick()
    assert scene.count("7d") == 5
    assert len(reader.read_panes) == len(set(reader.read_panes)) + 1
    await writer.commit([seen(), seen(NOON - DAY_MS)])
    reader.begin_anew(number=2)
    await scene.tick()
    assert scene.count("7d") == 7
    assert len(reader.read_panes) == 5


class Noting(LedgerReader):
    """Notes which panes are read; before one of the reads, that pane is compacted."""

    def __init__(self, writer: Writer, number: int) -> None:
        super().__init__(writer.ledger.redis, writer.ledger.keys.namespace, writer.ledger.keys.topic, 0)
        self._writer = writer
        self.begin_anew(number)

    def begin_anew(self, number: int) -> None:
        self.read_panes: list[str] = []
        self._number = number

    async def read(self, version: str, slices: Any) -> list[bytes]:
        self.read_panes += [asked.pane for asked in slices]
        if len(self.read_panes) == self._number:
            asked, ledger = slices[0], self._writer.ledger
            [log] = await ledger.read(version, [asked._replace(start=0)])
            await ledger.compact(self._writer.owner, version, asked.pane, asked.end, log)
        return await super().read(version, slices)


def part(pane: PaneLength) -> PaneSlice:
    return PaneSlice(pane.pane, pane.generation, 0, pane.length)
