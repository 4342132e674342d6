"""The board's outbox, which only the process that computes the board publishes."""

from collections.abc import Sequence

from loanpulse.board.lease import Lease
from streams.runtime.keys import NamespaceKeys
from streams.runtime.outbox import Message, StreamOutbox
from streams.runtime.script import Client


class HeldOutbox(StreamOutbox):
    """Two boards that publish one outbox at once would only publish it twice; so the lease is asked, and no more."""

    def __init__(self, redis: Client, namespace: str, lease: Lease) -> None:
        super().__init__(redis, NamespaceKeys(namespace).board_outbox)
        self._lease = lease

    async def first(self, most: int) -> Sequence[Message]:
        return await super().first(most) if await self._lease.is_held() else []
