"""From events to facts, by EVENTS.md: the types, the case of an event, and the winner of each fact."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

UNASSIGNED = "unassigned"
LOANS, CLIENTS, STAFF = "loan-events", "customer-interactions", "staff-activity"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


class TypeRow(NamedTuple):
    """One row of the table of types. `per` is a field of data, or "event" where each event is a fact."""

    topic: str
    kind: str
    counts: str = "first"
    per: str | None = None


TYPES: dict[str, TypeRow] = {
    "lead.created": TypeRow(LOANS, "lead"),
    "product.offered": TypeRow(LOANS, "offer"),
    "application.submitted": TypeRow(LOANS, "loan"),
    "application.assigned": TypeRow(LOANS, "loan", per="event"),
    "documents.requested": TypeRow(LOANS, "loan", per="request_id"),
    "documents.received": TypeRow(LOANS, "loan", per="request_id"),
    "application.held": TypeRow(LOANS, "loan", per="hold_id"),
    "application.resumed": TypeRow(LOANS, "loan", per="hold_id"),
    "application.error_found": TypeRow(LOANS, "loan", per="error_id"),
    "application.decided": TypeRow(LOANS, "loan", "last"),
    "loan.funded": TypeRow(LOANS, "loan"),
    "loan.status_reported": TypeRow(LOANS, "loan", per="event"),
    "loan.defaulted": TypeRow(LOANS, "loan"),
    "loan.paid_off": TypeRow(LOANS, "loan"),
    "compliance.checked": TypeRow(LOANS, "loan", "last", per="check_id"),
    "query.received": TypeRow(CLIENTS, "query"),
    "query.answered": TypeRow(CLIENTS, "query"),
    "complaint.opened": TypeRow(CLIENTS, "complaint"),
    "complaint.resolved": TypeRow(CLIENTS, "complaint", per="event"),
    "complaint.reopened": TypeRow(CLIENTS, "complaint", per="event"),
    "satisfaction.rated": TypeRow(CLIENTS, "satisfaction", "last"),
    "nps.answered": TypeRow(CLIENTS, "nps", "last"),
    "recommendation.rated": TypeRow(CLIENTS, "recommendation_rating", "last"),
    "review.posted": TypeRow(CLIENTS, "review"),
    "knowledge.tested": TypeRow(STAFF, "knowledge", "last"),
    "forecast.resolved": TypeRow(STAFF, "forecast", "last"),
    "audit.completed": TypeRow(STAFF, "audit", "last"),
    "violation.recorded": TypeRow(STAFF, "violation"),
    "training.assigned": TypeRow(STAFF, "training"),
    "training.completed": TypeRow(STAFF, "training"),
    "certification.obtained": TypeRow(STAFF, "certification"),
    "regulation.issued": TypeRow(STAFF, "regulation"),
    "regulation.implemented": TypeRow(STAFF, "regulation"),
    "peer.rated": TypeRow(STAFF, "peer_rating", "last"),
    "team_request.received": TypeRow(STAFF, "team_request"),
    "team_request.answered": TypeRow(STAFF, "team_request"),
    "training_session.conducted": TypeRow(STAFF, "training_session"),
    "report.published": TypeRow(STAFF, "report"),
    "report.corrected": TypeRow(STAFF, "report"),
    "initiative.launched": TypeRow(STAFF, "initiative"),
    "stakeholder.rated": TypeRow(STAFF, "stakeholder_rating", "last"),
    "recommendation.made": TypeRow(STAFF, "recommendation"),
    "recommendation.implemented": TypeRow(STAFF, "recommendation"),
    "skill.assessed": TypeRow(STAFF, "skill", "last"),
}

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)")


@lru_cache(maxsize=100_000)
def time_ms(text: str) -> int:
    """An RFC 3339 time as UTC milliseconds; further digits are cut off."""
    parts = _TIME.fullmatch(text)
    if parts is None:
        raise ValueError(f"not an RFC 3339 time with an offset: {text!r}")
    day, clock, fraction, offset = parts.groups()
    whole = datetime.fromisoformat(f"{day}T{clock}{offset.upper().replace('Z', '+00:00')}")
    return (whole - EPOCH) // MS + int(((fraction or "") + "000")[:3])


def topic_of(event: Mapping[str, Any]) -> str:
    return TYPES[event["type"]].topic


def key_of(event: Mapping[str, Any]) -> str:
    """The partition key, which is also the text of the Kafka message key."""
    data: Mapping[str, Any] = event["data"]
    if topic_of(event) == STAFF:
        return data.get("officer_id") or UNASSIGNED
    return str(data["customer_id"])


class CaseId(NamedTuple):
    key: str
    kind: str
    subject: str


@dataclass(frozen=True)
class Statement:
    """What one event says of its fact."""

    type: str
    key: str
    subject: str
    time: int
    source: str
    id: str
    revision: int
    retracted: bool
    data: Mapping[str, Any]
    canonical: bytes

    @property
    def case(self) -> CaseId:
        return CaseId(self.key, TYPES[self.type].kind, self.subject)

    @property
    def instance(self) -> object:
        per = TYPES[self.type].per
        return (self.source, self.id) if per == "event" else per and self.data[per]

    @property
    def order(self) -> tuple[int, str, str, bytes]:
        """Rule 4's order among equal revisions."""
        return self.time, self.source, self.id, self.canonical

    def says(self, name: str) -> Any:
        """A field of data; None when absent or null, which are the same."""
        return self.data.get(name)


