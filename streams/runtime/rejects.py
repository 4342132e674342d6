"""Stops a partition that rejects too much: then the producer is wrong, and dead-lettering everything helps nobody."""

from collections import deque
from collections.abc import Sequence

from streams.runtime.admission import DeadLetter
from streams.runtime.processor import PartitionStopped

LOOK_BACK = 1_000
LEAST = 100


class RejectShare:
    """The share of rejected records among the last thousand or so."""

    def __init__(self, limit: float) -> None:
        """`limit` in (0, 1]; 1 never stops."""
        self._limit = limit
        self._parts: deque[tuple[int, int]] = deque()
        self._records = self._rejected = 0

    def count(self, records: int, rejected: Sequence[DeadLetter]) -> None:
        """Count records and the rejected among them, before anything is made of them.

        Raises PartitionStopped, naming the last reason, above the limit: none of these records is dead-lettered then,
        and whoever restarts the worker reads on from them, with nothing counted yet.
        """
        self._parts.append((records, len(rejected)))
        self._records += records
        self._rejected += len(rejected)
        while self._records - self._parts[0][0] >= LOOK_BACK:
            old, old_rejected = self._parts.popleft()
            self._records -= old
            self._rejected -= old_rejected
        if self._records >= LEAST and self._rejected > self._limit * self._records:
            raise PartitionStopped(
                f"{self._rejected} of the last {self._records} records were rejected, the last one because "
                f"{rejected[-1].message if rejected else 'of what came before'}. Mend the producer, or raise "
                "LOANPULSE_REJECT_LIMIT to dead-letter them"
            )
