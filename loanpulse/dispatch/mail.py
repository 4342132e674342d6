"""Mail by SMTP: one for each message, or one for all that a digest has collected."""

import hashlib
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from loanpulse.dispatch.incident import Message
from loanpulse.dispatch.outlet import DeliveryError, RefusedError, UnreachedError
from loanpulse.dispatch.receivers import Email
from loanpulse.dispatch.secret import Redacted
from loanpulse.dispatch.wording import digest_text, digest_title, headline, text
from streams.runtime.clock import Clock

_LONGEST_SUBJECT = 200
_FOR_EVER = 500  # SMTP: 4xx may pass, 5xx will not


class EmailOutlet:
    """Sends mail, by a connection of its own for each."""

    def __init__(self, receiver: Email, password: str | None, clock: Clock, redacted: Redacted) -> None:
        self._receiver, self._password, self._clock, self._redacted = receiver, password, clock, redacted

    async def send(self, messages: Sequence[Message]) -> None:
        it = self._receiver
        try:
            await aiosmtplib.send(
                mail_of(messages, it, self._clock.now_ms()),
                hostname=it.host,
                port=it.port,
                username=it.user,
                password=self._password,
                use_tls=it.tls == "tls",
                start_tls=it.tls == "starttls",
                tls_context=None if it.tls == "none" else ssl.create_default_context(cafile=it.ca_file),
                timeout=it.timeout / 1000,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._judged(error) from None

    async def close(self) -> None:
        """Nothing is kept open."""

    def _judged(self, error: Exception) -> DeliveryError:
        message = self._redacted(f"{type(error).__name__}: {error}")
        codes = [error.code] if isinstance(error, aiosmtplib.SMTPResponseException) else []
        if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
            codes = [refused.code for refused in error.recipients]
        if codes and min(codes) >= _FOR_EVER:
            return RefusedError(message)
        return UnreachedError(message)


def mail_of(messages: Sequence[Message], receiver: Email, now_ms: int) -> EmailMessage:
    """The mail; the same messages have the same Message-ID, by which mail programs know a repetition."""
    digest = receiver.digest is not None
    mail = EmailMessage()
    mail["Subject"] = (digest_title(messages) if digest else headline(messages[0]))[:_LONGEST_SUBJECT]
    mail["From"] = receiver.sender
    mail["To"] = ", ".join(receiver.to)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now_ms // 1000, UTC))
    ids = "\n".join(message.id for message in messages)
    mail["Message-ID"] = f"<{hashlib.sha256(ids.encode()).hexdigest()[:32]}@loanpulse>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content((digest_text(messages) if digest else text(messages[0])) + "\n")
    return mail
