"""KPI alerts of a running board: decided under its lease, kept in Redis with what is to be told, taken over."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from redis.exceptions import ResponseError

from loanpulse.board.lease import Lease
from schemas.alert import AlertValue
from tests.board_lab import MINUTE_MS, NOON
from tests.kpi_alert_lab import ALERTING, ENOUGH, HELD, NEVER_MS, Alarm, Decider, telling

pytestmark = pytest.mark.servers


def on_redis(story: Callable[[Alarm], Coroutine[Any, Any, None]]) -> Callable[[str, str], None]:
    """Makes a test of a story told on the run's Redis."""

    def test(redis_url: str, namespace: str) -> None:
        asyncio.run(telling(redis_url, namespace, story))

    test.__doc__ = story.__doc__
    return test


@on_redis
async def test_a_kpi_off_target_for_a_quarter_of_an_hour_is_told_and_told_when_it_is_over(
    alarm: Alarm,
) -> None:
    board = alarm.board()
    await alarm.decisions()
    await alarm.minutes(board, HELD)
    assert await alarm.told() == []
    await alarm.minutes(board, 1)
    [raised] = await alarm.told()
    assert (raised.type, raised.subject, raised.source) == (
        "alert.raised",
        "approval",
        f"loanpulse/{alarm.namespace}",
    )
    assert raised.data.rules == ALERTING.digest
    figure = raised.data.figure
    assert figure == AlertValue(
        "24h", 1 / 3, ENOUGH, ENOUGH, 3 * ENOUGH, 0.2, 0.3, "2026-03-01T12:01:00.000Z"
    )
    await alarm.decisions(-1)
    await alarm.minutes(board, HELD)
    assert await alarm.words() == ["raised"]
    await alarm.minutes(board, 1)
    assert await alarm.words() == ["raised", "too_few"]
    assert not await alarm.is_standing()


@on_redis
async def test_with_too_few_observations_nothing_is_told(alarm: Alarm) -> None:
    await alarm.decisions(n=ENOUGH - 1)
    await alarm.minutes(alarm.board(), 2 * HELD)
    assert await alarm.told() == []


@on_redis
async def test_while_a_backlog_is_read_nothing_is_told(alarm: Alarm) -> None:
    """A worker was away for hours, and reads on: what figures lack so far is no alarm, nor is what they had an end."""
    board = alarm.board()
    await alarm.decisions()
    alarm.clock.at += 6 * 60 * MINUTE_MS
    for _ in range(2 * HELD):
        alarm.clock.at += MINUTE_MS
        await alarm.complete(NOON)
        assert await board.step()
    assert await alarm.told() == []
    await alarm.minutes(board, HELD)
    assert await alarm.told() == []
    await alarm.minutes(board, 1)
    assert await alarm.words() == ["raised"]


@on_redis
async def test_an_outage_of_the_board_neither_raises_nor_resolves(alarm: Alarm) -> None:
    await alarm.decisions()
    await alarm.minutes(alarm.board(), 2)
    alarm.clock.at += 6 * 60 * MINUTE_MS
    board = alarm.board()
    await alarm.pass_over(board)
    await alarm.minutes(board, HELD - 2)
    assert await alarm.told() == []
    await alarm.minutes(board, 2)
    assert await alarm.words() == ["raised"]


@on_redis
async def test_another_board_goes_on_where_the_holder_was(alarm: Alarm) -> None:
    """No time of `for` is lost, and what is told is not told again."""
    first, second, third = alarm.board(), alarm.board(), alarm.board()
    await alarm.decisions()
    await alarm.minutes(first, HELD - 5)
    await alarm.pass_over(second)
    await alarm.minutes(second, 5)
    assert await alarm.told() == []
    await alarm.minutes(second, 1)
    [raised] = await alarm.told()
    await alarm.pass_over(third)
    await alarm.minutes(third, HELD + 1)
    assert await alarm.told() == [raised]
    assert not await first.step()


