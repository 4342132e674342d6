"""What became of messages, counted in Redis by receiver: the exporter and `loanpulse dispatch status` read it."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Literal, get_args

from loanpulse.dispatch.store import Store

Outcome = Literal["delivered", "retried", "failed", "silenced", "held", "dropped", "diverted"]
"""Of the dispatcher itself, under the name of no receiver: `taken_in`, `unrouted`, `unreadable`."""
OUTCOMES: tuple[str, ...] = get_args(Outcome)
NOBODY = "-"
ALIVE = "alive_ms"


async def figures(store: Store) -> Mapping[str, Mapping[str, int]]:
    """Counts since the namespace began, by receiver and outcome; under NOBODY those of no receiver."""
    return by_receiver(await store.redis.execute_command("HGETALL", store.keys.deliveries))


def by_receiver(stored: Any) -> Mapping[str, Mapping[str, int]]:
    """The same of what Redis answered."""
    pairs = stored.items() if isinstance(stored, dict) else zip(stored[::2], stored[1::2], strict=True)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for name, value in pairs:
        receiver, _, outcome = name.decode().rpartition("/")
        found[receiver][outcome] = int(value)
    return found


async def count(store: Store, outcome: str) -> None:
    """One more of what concerns no receiver."""
    await store.redis.execute_command("HINCRBY", store.keys.deliveries, f"{NOBODY}/{outcome}", 1)


async def say_alive(store: Store, now_ms: int) -> None:
    """Let it be seen that a dispatcher runs and reaches Redis."""
    await store.redis.execute_command("HSET", store.keys.deliveries, f"{NOBODY}/{ALIVE}", now_ms)
