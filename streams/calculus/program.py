"""A program: the rules of one organisation, compiled. Everything that decides what panes hold is in its digest."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.metadata import version
from typing import Literal
from zoneinfo import ZoneInfo

from kpi_rules.facts import FACTS
from kpi_rules.measures import (
    ConversionMeasure,
    DistinctMeasure,
    LevelMeasure,
    PerClientMeasure,
    RatioMeasure,
)
from kpi_rules.model import Rule, Target
from kpi_rules.organisation import Organisation
from schemas.registry import BY_CODE, EVENT_TYPES
from streams.calculus import client as clients
from streams.calculus import observers
from streams.calculus.attribution import attribute, attribution_reads
from streams.calculus.case import Case
from streams.calculus.client import DEFAULT_CODE, Client, ClientObserver, View
from streams.calculus.clocks import Clocks
from streams.calculus.observers import Observer
from streams.calculus.panes import Observation
from streams.calculus.sites import Site, sites_of
from streams.calculus.watches import Watch, watch_of
from streams.calculus.windows import local_date

CODE_VERSION = 2
"""Raised when the code observes differently with the same rules, so that panes are made anew."""


@dataclass(frozen=True)
class Measure:
    """One tally of a rule: its flow through time, or the stock that it has now.

    `index` is its number in panes: by the rule's id, so that the order of files and of rules in them changes nothing.
    """

    index: int
    rule: Rule
    part: Literal["flow", "stock"]


@dataclass(frozen=True)
class _Shown:
    """A fact that cases of a kind show their client, and the event types that it depends on."""

    code: int
    kind: str
    reads: frozenset[int]


class Program:
    """Observes cases and clients for every rule at once.

    Invariants:
        observing_is_a_function_of_the_case_alone
        an_observer_reads_what_it_says
    """

    def __init__(self, rules: Sequence[Rule], organisation: Organisation) -> None:
        self.rules = tuple(rules)
        self.organisation = organisation
        self.zone = ZoneInfo(organisation.tz)
        self.system_users = organisation.system_users
        self.clocks = Clocks(organisation)
        numbered = sorted(rules, key=lambda rule: rule.id)
        self.digest = _digest([_counted(rule, organisation) for rule in numbered], organisation)
        case_observers: list[Observer] = []
        self._client_observers: list[ClientObserver] = []
        measures: list[Measure] = []
        for rule in numbered:
            for part in ("flow", "stock") if _has_stock(rule) else (_only_part(rule),):
                measures.append(Measure(len(measures), rule, part))
                observer = self.observer_of(measures[-1])
                if isinstance(observer, Observer):
                    case_observers.append(observer)
                else:
                    self._client_observers.append(observer)
        self.measures = tuple(measures)
        self._sites = sites_of(case_observers)
        self._shown = _shown(self._client_observers)
        self._showing = frozenset(shown.kind for shown in self._shown)
        self.watches = tuple(_watches(numbered, self.clocks))
        self._chosen: dict[tuple[str, frozenset[int]], tuple[Site, ...]] = {}
        self._chosen_watches: dict[tuple[str, frozenset[int]], tuple[Watch, ...]] = {}
        self._chosen_views: dict[tuple[str, frozenset[int]], tuple[_Shown, ...]] = {}

    def observer_of(self, measure: Measure) -> Observer | ClientObserver:
        """What observes cases, or clients, for a measure."""
        rule, index, definition = measure.rule, measure.index, measure.rule.measure
        match definition:
            case RatioMeasure(stock=stock) if stock is not None and measure.part == "stock":
                return observers.level(index, rule, observers.stock_level(stock, definition.split))
            case LevelMeasure():
                return observers.level(index, rule, definition)
            case DistinctMeasure():
                return clients.distinct(index, rule, definition)
            case PerClientMeasure():
                return clients.per_client(index, rule, definition)
            case ConversionMeasure(over="client"):
                return clients.conversion(index, rule, definition)
            case ConversionMeasure():
                return observers.conversion(index, rule, definition)
            case _:
                return observers.anchored(index, rule, definition, self.clocks)

    def target(self, rule: Rule, at_ms: int) -> Target | None:
        """The target in force at an instant, by the organisation's days."""
        return self.organisation.target_of(rule, local_date(at_ms, self.zone))

    def observe(self, kind: str, changed: frozenset[int] | None, case: Case) -> list[Observation]:
        """What a case contributes to the measures that look at the changed event types (None: to all)."""
        observations: list[Observation] = []
        if not case.quarantined:
            for site in self._sites_of(kind, changed):
                site.observe(case, observations)
        return observations

    def _sites_of(self, kind: str, changed: frozenset[int] | None) -> Sequence[Site]:
        if changed is None:
            return [site for site in self._sites if site.kind == kind]
        chosen = self._chosen.get((kind, changed))
        if chosen is None:
            found = [site.looking_at(changed) for site in self._sites if site.kind == kind]
            chosen = self._chosen[kind, changed] = tuple(site for site in found if site is not None)
        return chosen

    def watching(self, kind: str, changed: frozenset[int] | None) -> Sequence[Watch]:
        """The watches of cases of a kind that look at the changed event types (None: all of them)."""
        if changed is None:
            return [watch for watch in self.watches if watch.kind == kind]
        chosen = self._chosen_watches.get((kind, changed))
        if chosen is None:
            chosen = tuple(w for w in self.watches if w.kind == kind and w.reads & changed)
            self._chosen_watches[kind, changed] = chosen
        return chosen

    def shows(self, kind: str) -> bool:
        """Whether cases of a kind show their client anything."""
        return kind in self._showing

    def views(self, kind: str, changed: frozenset[int] | None, case: Case) -> list[tuple[int, View | None]]:
        """What a case shows its client of the facts that depend on the changed event types (None: of all)."""
        if kind not in self._showing:
            return []
        return [(shown.code, _view(shown, case)) for shown in self._views_of(kind, changed)]

    def _views_of(self, kind: str, changed: frozenset[int] | None) -> Iterable[_Shown]:
        if changed is None:
            return [shown for shown in self._shown if shown.kind == kind]
        chosen = self._chosen_views.get((kind, changed))
        if chosen is None:
            chosen = tuple(s for s in self._shown if s.kind == kind and s.reads & changed)
            self._chosen_views[kind, changed] = chosen
        return chosen

    def observe_client(self, changed: Iterable[int] | None, client: Client) -> list[Observation]:
        """What a client contributes to the measures that look at the changed views (None: to all)."""
        if client.quarantined:
            return []
        codes = None if changed is None else frozenset(changed)
        return [
            seen
            for observer in self._client_observers
            if codes is None or observer.reads & codes
            for seen in observer.observe(client)
        ]


