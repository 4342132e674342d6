"""An account of one case, or of one client, for one measure: each fact that comes near, and what it counts or why not.

What an account counts is what the program observes: the observers are the same.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from kpi_rules.facts import FACTS
from kpi_rules.measures import (
    Anchored,
    ConversionMeasure,
    DistinctMeasure,
    LevelMeasure,
    PerClientMeasure,
    RatioMeasure,
)
from kpi_rules.model import Rule
from schemas.event import Statement
from schemas.registry import BY_CODE, EVENT_TYPES
from streams.calculus.attribution import Group, attribute, group_name
from streams.calculus.case import Case
from streams.calculus.client import DEFAULT_CODE, Client, ClientObserver, View, chances, selected, split_of
from streams.calculus.exclusions import QUARANTINED, RETRACTED, Exclusions, Observable, Value, fact_of
from streams.calculus.observers import Observer, stock_level
from streams.calculus.panes import Observation
from streams.calculus.paths import finder
from streams.calculus.program import Measure, Program
from streams.calculus.sites import anchors_of

FIRST_OF_CLIENT = "the client's first"
EARLIER_OF_CLIENT = "an earlier one of a client, who counts at the latest"
SAME_CHANCE = "a later opening of the same chance"
_NO_CASE = Case()


class Entry(NamedTuple):
    """One fact that a measure looks at; `seen` is what it counts there, or None and then `why` says why not.

    `at`: where it stands, or would (None: as of now). `group`: whom it belongs to there. `own`: whom the fact itself
    belongs to, where the client that it is counted with has moved on. `opened` and `success` are a conversion's.
    """

    at: int | None
    group: Group
    own: Group
    seen: Observation | None
    why: str = ""
    said: Statement | None = None
    read: Mapping[str, Value] = MappingProxyType({})
    opened: int | None = None
    success: str = ""
    """The subject of the case that won it; empty where it was its own."""
    success_at: int | None = None
    """When a success came, in time or not."""


class CaseAccount:
    """Accounts of cases of one kind for a measure that looks at cases one by one."""

    def __init__(self, measure: Measure, observer: Observer) -> None:
        self._measure, self._observer = definition_of(measure), observer
        self.kind = observer.anchor.kind
        self._anchors = anchors_of(observer.anchor.name)
        self._exclusions = Exclusions(self._measure)

    def of(self, case: Case) -> Iterator[Entry]:
        anchors = self._anchors(case)
        if case.quarantined:
            yield from (self._left_out(case, said.at, QUARANTINED, said) for said in anchors)
            return
        for said in anchors:
            yield self._entry(case, said)
        if not anchors or self._observer.anchor.per:
            for at, why in self._exclusions.absent(case):
                yield self._left_out(case, at, why)

    def _entry(self, case: Case, said: Statement) -> Entry:
        observer = self._observer
        refused = self._exclusions.refused(case, said)
        if refused:
            return self._left_out(case, said.at, refused, said)
        group = attribute(case, self.kind, said if observer.timed else None)
        counted = observer.tally(case, said, group)
        if counted is None:
            return self._left_out(case, said.at, self._exclusions.lacking(case, said), said)
        split = "" if observer.split is None else str(observer.split(said))
        at, bucket, n, a, b = counted
        name = group_name(group, observer.by, split)
        seen = Observation(observer.index, at, name, bucket, n, a, b)
        entry = Entry(at, group, group, seen, said=said, read=self._exclusions.read(case, said))
        return self._with_success(case, entry)

    def _with_success(self, case: Case, entry: Entry) -> Entry:
        if not isinstance(self._measure, ConversionMeasure) or entry.said is None:
            return entry
        success = finder(self._measure.success)(case)
        return entry._replace(opened=entry.said.at, success_at=None if success is None else success.at)

    def _left_out(self, case: Case, at: int | None, why: str, said: Statement | None = None) -> Entry:
        group = attribute(case, self.kind, said if self._observer.timed else None)
        return Entry(at if self._observer.timed else None, group, group, None, why, said)


class ClientAccount:
    """Accounts of clients for a measure that looks across the cases of each."""

    def __init__(self, measure: Measure, observer: ClientObserver) -> None:
        definition = measure.rule.measure
        assert isinstance(definition, (DistinctMeasure, PerClientMeasure, ConversionMeasure))
        anchor = fact_of(definition)
        self.kind = FACTS[anchor].kind
        self.reads = observer.reads
        kinds = ("loan" if code == DEFAULT_CODE else BY_CODE[code].kind for code in sorted(observer.reads))
        self.kinds = tuple(dict.fromkeys(kinds))
        """The kinds of cases that show their client what is looked at."""
        self._code = EVENT_TYPES[anchor].code
        self._observe = observer.observe
        self._exclusions = Exclusions(definition)
        self._entries = _entries_of(measure.rule, definition)

    def of(self, client: Client) -> Iterator[tuple[str, Entry]]:
        """Each fact with the subject of its case."""
        for subject, view in client.of(self._code).items():
            refused = self._exclusions.refused(_NO_CASE, view.said)
            if refused:
                yield subject, _left_out(view, refused)
        for subject, entry in self._entries(client, iter(self._observe(client))):
            yield subject, entry._replace(seen=None, why=QUARANTINED) if client.quarantined else entry

    def of_case(self, case: Case) -> Iterator[Entry]:
        """What a case does not even show its client."""
        if case.quarantined:
            facts = [(said.at, QUARANTINED) for said in case.facts(self._code)]
        else:
            said = case.single.get(self._code)
            facts = [] if said is None or not said.retracted else [(said.at, RETRACTED)]
        for at, why in facts:
            group = attribute(case, self.kind, None)
            yield Entry(at, group, group, None, why)


Entries = Callable[[Client, Iterator[Observation]], Iterator[tuple[str, Entry]]]
"""A client's facts in the order in which it is observed, each put together with its observation."""


