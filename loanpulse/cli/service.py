"""Commands that run until they are told to stop: SIGTERM (or SIGHUP) is their ordinary end, Ctrl-C an interruption."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

from streams.runtime.stopping import insist

CHATTY = ("kafka", "aiokafka")  # a dozen lines for each connection at level info


def log_to_stderr(level: str) -> None:
    """One line an entry, with the time; the Kafka clients' own from warnings on, unless everything is wanted."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    quieten(level)


def quieten(level: str) -> None:
    """Let the Kafka clients say warnings only, unless `level` is debug."""
    if level != "debug":
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)


def run_until_stopped(service: Coroutine[Any, Any, None]) -> None:
    """Run a service that ends by being cancelled; what it raises comes out."""
    asyncio.run(_stoppable(service))


async def _stoppable(service: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(service)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            task.get_loop().add_signal_handler(number, insist, task)
    try:
        await task
    except asyncio.CancelledError:
        current = asyncio.current_task()
        if current is not None and current.cancelling():  # Ctrl-C cancels us, not the service alone
            raise