def _watches(rules: Sequence[Rule], clocks: Clocks) -> Iterable[Watch]:
    """By the rule's id, as measures are."""
    index = 0
    for rule in rules:
        watch = watch_of(index, rule, clocks)
        if watch is not None:
            yield watch
            index += 1


def _view(shown: _Shown, case: Case) -> View | None:
    said = clients.default_view(case) if shown.code == DEFAULT_CODE else case.fact(shown.code)
    return None if said is None or case.quarantined else View(said, attribute(case, shown.kind, said))


def _has_stock(rule: Rule) -> bool:
    return isinstance(rule.measure, RatioMeasure) and rule.measure.stock is not None


def _only_part(rule: Rule) -> Literal["flow", "stock"]:
    return "flow" if rule.timed else "stock"


def _shown(client_observers: Iterable[ClientObserver]) -> tuple[_Shown, ...]:
    codes = sorted({code for observer in client_observers for code in observer.reads})
    shown = []
    for code in codes:
        kind = "loan" if code == DEFAULT_CODE else BY_CODE[code].kind
        own = (
            {EVENT_TYPES[name].code for name in FACTS["loan.default"].reads}
            if code == DEFAULT_CODE
            else {code}
        )
        shown.append(_Shown(code, kind, frozenset(own) | attribution_reads(kind)))
    return tuple(shown)


def _counted(rule: Rule, organisation: Organisation) -> dict[str, object]:
    """What of a rule decides its panes: not its words, nor a target that only judges the value."""
    return {
        "id": rule.id,
        "by": rule.by,
        "measure": rule.measure.model_dump(mode="json"),
        "at_most": _limits(rule, organisation) if rule.measure.kind == "duration" else None,
    }


def _limits(rule: Rule, organisation: Organisation) -> list[tuple[str, float | str | None]]:
    """The longest lengths on target, each from a day on."""
    limits: list[tuple[str, float | str | None]] = []
    for day in (date.min, *organisation.target_days(rule)):
        target = organisation.target_of(rule, day)
        at_most = None if target is None else target.at_most
        if not limits or limits[-1][1] != at_most:
            limits.append((day.isoformat(), at_most))
    return limits


def _digest(rules: Sequence[dict[str, object]], organisation: Organisation) -> str:
    """Of all that decides what a case contributes: measures, calendars, durations' targets, time zone data, holidays, code."""
    calendars = [organisation.base_calendar, *organisation.branch_calendars.values()]
    zones = {organisation.tz, *(calendar.tz or organisation.tz for calendar in calendars)}
    said = {
        "code": CODE_VERSION,
        "rules": rules,
        "organisation": organisation.model_dump(mode="json", include={"tz", "calendar", "branch_calendars"}),
        "zones": {zone: _offsets(ZoneInfo(zone)) for zone in sorted(zones)},
        "holidays": version("holidays") if any(c.country for c in calendars) else None,
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@lru_cache(maxsize=64)
def _offsets(zone: ZoneInfo) -> str:
    """A fingerprint of a zone's offsets, day by day from 2000 to 2040."""
    start = datetime(2000, 1, 1, tzinfo=UTC)
    offsets = (str((start + timedelta(days=d)).astimezone(zone).utcoffset()) for d in range(40 * 365))
    return hashlib.sha256("".join(offsets).encode()).hexdigest()[:16]
