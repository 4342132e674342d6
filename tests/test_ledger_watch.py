"""When a ledger's open cases are looked at next, and what is told of them: in one script with what changed, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from streams.runtime.ledger import Ledger
from streams.runtime.ledger_errors import Fenced, Refused, Torn
from streams.runtime.ledger_values import Told
from tests.ledger_lab import OWNER, VERSION, batch, begin, opened, writes

pytestmark = pytest.mark.servers

Story = Callable[[Ledger], Awaitable[None]]


def on_ledger(story: Story) -> Callable[[str, str], None]:
    """Makes a test of a story about a ledger that has begun."""

    def test(redis_url: str, namespace: str) -> None:
        async def tell() -> None:
            async with opened(redis_url, namespace) as ledger:
                await begin(ledger)
                await story(ledger)

        asyncio.run(tell())

    test.__doc__ = story.__doc__
    return test


async def outbox(ledger: Ledger) -> list[bytes]:
    entries = await ledger.redis.execute_command("XRANGE", ledger.keys.outbox, "-", "+")
    return [fields[b"event"] for _, fields in entries]


async def when(ledger: Ledger, version: str = VERSION) -> dict[bytes, float]:
    found = await ledger.redis.execute_command(
        "ZRANGE", ledger.keys.version(version).watch, 0, -1, "WITHSCORES"
    )
    pairs = (
        found
        if found and isinstance(found[0], (list, tuple))
        else list(zip(found[::2], found[1::2], strict=True))
    )
    return {name: float(score) for name, score in pairs}


async def _watched(ledger: Ledger) -> None:
    await ledger.commit(OWNER, batch(0, 1, watch={b"a": 10, b"b": 20, b"c": None}))
    assert await when(ledger) == {b"a": 10, b"b": 20}
    assert await ledger.due(VERSION, 19, 10) == [b"a"]
    assert await ledger.due(VERSION, 20, 10) == [b"a", b"b"]
    await ledger.commit(OWNER, batch(1, 2, watch={b"a": 30, b"b": None}))
    assert await when(ledger) == {b"a": 30}


test_a_commit_says_when_open_cases_are_looked_at = on_ledger(_watched)


async def _told_is_due(ledger: Ledger) -> None:
    await ledger.commit(OWNER, batch(0, 1, watch={b"a": 10, b"b": 20}))
    await ledger.tell(OWNER, VERSION, [Told(b"a", 15, b"incident", [b"raised"]), Told(b"b", 25, None)])
    assert await when(ledger) == {b"a": 15, b"b": 25}
    await ledger.commit(OWNER, batch(1, 2, watch={b"a": 1_000, b"b": 1_000}))
    assert await when(ledger) == {b"a": 0, b"b": 1_000}
    await ledger.tell(OWNER, VERSION, [Told(b"a", None, None)])
    await ledger.commit(OWNER, batch(2, 3, watch={b"a": None, b"b": None}))
    assert await when(ledger) == {b"a": 0}


test_a_changed_case_that_has_an_incident_is_due_at_once_even_if_it_is_closed = on_ledger(_told_is_due)


async def _told(ledger: Ledger) -> None:
    looks = [Told(b"a", 20, b"one", [b"raised a"]), Told(b"b", None, b"two", [b"raised b", b"more of b"])]
    await ledger.commit(OWNER, batch(0, 1, watch={b"a": 10, b"b": 10}))
    await ledger.tell(OWNER, VERSION, looks)
    assert await outbox(ledger) == [b"raised a", b"raised b", b"more of b"]
    assert await ledger.incidents([b"a", b"b", b"c"], [b"1"] * 3) == [
        (b"one", None),
        (b"two", None),
        (None, None),
    ]
    assert sorted(await ledger.told()) == [b"a", b"b"]
    assert await when(ledger) == {b"a": 20}
    await ledger.tell(OWNER, VERSION, looks)
    assert len(await outbox(ledger)) == 3
    over = [Told(b"a", None, b"", [b"resolved a"])]
    for _ in range(2):
        await ledger.tell(OWNER, VERSION, over)
    assert (await outbox(ledger))[3:] == [b"resolved a"]
    assert await ledger.told() == [b"b"]


test_what_is_told_is_written_with_its_incident_once = on_ledger(_told)


async def _fenced(ledger: Ledger) -> None:
    look = [Told(b"a", 20, b"one", [b"raised"])]
    for owner, version in (("other", VERSION), (OWNER, "other")):
        with pytest.raises(Fenced):
            await ledger.tell(owner, version, look)
    await ledger.redis.execute_command("HSET", ledger.keys.head, "applying", "7")
    with pytest.raises(Torn):
        await ledger.tell(OWNER, VERSION, look)
    await ledger.redis.execute_command("HSET", ledger.keys.head, "applying", "")
    await ledger.redis.execute_command("SET", ledger.keys.alerts, "text")
    with pytest.raises(Refused, match="alerts"):
        await ledger.tell(OWNER, VERSION, look)
    assert await outbox(ledger) == []
    with pytest.raises(Refused, match="alerts"):
        await ledger.commit(OWNER, batch(0, 1, watch={b"a": 1}))
    assert (await ledger.head()).position == 0


test_another_owner_another_version_and_a_torn_ledger_tell_nothing = on_ledger(_fenced)


async def _beside(ledger: Ledger) -> None:
    """The version beside has its own instants; removed, it takes them along."""
    await ledger.begin_version(OWNER, "beside")
    await ledger.append_version(OWNER, 0, writes(version="beside", watch={b"a": 5, b"b": 6}))
    beside = writes(version="beside", watch={b"a": 7})
    await ledger.commit(OWNER, batch(0, 1, watch={b"a": 10}, beside=beside))
    assert await when(ledger) == {b"a": 10}
    assert await when(ledger, "beside") == {b"a": 7, b"b": 6}
    await ledger.drop_version(OWNER, "beside")
    assert await when(ledger, "beside") == {}
    assert await when(ledger) == {b"a": 10}


test_each_version_has_its_own_instants = on_ledger(_beside)


def test_many_instants_of_a_version_in_the_making_go_in_several_scripts(
    redis_url: str, namespace: str
) -> None:
    async def story() -> None:
        async with opened(redis_url, namespace) as ledger:
            await begin(ledger)
            await ledger.begin_version(OWNER, "beside")
            many: dict[bytes, int | None] = {b"%d" % n: n for n in range(4_500)}
            assert await ledger.append_version(OWNER, 0, writes(version="beside", watch=many)) == 3
            assert await when(ledger, "beside") == many

    asyncio.run(story())
