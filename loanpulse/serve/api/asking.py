"""Redis as requests ask it: one client for all of them, left when it fails, and made anew by the next that asks."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from redis.exceptions import RedisError, ResponseError

from loanpulse.serve.api.problem import Problem, told
from streams.runtime.redis_client import connect
from streams.runtime.script import Client
from streams.runtime.settings import Settings

ANSWER_SECONDS = 2.0
"""How long Redis may take for one answer; a request may need some, to connect among them."""
REQUEST_SECONDS = 3 * ANSWER_SECONDS
RETRY_AFTER = {"Retry-After": "5"}

_AWAY = "Redis does not answer: try again"
_UNSURE = "; if this was to change something, look whether it did before you repeat it"

AWAY = told(503, _AWAY, RETRY_AFTER)

T = TypeVar("T")
log = logging.getLogger(__name__)


class Asking:
    """Asks Redis for requests, of which any number may ask at a time."""

    def __init__(self, settings: Settings) -> None:
        self._url = str(settings.redis)
        self._client: Client | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let go of Redis after the body."""
        try:
            yield
        finally:
            if self._client is not None:
                await self._leave(self._client)

    async def ask(self, question: Callable[[Client], Awaitable[T]]) -> T:
        """The answer. Raises Problem if Redis gives none; what was to be written may then be written, or not."""
        client, said = None, _AWAY
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                client = await self._connected()
                return await question(client)
        except (RedisError, OSError) as error:
            log.warning("Redis does not answer a request: %s", str(error) or type(error).__name__)
            if isinstance(error, ResponseError):
                said = f"Redis refuses: {error}: try again"
            if client is not None:
                said += _UNSURE
                await self._leave(client)
            raise Problem(503, said, headers=RETRY_AFTER) from error

    async def _connected(self) -> Client:
        """The client; who needs one while another is connecting does not wait for that."""
        if self._client is None:
            made = await connect(self._url, ANSWER_SECONDS)
            if (kept := self._client) is not None:
                await _close(made)
                return kept
            self._client = made
        return self._client

    async def _leave(self, client: Client) -> None:
        """Another request may have a newer one already."""
        if self._client is client:
            self._client = None
        await _close(client)


async def _close(client: Client) -> None:
    try:
        await client.aclose()
    except (RedisError, OSError) as error:
        log.debug("closing the connection: %s", error)
