"""Where things stand in an installation: what the generated files name besides the rules."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from loanpulse.lab.failures import InputError
from streams.runtime.settings import Settings

_UNITS = ((3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))
_PORT = Settings().serve_port
_HOST = re.compile(r"[^\s/:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")
_URL = re.compile(r"https?://[^\s/]+\S*")

JOB = "loanpulse"
"""The scrape job; alerts tell installations apart by it."""


@dataclass(frozen=True)
class Installation:
    """Addresses, links and thresholds of one installation."""

    targets: tuple[str, ...] = (f"localhost:{_PORT}",)
    """Every `loanpulse serve`, as host:port."""
    alertmanagers: tuple[str, ...] = ("localhost:9093",)
    webhook: str = "http://localhost:9099/alerts"
    """Where all receivers send to, until somebody writes others."""
    link_base: str = ""
    """Where the screens are seen; put before links."""
    runbooks: str = "docs/alerting.md"
    """The page that alerts name as their runbook, one section each."""
    stale_seconds: int = 120
    """How far a partition may be behind: then its KPI series disappear."""
    holiday_years: tuple[int, ...] = ()
    """The years whose public holidays are written out; those that the calendar lists itself always are."""
    pace: float = 1.0
    """Every interval and `for` is multiplied by it: below 1 only to try alerts out."""

    def span(self, seconds: float) -> str:
        """A length as Prometheus and Alertmanager write it, at this pace: `1h30m`."""
        return span(seconds * self.pace)


def installation_of(
    settings: Settings,
    *,
    targets: Sequence[str] | None = None,
    alertmanagers: Sequence[str] | None = None,
    webhook: str | None = None,
    runbooks: str | None = None,
    holiday_years: Sequence[int] | None = None,
) -> Installation:
    """What the settings say, and what is given; the rest has defaults. Raises InputError for what is no address."""
    usual = Installation()
    return Installation(
        targets=tuple(_host("--target", target) for target in targets or usual.targets),
        alertmanagers=tuple(_host("--alertmanager", host) for host in alertmanagers or usual.alertmanagers),
        webhook=_url(webhook or usual.webhook),
        link_base=settings.link_base,
        runbooks=runbooks or usual.runbooks,
        stale_seconds=settings.stale_seconds,
        holiday_years=tuple(holiday_years or ()),
    )


def _host(option: str, said: str) -> str:
    if not _HOST.fullmatch(said):
        raise InputError(f"{said!r} is not host:port, such as serve-1:{_PORT}", field=option)
    return said


def _url(said: str) -> str:
    if not _URL.fullmatch(said):
        raise InputError(f"{said!r} is not a URL such as https://alerts.bank.example/hook", field="--webhook")
    return said


def span(seconds: float) -> str:
    """`1h30m`, `250ms`, `0s`; exact to the ms."""
    left, words = round(seconds * 1000), []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count}{unit}")
    return "".join(words) or "0s"
