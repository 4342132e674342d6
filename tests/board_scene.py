"""Stories of a board over ledgers on a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

from loanpulse.board.feed import Feed
from loanpulse.board.snapshot import Meta
from loanpulse.board.ticks import Ticks
from streams.calculus.panes import Observation
from streams.calculus.windows import Grid
from streams.runtime.clock import FixedClock
from streams.runtime.redis_client import connect
from streams.runtime.script import Client
from tests.board_lab import NOON, Writer, group, index_of, program, rule

PROGRAM = program(rule("count"), rule("revenue"), rule("defaults"))
GRID = Grid.live(PROGRAM.zone)


class Scene:
    """Ledgers in a namespace, and a board that computes one snapshot after the other."""

    def __init__(self, redis: Client, namespace: str) -> None:
        self.redis, self.namespace = redis, namespace
        self.ticks = self.new_ticks()
        self.blocks: dict[str, Any] = {}

    def new_ticks(self, now_ms: int = NOON, topics: Iterable[str] = ()) -> Ticks:
        self.feed = Feed(self.redis, self.namespace, PROGRAM)
        self.ticks = Ticks(PROGRAM, self.feed, FixedClock(now_ms), GRID, list(topics))
        return self.ticks

    async def writer(self, topic: str = "loan-events", partition: int = 0, **options: Any) -> Writer:
        return await Writer(self.redis, self.namespace, PROGRAM, GRID, topic, partition).open(**options)

    async def tick(self) -> Meta:
        result = await self.ticks.tick()
        self.blocks |= result.blocks
        return result.meta

    def count(self, window: str = "1h", **label: str) -> int | None:
        """n of the rule `count`; None where there is no row."""
        rows = [row for row in self.blocks["count"].rows() if row.window == window and row.group == label]
        return rows[0].n if rows else None


@asynccontextmanager
async def scene_on(url: str, namespace: str) -> AsyncIterator[Scene]:
    redis = await connect(url)
    try:
        yield Scene(redis, namespace)
    finally:
        await redis.aclose()


def on_redis(story: Callable[[Scene], Coroutine[Any, Any, None]]) -> Callable[[str, str], None]:
    """Makes a test of a story told on the run's Redis."""

    def test(redis_url: str, namespace: str) -> None:
        async def tell() -> None:
            async with scene_on(redis_url, namespace) as scene:
                await story(scene)

        asyncio.run(tell())

    test.__doc__ = story.__doc__
    return test


def seen(
    at: int | None = NOON, officer: str = "ann", measure: str = "count", **more: Any
) -> tuple[Observation, int]:
    part = "stock" if at is None else "flow"
    split = more.get("split", "")
    index = index_of(PROGRAM, measure, part)  # type: ignore[arg-type]  # one of its two words
    return Observation(index, at, group(officer, split=split), 0, 1, more.get("a", 1), more.get("b", 0)), 1
