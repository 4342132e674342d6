"""Whatever Apprise reaches: more than a hundred services, each by a URL."""

import logging
from collections.abc import Sequence

from apprise import Apprise as Services
from apprise import AppriseAsset, NotifyType

from loanpulse.dispatch.incident import Message
from loanpulse.dispatch.outlet import UnreachedError
from loanpulse.dispatch.wording import headline, lines
from schemas.alert import RESOLVED, AlertEvent


def service_of(url: str) -> Services:
    """The service that a URL names. ValueError if there is none, without the URL."""
    services = Services(asset=AppriseAsset(app_id="LoanPulse", app_desc="LoanPulse", secure_logging=True))
    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its complaints quote the URL
    if not services.add(url):
        raise ValueError("is no URL that Apprise understands")
    return services


class AppriseOutlet:
    """Tells each event with its title and facts. Apprise does not say why it failed, so every failure is tried again."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            event = message.event
            told = await self._services.async_notify(
                body="\n".join(lines(event)), title=headline(message), notify_type=_type(event)
            )
            if not told:
                raise UnreachedError("Apprise could not deliver it; it does not say why")

    async def close(self) -> None:
        """Nothing is kept open."""


def _type(event: AlertEvent) -> NotifyType:
    if event.type == RESOLVED:
        return NotifyType.SUCCESS
    return NotifyType.FAILURE if event.data.severity == "critical" else NotifyType.WARNING
