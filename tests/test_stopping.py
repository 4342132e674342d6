"""Tasks that are to end do, also those that lose a cancellation on the way."""

import asyncio

from streams.runtime.stopping import stop


def test_a_task_that_loses_a_cancellation_is_told_again() -> None:
    """As `wait_for` in Python 3.11 loses one that comes just as its own work is done."""
    lost: list[int] = []

    async def forgetful() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append(1)

    async def story() -> None:
        task = asyncio.create_task(forgetful())
        await asyncio.sleep(0)
        await stop(task)
        assert task.cancelled()

    asyncio.run(story())
    assert lost == [1]


def test_what_a_task_raised_is_no_trouble_of_who_stops_it() -> None:
    async def failing() -> None:
        raise ValueError("its own")

    async def story() -> None:
        task = asyncio.create_task(failing())
        await asyncio.sleep(0)
        await stop(task)
        assert isinstance(task.exception(), ValueError)

    asyncio.run(story())
