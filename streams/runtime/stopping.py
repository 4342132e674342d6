"""Ends tasks that would go on for ever, also those that lose a cancellation."""

import asyncio
from typing import Any

_AGAIN_SECONDS = 1.0


def insist(task: "asyncio.Task[Any]") -> None:
    """Cancel a task, again and again until it ends; call it in the task's loop.

    One cancellation can be lost: `wait_for` in Python 3.11, by which redis-py sends, drops one that comes just as its own
    work is done.
    """
    if not task.done():
        task.cancel()
        task.get_loop().call_later(_AGAIN_SECONDS, insist, task)


async def stop(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end, whatever that is."""
    insist(task)
    await asyncio.gather(task, return_exceptions=True)
