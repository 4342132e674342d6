"""From happenings to events as systems send them: late, twice, corrected, taken back, some without an officer."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from loanpulse.lab.simulator.hours import DAY, HOUR
from loanpulse.lab.simulator.story import Data, Happening
from schemas.fields import time_text
from schemas.registry import EVENT_TYPES

Event = dict[str, Any]
"""A CloudEvents object, as EVENTS.md has it."""

_NAMELESS = 0.012
_REPEATED = 0.01
_RETOLD = 0.003
_SLOW, _VERY_LATE = 0.023, 0.002
_SOURCES = {"loan-events": "los", "customer-interactions": "crm", "staff-activity": "hr"}
_SOURCE_OF = {name: _SOURCES[event_type.topic] for name, event_type in EVENT_TYPES.items()}


class Statement(NamedTuple):
    """One event before it is written; `number` tells apart what arrives in one millisecond."""

    arrival: int
    number: int
    happening: Happening
    id: str
    revision: int = 0
    retracted: bool = False


def _all_documents(_rng: Random, data: Data) -> Data:
    required = data.get("documents_required")
    return data if required is None else data | {"documents_accepted": required}


def _other_amount(rng: Random, data: Data) -> Data:
    return data | {"amount_minor": data["amount_minor"] + rng.randint(1, 50) * 1000}


def _other_score(_rng: Random, data: Data) -> Data:
    return data | {"score": data["score"] - 1 if data["score"] > 1 else data["score"] + 1}


def _longer(_rng: Random, data: Data) -> Data:
    return data | {"due_at": data["due_at"] + 14 * DAY} if "due_at" in data else data


_REVISED: dict[str, tuple[float, Callable[[Random, Data], Data]]] = {
    "application.submitted": (0.03, _all_documents),
    "loan.funded": (0.008, _other_amount),
    "satisfaction.rated": (0.01, _other_score),
    "knowledge.tested": (0.02, _other_score),
    "audit.completed": (0.03, _other_score),
    "training.assigned": (0.05, _longer),
}
_RETRACTED = {
    "application.error_found": 0.1,
    "violation.recorded": 0.15,
    "loan.defaulted": 0.06,
    "loan.funded": 0.002,
    "complaint.opened": 0.01,
    "lead.created": 0.004,
    "peer.rated": 0.01,
}


class Disorder:
    """Makes statements of happenings. An event never arrives before it happened."""

    def __init__(self, rng: Random) -> None:
        self._rng, self._number = rng, 0

    def statements(self, happening: Happening, earliest: int) -> Iterator[Statement]:
        """The event of a happening, none arriving before `earliest`, and what is sent about it afterwards."""
        rng = self._rng
        if rng.random() < _NAMELESS and "officer_id" in happening.data:
            rest = {name: value for name, value in happening.data.items() if name != "officer_id"}
            happening = happening._replace(data=rest)
        first = self._statement(max(happening.at + self._delay(), earliest), happening, self._new_id())
        yield first
        if rng.random() < _REPEATED:
            yield self._statement(first.arrival + rng.randint(1, HOUR), happening, first.id)
        if rng.random() < _RETOLD:
            yield self._statement(first.arrival + rng.randint(1, HOUR), happening, self._new_id())
        yield from self._corrections(first)

    def late(self, happening: Happening, arrival: int) -> Statement:
        """The event of a happening that is sent only now."""
        return self._statement(arrival, happening, self._new_id())

    def _corrections(self, first: Statement) -> Iterator[Statement]:
        rng, happening = self._rng, first.happening
        revised = _REVISED.get(happening.type)
        if revised is not None and rng.random() < revised[0]:
            restated = happening._replace(data=revised[1](rng, happening.data))
            yield self._statement(first.arrival + rng.randint(HOUR, 6 * DAY), restated, first.id, 1)
        if rng.random() < _RETRACTED.get(happening.type, 0.0):
            arrival = first.arrival + rng.randint(HOUR, 12 * DAY)
            yield self._statement(arrival, happening, first.id, 2, retracted=True)

    def _delay(self) -> int:
        draw = self._rng.random()
        if draw < _VERY_LATE:
            return self._rng.randint(DAY, 5 * DAY)
        if draw < _SLOW:
            return int(self._rng.expovariate(1 / (6 * HOUR)))
        return self._rng.randint(20, 3000)

    def _new_id(self) -> str:
        return f"e-{self._number + 1:08}"

    def _statement(
        self, arrival: int, happening: Happening, event_id: str, revision: int = 0, *, retracted: bool = False
    ) -> Statement:
        self._number += 1
        return Statement(arrival, self._number, happening, event_id, revision, retracted)


def written(statement: Statement) -> Event:
    """The statement as a CloudEvents object."""
    happening = statement.happening
    data = happening.data
    if "due_at" in data:
        data = data | {"due_at": time_text(data["due_at"])}
    event: Event = {
        "specversion": "1.0",
        "id": statement.id,
        "source": _SOURCE_OF[happening.type],
        "type": happening.type,
        "time": time_text(happening.at),
        "subject": happening.subject,
        "data": data,
    }
    if statement.revision:
        event["revision"] = statement.revision
    if statement.retracted:
        event["retracted"] = True
    return event
