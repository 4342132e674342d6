"""Webhooks, signed by the Standard Webhooks specification: the body is the event as it stands in Kafka's topic."""

from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook as Signature

from loanpulse.dispatch.incident import Message
from loanpulse.dispatch.posting import Post
from schemas.alert import encode_alert
from streams.runtime.clock import Clock

MEDIA_TYPE = "application/cloudevents+json"


def signature_of(secret: str) -> Signature:
    """What signs with a secret, `whsec_` and base64 of 24 to 64 bytes. ValueError says what is wrong, without the secret."""
    try:
        signature = Signature(secret)
        length = len(signature._whsecret)
    except Exception:  # of base64, or of the library: neither must show what it was given
        raise ValueError("is no secret for webhooks: write whsec_ and base64 of 24 to 64 bytes") from None
    if not 24 <= length <= 64:
        raise ValueError(f"has {length} bytes: the specification wants 24 to 64")
    return signature


class WebhookOutlet:
    """POSTs each event."""

    def __init__(self, post: Post, signatures: Sequence[Signature], clock: Clock) -> None:
        self._post, self._signatures, self._clock = post, signatures, clock

    async def send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            body = encode_alert(message.event)
            await self._post.send(body, self._headers(message.id, body.decode()))

    async def close(self) -> None:
        await self._post.close()

    def _headers(self, message_id: str, body: str) -> dict[str, str]:
        seconds = self._clock.now_ms() // 1000
        now = datetime.fromtimestamp(seconds, UTC)
        return {
            "content-type": MEDIA_TYPE,
            "webhook-id": message_id,
            "webhook-timestamp": str(seconds),
            "webhook-signature": " ".join(it.sign(message_id, now, body) for it in self._signatures),
        }
