"""/metrics: the snapshot and the engine's health as Prometheus reads them."""

import gzip
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from threading import Lock
from typing import NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from loanpulse.serve.families import KPI_FAMILIES, Family
from loanpulse.serve.health import health
from loanpulse.serve.health_families import HEALTH_FAMILIES
from loanpulse.serve.series import Exposed, Labels, Series, expose
from loanpulse.serve.shown import Shown
from loanpulse.serve.view import View
from streams.runtime.clock import Clock
from streams.runtime.settings import Settings

SUFFIXES = {"counter": "_total", "info": "_info"}
GZIP_LEVEL = 1


class Page(NamedTuple):
    """A scrape's answer."""

    body: bytes
    headers: dict[str, str]


class Exporter(Collector):
    """Turns the view of the moment into families. It never waits for Redis.

    Invariants:
        a stale snapshot shows no KPI
        what has no value has no series
        the budget is kept
        officers are shown only where the rule and the settings say so
    """

    def __init__(self, settings: Settings, clock: Clock, view: Callable[[], View]) -> None:
        self._settings = settings
        self._clock = clock
        self._view = view
        self._lock = Lock()
        self._last: tuple[Shown | None, Exposed] = (None, Exposed())
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def page(self, accept: str, accept_encoding: str) -> Page:
        """The families in the format that the scraper prefers, compressed if it can read that."""
        encode, content_type = choose_encoder(accept)
        body, headers = (
            encode(self._registry),
            {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"},
        )
        if gzip_accepted(accept_encoding):
            body, headers["Content-Encoding"] = gzip.compress(body, GZIP_LEVEL), "gzip"
        return Page(body, headers)

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry would else collect once to learn the names."""
        return []

    def collect(self) -> Iterator[Metric]:
        view = self._view()
        is_stale = bool(view.stale(self._clock.now_ms(), self._settings.stale_seconds))
        shown = Exposed() if is_stale or view.shown is None else self._exposed(view.shown)
        for family in KPI_FAMILIES:
            if family.name in shown.families:
                yield _metric(family, shown.families[family.name])
        by_family: dict[str, list[tuple[Labels, float]]] = {}
        for name, labels, value in [*health(view), *self._own(view, shown, is_stale)]:
            by_family.setdefault(name, []).append((labels, value))
        for family in HEALTH_FAMILIES:
            yield _metric(family, by_family.get(family.name, []))

    def _exposed(self, board: Shown) -> Exposed:
        """The series of a snapshot, made once for all scrapes that see it."""
        with self._lock:
            made, exposed = self._last
            if made is not board:
                settings = self._settings
                exposed = expose(*board, settings.series_budget, settings.officer_detail)
                self._last = board, exposed
            return exposed

    def _own(self, view: View, shown: Exposed, is_stale: bool) -> Iterator[Series]:
        yield "loanpulse_snapshot_stale", {}, is_stale
        yield "loanpulse_series", {}, shown.series
        yield "loanpulse_series_budget", {}, self._settings.series_budget
        yield "loanpulse_series_dropped", {}, shown.dropped
        rules = "" if view.shown is None else view.shown.book.program.digest
        yield "loanpulse_build", {"version": version("loanpulse"), "rules": rules}, 1


def _metric(family: Family, series: Iterable[tuple[Labels, float]]) -> Metric:
    metric = Metric(family.name, family.help, family.type)
    name = family.name + SUFFIXES.get(family.type, "")
    for labels, value in series:
        metric.add_sample(name, labels, float(value))
    return metric
