"""Work that a signal must not strike in the middle: client libraries, and event loops."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import Any, ParamSpec, TypeVar

from streams.runtime.stopping import insist

P = ParamSpec("P")
T = TypeVar("T")

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def apart(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Run a call in a thread of its own, and wait for it even when a Ctrl-C or SIGTERM comes meanwhile.

    Signals raise in the main thread. Inside kafka-python's event loop that exception is swallowed and the client
    then waits for ever.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(call, *arguments, **named).result()


def run_cancellable(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` in which Ctrl-C, SIGTERM and SIGHUP cancel the work; KeyboardInterrupt or SystemExit when it has ended.

    A handler that raises can strike the event loop between a task and its wake-up, and that task then waits for ever.
    """
    struck: list[int] = []
    try:
        result = asyncio.run(_cancelled_by_signals(work, struck))
    except BaseException:
        if struck:  # whatever came of it: a closed terminal, for one, refuses the last words
            raise _ending(struck[0]) from None
        raise
    if struck:
        raise _ending(struck[0])
    return result


async def _cancelled_by_signals(work: Coroutine[Any, Any, T], struck: list[int]) -> T:
    task = asyncio.ensure_future(work)

    def strike(number: int, _frame: FrameType | None) -> None:
        struck.append(number)
        task.get_loop().call_soon_threadsafe(insist, task)

    with _handled_by(strike):
        return await task


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """A handler of the signals that end us, where they are not ignored (nohup); only the main thread can have one."""
    ours = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in _ENDING}
        ours = {number: old for number, old in before.items() if old is not signal.SIG_IGN}
    for number in ours:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in ours.items():
            signal.signal(number, old)


def _ending(number: int) -> BaseException:
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)