def _entries_of(rule: Rule, definition: DistinctMeasure | PerClientMeasure | ConversionMeasure) -> Entries:
    if isinstance(definition, ConversionMeasure):
        return _conversions(definition)
    code, split = EVENT_TYPES[definition.anchor].code, split_of(rule, definition.anchor)
    select = selected(code, definition.anchor, definition.where)

    def of_each_split(client: Client) -> Iterator[list[tuple[str, View]]]:
        found: dict[str, list[tuple[str, View]]] = {}
        for subject, view in select(client):
            found.setdefault(split(view.said), []).append((subject, view))
        yield from found.values()

    if isinstance(definition, DistinctMeasure):
        return _distinct(of_each_split, after_first=definition.after_first)
    return _amounts(of_each_split)


OfEachSplit = Callable[[Client], Iterator[list[tuple[str, View]]]]


def _distinct(of_each_split: OfEachSplit, *, after_first: bool) -> Entries:
    def entries(client: Client, seen: Iterator[Observation]) -> Iterator[tuple[str, Entry]]:
        for facts in of_each_split(client):
            for number, (subject, view) in enumerate(facts):
                if after_first and number == 0:
                    yield subject, _left_out(view, FIRST_OF_CLIENT)
                elif number < len(facts) - 1:
                    yield subject, _left_out(view, EARLIER_OF_CLIENT)
                else:
                    yield subject, _counted(view, view, next(seen))

    return entries


def _amounts(of_each_split: OfEachSplit) -> Entries:
    def entries(client: Client, seen: Iterator[Observation]) -> Iterator[tuple[str, Entry]]:
        for facts in of_each_split(client):
            _, last = facts[-1]
            for (subject, view), observed in zip(facts, seen, strict=False):
                yield subject, _counted(view, last, observed)

    return entries


def _conversions(definition: ConversionMeasure) -> Entries:
    select, chances_of = (
        selected(EVENT_TYPES[definition.opening].code, definition.opening, definition.where),
        chances(definition),
    )
    successes = EVENT_TYPES[definition.success].code

    def entries(client: Client, seen: Iterator[Observation]) -> Iterator[tuple[str, Entry]]:
        taken = set()
        for chance in chances_of(client):
            taken.add(chance.subject)
            entry = _counted(chance.view, chance.view, next(seen))
            won = client.of(successes).get(chance.by)
            yield (
                chance.subject,
                entry._replace(
                    opened=chance.view.said.at,
                    success=chance.by,
                    success_at=None if won is None else won.said.at,
                ),
            )
        for subject, view in select(client):
            if subject not in taken:
                yield subject, _left_out(view, SAME_CHANCE)

    return entries


def _counted(view: View, counted_with: View, seen: Observation) -> Entry:
    return Entry(seen.at, counted_with.group, view.group, seen, said=view.said)


def _left_out(view: View, why: str) -> Entry:
    return Entry(view.said.at, view.group, view.group, None, why, view.said)


def definition_of(measure: Measure) -> Observable:
    """What a measure observes; the stock of a ratio is a level."""
    definition = measure.rule.measure
    if measure.part == "stock" and isinstance(definition, RatioMeasure) and definition.stock is not None:
        return stock_level(definition.stock, definition.split)
    assert isinstance(definition, (Anchored, ConversionMeasure, LevelMeasure))
    return definition


def account_of(program: Program, measure: Measure) -> CaseAccount | ClientAccount:
    """The accounts of one measure of a program."""
    observer = program.observer_of(measure)
    if isinstance(observer, Observer):
        return CaseAccount(measure, observer)
    return ClientAccount(measure, observer)
