"""What delivers messages to a receiver, and how it says that it could not."""

from collections.abc import Sequence
from typing import Protocol

from loanpulse.dispatch.incident import Message


class DeliveryError(Exception):
    """Messages were not taken.

    RefusedError     the receiver says that it never will: they become letters
    UnreachedError   it may yet: they are tried again
    """


class RefusedError(DeliveryError):
    """Trying again would not help."""


class UnreachedError(DeliveryError):
    """Worth another try, not before `after_ms` from now if the receiver has said so."""

    def __init__(self, message: str, after_ms: int = 0) -> None:
        super().__init__(message)
        self.after_ms = after_ms


class Outlet(Protocol):
    """Delivers to one receiver.

    Invariants:
        over_a_kill_each_alert_arrives_and_a_repetition_has_the_same_id
        no_secret_is_logged_or_kept_whatever_goes_wrong
    """

    async def send(self, messages: Sequence[Message]) -> None:
        """Deliver the messages as one. Raises DeliveryError."""
        ...

    async def close(self) -> None: ...
