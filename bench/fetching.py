"""What it costs to get records from Kafka to the door of the ledger: the real transport, and behind it nothing."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

from aiokafka import ConsumerRecord
from faust.types import TP

from streams.runtime.app import create_app
from streams.runtime.ledger_values import Source
from streams.runtime.settings import Settings


class _Nothing:
    """A processor that only counts, and takes the time from the last partition's opening to the last record."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._seen = 0
        self._begun = 0.0
        self.figures: asyncio.Future[dict[str, float]] = asyncio.get_running_loop().create_future()

    async def open(self, tp: TP, source: Source) -> int:  # noqa: ARG002  # the protocol's
        self._begun = time.process_time()
        return 0

    async def process(self, tp: TP, records: Sequence[ConsumerRecord]) -> None:  # noqa: ARG002
        self._seen += len(records)
        if self._seen == self._events:
            self.figures.set_result(
                {"worker µs: fetch": 1e6 * (time.process_time() - self._begun) / self._seen}
            )

    async def tick(self, tp: TP, *, caught_up: bool) -> None:
        pass

    async def stopped(self, tp: TP, reason: str) -> None:
        raise RuntimeError(f"{tp} is stopped: {reason}")

    async def close(self, tp: TP) -> None:
        pass


async def main(settings: Settings, events: int) -> None:
    """Read that many records, which the topics hold, and print the µs of CPU an event as JSON."""
    nothing = _Nothing(events)
    app = create_app(settings, nothing)
    await app.start()
    try:
        print(json.dumps(await nothing.figures), flush=True)
    finally:
        await app.stop()


if __name__ == "__main__":
    asyncio.run(main(Settings.model_validate_json(sys.argv[1]), int(sys.argv[2])))
