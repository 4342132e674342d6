"""Makes the outlets of a routes file: the one place that reads secrets."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from loanpulse.dispatch.outlet import Outlet
from loanpulse.dispatch.receivers import Apprise, Email, Receiver, Slack, Webhook
from loanpulse.dispatch.routes import Routes
from loanpulse.dispatch.routes_file import RoutesError
from loanpulse.dispatch.secret import Redacted, Secret
from streams.runtime.clock import Clock

_INDISCREET = ("httpx", "httpcore", "aiosmtplib", "apprise", "urllib3", "requests")
"""Their entries quote addresses that may be secret."""


def keep_quiet() -> None:
    """Let the clients' libraries say warnings only, also where everything is wanted."""
    for name in _INDISCREET:
        logging.getLogger(name).setLevel(logging.WARNING)


def outlets_of(routes: Routes, environ: Mapping[str, str], clock: Clock) -> dict[str, Outlet]:
    """An outlet for each receiver. Raises RoutesError that names the receiver and field of a secret that is missing."""
    keep_quiet()
    return {name: _Making(name, environ, clock).outlet(it) for name, it in routes.receivers.items()}


class _Making:
    """One outlet in the making."""

    def __init__(self, name: str, environ: Mapping[str, str], clock: Clock) -> None:
        self._name, self._environ, self._clock = name, environ, clock

    def outlet(self, receiver: Receiver) -> Outlet:
        match receiver:
            case Webhook():
                return self._webhook(receiver)
            case Slack():
                return self._slack(receiver)
            case Email():
                return self._email(receiver)
            case Apprise():
                return self._apprise(receiver)

    def _webhook(self, receiver: Webhook) -> Outlet:
        from loanpulse.dispatch.posting import Post
        from loanpulse.dispatch.webhook import WebhookOutlet, signature_of

        url = self._url(receiver.url)
        secrets = [self._read("secret", it) for it in receiver.secret]
        with self._field("secret"):
            signatures = [signature_of(secret) for secret in secrets]
        redacted = Redacted([*secrets, *self._hidden(receiver.url, url)])
        return WebhookOutlet(Post(url, receiver.timeout, self._clock, redacted), signatures, self._clock)

    def _slack(self, receiver: Slack) -> Outlet:
        from loanpulse.dispatch.posting import Post
        from loanpulse.dispatch.slack import SlackOutlet

        url = self._url(receiver.url)
        redacted = Redacted(self._hidden(receiver.url, url))
        return SlackOutlet(Post(url, receiver.timeout, self._clock, redacted))

    def _email(self, receiver: Email) -> Outlet:
        from loanpulse.dispatch.mail import EmailOutlet

        password = None if receiver.password is None else self._read("password", receiver.password)
        return EmailOutlet(receiver, password, self._clock, Redacted([password or ""]))

    def _apprise(self, receiver: Apprise) -> Outlet:
        from loanpulse.dispatch.chat import AppriseOutlet, service_of

        url = self._read("url", receiver.url)
        with self._field("url"):
            return AppriseOutlet(service_of(url))

    def _url(self, place: Secret) -> str:
        url = self._read("url", place)
        with self._field("url"):
            if not url.startswith(("https://", "http://")):
                raise ValueError("must begin with https:// or http://")
        return url

    def _read(self, field: str, place: Secret) -> str:
        with self._field(field):
            return place.read(self._environ)

    @staticmethod
    def _hidden(place: Secret, url: str) -> list[str]:
        """What of an address must not be shown: a receiver may quote its path, or a part of it."""
        if "text" in place.model_fields_set:
            return []
        parts = urlsplit(url)
        return [url, parts.path, *parts.path.split("/"), parts.query, parts.password or ""]

    @contextmanager
    def _field(self, field: str) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise RoutesError(str(error), field=f"receivers.{self._name}.{field}") from None
