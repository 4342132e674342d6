"""A site is a fact of a kind of case at which measures are observed: the fact and whom it belongs to are found once for all
of them."""

from collections.abc import Callable, Iterable, Sequence

from kpi_rules.facts import FACTS
from schemas.event import Statement
from schemas.registry import EVENT_TYPES
from streams.calculus.attribution import attribute, group_name
from streams.calculus.case import Case
from streams.calculus.derived import DERIVED
from streams.calculus.observers import Observer
from streams.calculus.panes import Observation

_new = tuple.__new__  # a named tuple's own is three times as slow


class Site:
    """The observers of one fact, all timed or all untimed."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        first = observers[0]
        self.kind = first.anchor.kind
        self._anchors = anchors_of(first.anchor.name)
        self._timed = first.timed
        self._observers = tuple(observers)
        self._compiled = tuple((o.index, o.where, o.tally, o.by, o.split) for o in observers)

    def looking_at(self, changed: frozenset[int]) -> "Site | None":
        """The site with only those observers that look at the changed event types."""
        concerned = [observer for observer in self._observers if observer.reads & changed]
        return Site(concerned) if concerned else None

    def observe(self, case: Case, into: list[Observation]) -> None:
        """What the case contributes to each measure here."""
        for said in self._anchors(case):
            group = None
            names: dict[tuple[str, str], str] = {}
            for index, where, tally, by, split in self._compiled:
                if where is not None and not where(case, said):
                    continue
                if group is None:
                    group = attribute(case, self.kind, said if self._timed else None)
                counted = tally(case, said, group)
                if counted is None:
                    continue
                at, bucket, n, a, b = counted
                part = by, "" if split is None else str(split(said))
                name = names.get(part)
                if name is None:
                    name = names[part] = group_name(group, *part)
                into.append(_new(Observation, (index, at, name, bucket, n, a, b)))


def sites_of(observers: Iterable[Observer]) -> list[Site]:
    """Observers put together by their fact."""
    found: dict[tuple[str, bool], list[Observer]] = {}
    for observer in observers:
        found.setdefault((observer.anchor.name, observer.timed), []).append(observer)
    return [Site(together) for together in found.values()]


def anchors_of(name: str) -> Callable[[Case], Sequence[Statement]]:
    """Every fact of a case that may anchor an observation."""
    if name in DERIVED:
        derive, codes = DERIVED[name], tuple(EVENT_TYPES[event].code for event in FACTS[name].reads)

        def derived(case: Case) -> Sequence[Statement]:
            single, many = case.single, case.many
            for code in codes:
                if code in single or code in many:
                    found = derive(case)
                    return () if found is None else (found,)
            return ()

        return derived
    code, several = EVENT_TYPES[name].code, EVENT_TYPES[name].per is not None
    if several:
        return lambda case: case.facts(code) if code in case.many else ()

    def one(case: Case) -> Sequence[Statement]:
        found = case.single.get(code)
        return () if found is None or found.retracted else (found,)

    return one
