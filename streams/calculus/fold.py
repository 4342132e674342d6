"""Folds a batch of events into cases: what the batch changes, case by case, whatever the rules are.

What a batch does is a function of the state that it finds and of its events; nothing here reads a clock or a server.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from schemas.event import Event
from streams.calculus.case import Case, decode_case, encode_case, merge, standing
from streams.calculus.retention import NEVER_TOO_OLD


class Fate(Enum):
    """What became of an event. Every event has one; dead letters have theirs before they get here."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"


CaseName = tuple[str, str, str]
"""Kind, partition key, subject."""


class Change(NamedTuple):
    """A case before and after a batch.

    `before` is None for a case that was not counted before: then all of it is new. `types` are the codes of the event
    types of which a fact changed; None if the whole case is to be counted anew.
    """

    identity: bytes
    name: CaseName
    before: Case | None
    after: Case
    types: frozenset[int] | None


class _Touched:
    """A case of the batch; `before` is as it was, once a statement was to be merged."""

    __slots__ = ("before", "case", "changed", "known", "name")

    def __init__(self, name: CaseName, blob: bytes | None) -> None:
        self.name = name
        self.known = blob is not None
        self.case = Case() if blob is None else decode_case(blob)
        self.before: Case | None = None
        self.changed: set[int] = set()


_NOTHING = Case()


@dataclass(frozen=True)
class Folded:
    """What a batch changed, and the blobs to store by case id."""

    changes: list[Change]
    cases: dict[bytes, bytes]
    quarantined: int
    """How many more cases hold too many instances to be observed than before."""


class Fold:
    """One batch: load, merge each event, finish."""

    def __init__(self) -> None:
        self._touched: dict[bytes, _Touched] = {}

    def load(self, cases: Iterable[tuple[bytes, CaseName, bytes | None]]) -> None:
        """The state before the batch: each case's id, name and blob."""
        for identity, name, blob in cases:
            self._touched[identity] = _Touched(name, blob)

    def merge(self, name: bytes, event: Event, oldest: int) -> Fate:
        """Merge an event into its case; `oldest` is the time before which an unknown case may be too old to be begun."""
        touched = self._touched[name]
        is_old = event.statement.at < oldest and event.type.kind not in NEVER_TOO_OLD
        if is_old and not touched.known and not touched.changed:
            return Fate.EXPIRED
        if standing(touched.case, event) == event.statement:
            return Fate.DUPLICATE
        if touched.before is None:
            touched.before = touched.case.copy() if touched.known else _NOTHING
        if merge(touched.case, event):
            touched.changed.add(event.type.code)
        return Fate.APPLIED

    def finish(self) -> Folded:
        """What all that comes to."""
        changes: list[Change] = []
        cases: dict[bytes, bytes] = {}
        quarantined = 0
        for identity, touched in self._touched.items():
            before = touched.before
            if not touched.changed or before is None:
                continue
            types: frozenset[int] | None = frozenset(touched.changed)
            if touched.case.quarantined != before.quarantined:
                quarantined += touched.case.quarantined - before.quarantined
                types = None
            changes.append(
                Change(identity, touched.name, before if touched.known else None, touched.case, types)
            )
            cases[identity] = encode_case(touched.case)
        return Folded(changes, cases, quarantined)
