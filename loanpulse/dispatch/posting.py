"""POSTs to receivers by HTTP, and what their answers mean."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from loanpulse.dispatch.outlet import DeliveryError, RefusedError, UnreachedError
from loanpulse.dispatch.secret import Redacted
from streams.runtime.clock import Clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_ANSWER = 200
_WORTH_ANOTHER_TRY = (408, 429)


class Post:
    """One address, and what it answers. Redirects are not followed: a body that is signed or secret goes nowhere else."""

    def __init__(self, url: str, timeout_ms: int, clock: Clock, redacted: Redacted) -> None:
        self._url, self._clock, self._redacted = url, clock, redacted
        self._client = httpx.AsyncClient(timeout=timeout_ms / 1000, follow_redirects=False)

    async def send(self, body: bytes, headers: Mapping[str, str]) -> None:
        """POST a body. Raises DeliveryError."""
        try:
            answer = await self._client.post(self._url, content=body, headers=dict(headers))
        except httpx.InvalidURL as error:
            raise RefusedError(self._redacted(f"the address cannot be used: {error}")) from None
        except httpx.HTTPError as error:
            raise UnreachedError(self._redacted(f"{type(error).__name__}: {error or 'no answer'}")) from None
        if not answer.is_success:
            raise self._judged(answer)

    async def close(self) -> None:
        await self._client.aclose()

    def _judged(self, answer: httpx.Response) -> DeliveryError:
        said = " ".join(answer.text.split())[:_LONGEST_ANSWER]
        message = self._redacted(f"answered {answer.status_code} {answer.reason_phrase}: {said}".rstrip(": "))
        if answer.status_code < 500 and answer.status_code not in _WORTH_ANOTHER_TRY:
            return RefusedError(message)
        return UnreachedError(
            message, retry_after_ms(answer.headers.get("retry-after"), self._clock.now_ms())
        )


def retry_after_ms(written: str | None, now_ms: int) -> int:
    """What Retry-After asks to wait, seconds or a date; 0 if it asks nothing that can be understood."""
    if written is None:
        return 0
    if written.strip().isdecimal():
        return int(written) * 1000
    try:
        instant = parsedate_to_datetime(written)
    except ValueError:
        return 0
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return max(0, (aware - _EPOCH) // timedelta(milliseconds=1) - now_ms)