def statement(event: Mapping[str, Any]) -> Statement:
    return Statement(
        type=event["type"],
        key=key_of(event),
        subject=event["subject"],
        time=time_ms(event["time"]),
        source=event["source"],
        id=event["id"],
        revision=event.get("revision") or 0,
        retracted=event.get("retracted") or False,
        data=event["data"],
        canonical=json.dumps(event, sort_keys=True, separators=(",", ":")).encode(),
    )


@dataclass
class Case:
    """A case's facts that are not retracted, by type, in rule 4's order; `denied`: types retracted."""

    id: CaseId
    facts: dict[str, list[Statement]] = field(default_factory=lambda: defaultdict(list))
    denied: set[str] = field(default_factory=set)

    def all(self, type_name: str) -> list[Statement]:
        return self.facts.get(type_name, [])

    def one(self, type_name: str) -> Statement | None:
        """The fact of a type that has no instances, if it is there."""
        found = self.all(type_name)
        return found[0] if found else None


def winner(statements: list[Statement]) -> Statement:
    """Rule 4: the highest revision; among equals the first or the last. A decision outranks a withdrawal."""
    highest = max(s.revision for s in statements)
    equals = [s for s in statements if s.revision == highest]
    if equals[0].type == "application.decided":
        equals = [s for s in equals if s.says("outcome") != "withdrawn"] or equals
    choose = max if TYPES[equals[0].type].counts == "last" else min
    return choose(equals, key=lambda s: s.order)


def merge(events: Iterable[Mapping[str, Any]], as_of_ms: int) -> dict[CaseId, Case]:
    """All cases at as_of: rules 1 to 6."""
    facts: dict[tuple[CaseId, str, object], list[Statement]] = defaultdict(list)
    for event in events:
        said = statement(event)
        if said.time <= as_of_ms:
            facts[said.case, said.type, said.instance].append(said)
    cases: dict[CaseId, Case] = {}
    for (case_id, type_name, _), statements in facts.items():
        case = cases.setdefault(case_id, Case(case_id))
        won = winner(statements)
        if won.retracted:
            case.denied.add(type_name)
        else:
            case.facts[type_name].append(won)
    for case in cases.values():
        for found in case.facts.values():
            found.sort(key=lambda s: s.order)
    return cases