@on_redis
async def test_only_the_holder_of_the_lease_publishes_what_waits(alarm: Alarm) -> None:
    first, second = alarm.board(), alarm.board()
    await alarm.decisions()
    await alarm.minutes(first, HELD + 1)
    assert not await second.step()
    assert (len(await first.outbox.first(9)), len(await second.outbox.first(9))) == (1, 0)
    await alarm.pass_over(second)
    assert (len(await first.outbox.first(9)), len(await second.outbox.first(9))) == (0, 1)


@on_redis
async def test_only_the_holder_of_the_lease_decides(alarm: Alarm) -> None:
    held, other = (Lease(alarm.redis, alarm.namespace, NEVER_MS) for _ in range(2))
    assert await held.take()
    await Decider(alarm.redis, alarm.namespace, other).minutes(*range(20))
    assert not await alarm.is_standing()
    assert await alarm.told() == []


@on_redis
async def test_a_holder_that_lost_the_lease_and_has_it_again_reads_what_was_decided_meanwhile(
    alarm: Alarm,
) -> None:
    lease = Lease(alarm.redis, alarm.namespace, NEVER_MS)
    assert await lease.take()
    first, second = Decider(alarm.redis, alarm.namespace, lease), Decider(alarm.redis, alarm.namespace, lease)
    await first.minutes(*range(10))
    await second.minutes(*range(10, 20))
    assert await alarm.words() == ["raised"]
    await first.minutes(*range(20, 40))
    assert await alarm.words() == ["raised"]


@on_redis
async def test_a_decision_and_its_message_are_never_apart(alarm: Alarm) -> None:
    """Where the message cannot be written the decision is not either, and is made again."""
    lease = Lease(alarm.redis, alarm.namespace, NEVER_MS)
    assert await lease.take()
    decider = Decider(alarm.redis, alarm.namespace, lease)
    await decider.minutes(*range(HELD))
    before = await alarm.redis.execute_command("HGETALL", alarm.keys.board_alerts)
    await alarm.redis.execute_command("SET", alarm.keys.board_outbox, "no stream")
    with pytest.raises(ResponseError):
        await decider.minutes(HELD)
    assert await alarm.redis.execute_command("HGETALL", alarm.keys.board_alerts) == before
    await alarm.redis.execute_command("DEL", alarm.keys.board_outbox)
    await decider.minutes(HELD)
    assert await alarm.words() == ["raised"]


@on_redis
async def test_when_too_many_wait_nothing_is_decided_until_some_are_published(alarm: Alarm) -> None:
    lease = Lease(alarm.redis, alarm.namespace, NEVER_MS)
    assert await lease.take()
    decider = Decider(alarm.redis, alarm.namespace, lease, most_waiting=1)
    await decider.minutes(*range(HELD + 1))
    [message] = await alarm.outbox.first(9)
    decider.show(0)
    await decider.minutes(*range(HELD + 1, 3 * HELD))
    assert await alarm.words() == ["raised"]
    await alarm.outbox.drop([message])
    await decider.minutes(3 * HELD, 3 * HELD + 1)
    assert await alarm.words() == ["too_few"]


@on_redis
async def test_what_another_version_has_stored_is_an_error_that_says_so(alarm: Alarm) -> None:
    lease = Lease(alarm.redis, alarm.namespace, NEVER_MS)
    await alarm.redis.execute_command("HSET", alarm.keys.board_alerts, "approval/24h/", "[1]")
    with pytest.raises(ValueError, match="board:alerts cannot be read; run one version of LoanPulse"):
        await Decider(alarm.redis, alarm.namespace, lease).minutes(0)


@on_redis
async def test_while_nothing_is_off_target_nothing_is_written(alarm: Alarm) -> None:
    await alarm.minutes(alarm.board(), 3)
    assert not await alarm.redis.execute_command("EXISTS", alarm.keys.board_alerts, alarm.keys.board_outbox)
