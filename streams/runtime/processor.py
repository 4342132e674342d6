"""What the transport hands its records to: the contract of whoever folds them into a ledger."""

from collections.abc import Sequence
from typing import Protocol

from aiokafka import ConsumerRecord
from faust.types import TP

from streams.runtime.ledger_values import Source


class Reposition(Exception):  # noqa: N818  # an answer to act on, not a fault
    """The ledger stands elsewhere (another owner wrote, or a backup came back): read on from `position`."""

    def __init__(self, position: int) -> None:
        super().__init__(f"read on from {position}")
        self.position = position


class PartitionStopped(Exception):  # noqa: N818  # likewise
    """This partition must not be read on until a person has decided; `reason` is what they are told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def way_out(topic: str, partition: int) -> str:
    """What a person is told who must decide about records that are gone."""
    return f'To go on and show the gap: loanpulse ledger accept-gap {topic} {partition} --note "why"'


class Processor(Protocol):
    """Folds one worker's partitions; calls for one partition never overlap, those for several do.

    Any other exception than Reposition and PartitionStopped counts as trouble that may pass (Redis is away):
    the partition is closed, opened again after a pause that grows to 30 s, and read on from its ledger.

    Invariants:
        each record that is visible to read_committed is given once, in order of offset, unless the position
        that `open` returns or `Reposition` names lies before it again;
        `process` gets 1 to 2,000 records of one partition;
        `tick` comes every 0.4 s while the broker answers, never for a partition that is stopped or closed;
        `close` comes once for each `open`, even one that failed, and before the partition is opened again;
        `open` and `tick` may be cancelled, `process` only when it lasts longer than a shutdown may (7 s).
    """

    async def open(self, tp: TP, source: Source) -> int:
        """Take the partition's ledger over; returns the offset to read from. May raise PartitionStopped."""
        ...

    async def process(self, tp: TP, records: Sequence[ConsumerRecord]) -> None:
        """Apply the records and commit their position, whole or not at all.

        May raise Reposition and PartitionStopped.
        """
        ...

    async def tick(self, tp: TP, *, caught_up: bool) -> None:
        """Time has passed. May raise Reposition and PartitionStopped.

        `caught_up`: the broker has answered within these two seconds, and everything that was in the partition
        then (up to its last stable offset) is processed.
        """
        ...

    async def stopped(self, tp: TP, reason: str) -> None:
        """The partition is stopped, by whatever of the above or by the transport: tell it to those who look."""
        ...

    async def close(self, tp: TP) -> None:
        """The partition is another's from now on: drop what is cached of it."""
        ...
