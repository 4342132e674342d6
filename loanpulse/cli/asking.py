"""What a command asks of a namespace in Redis, by one connection."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from loanpulse.cli import options
from loanpulse.cli.places import at_work

if TYPE_CHECKING:
    from streams.runtime.script import Client

T = TypeVar("T")

Question = Callable[["Client", str, int], Coroutine[Any, Any, T]]
"""Of a client, the namespace and now (ms)."""


def ask(redis: str | None, namespace: str | None, question: "Question[T]") -> T:
    """The answer; `redis` and `namespace` are the command's options."""
    from loanpulse.lab.apart import run_cancellable
    from streams.runtime.clock import clock_of
    from streams.runtime.redis_client import connect

    settings = at_work(options.settings_from(redis=redis, namespace=namespace), "redis")

    async def connected() -> T:
        client = await connect(str(settings.redis))
        try:
            return await question(client, settings.namespace, clock_of(settings).now_ms())
        finally:
            await client.aclose()

    return run_cancellable(connected())
