"""Events for the tests of `schemas`, made from the contract's own table and not from the code under test."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from hypothesis import strategies as st

# topic | type | case | its own fields | which one counts, in the words of the contract
_CONTRACT = """
loan-events | lead.created | lead | referred_by?: id | first
loan-events | product.offered | offer | product: id, new_product: bool | first
loan-events | application.submitted | loan | documents_required?: int 0..1000, documents_accepted?: int 0..1000, \
amount_minor?: int 1..1000000000000, currency?: currency | first
loan-events | application.assigned | loan | stage?: id | each event is a fact
loan-events | documents.requested | loan | request_id: id | first per request_id
loan-events | documents.received | loan | request_id: id | first per request_id
loan-events | application.held | loan | hold_id: id | first per hold_id
loan-events | application.resumed | loan | hold_id: id | first per hold_id
loan-events | application.error_found | loan | error_id: id | first per error_id
loan-events | application.decided | loan | outcome: approved / declined / withdrawn, \
grade?: A / B / C / D / E, default_probability_bp?: int 0..10000 | last
loan-events | loan.funded | loan | product: id, amount_minor: int 1..1000000000000, currency: currency, \
revenue_minor?: int 0..1000000000000, lead_id?: id | first
loan-events | loan.status_reported | loan | outstanding_minor: int 0..1000000000000, currency: currency, \
days_past_due: int 0..100000 | each event is a fact
loan-events | loan.defaulted | loan | outstanding_minor: int 0..1000000000000, currency: currency | first
loan-events | loan.paid_off | loan | | first
loan-events | compliance.checked | loan | check_id: id, passed: bool | last per check_id
customer-interactions | query.received | query | | first
customer-interactions | query.answered | query | | first
customer-interactions | complaint.opened | complaint | | first
customer-interactions | complaint.resolved | complaint | | each event is a fact
customer-interactions | complaint.reopened | complaint | | each event is a fact
customer-interactions | satisfaction.rated | satisfaction | score: int 1..5 | last
customer-interactions | nps.answered | nps | score: int 0..10 | last
customer-interactions | recommendation.rated | recommendation_rating | score: int 1..5 | last
customer-interactions | review.posted | review | stars?: int 1..5 | first
staff-activity | knowledge.tested | knowledge | score: int 0..100 | last
staff-activity | forecast.resolved | forecast | accurate: bool | last
staff-activity | audit.completed | audit | score: int 0..100 | last
staff-activity | violation.recorded | violation | severity: low / medium / high / critical | first
staff-activity | training.assigned | training | due_at: time, regulatory: bool | first
staff-activity | training.completed | training | rating?: int 1..5 | first
staff-activity | certification.obtained | certification | | first
staff-activity | regulation.issued | regulation | due_at: time | first
staff-activity | regulation.implemented | regulation | | first
staff-activity | peer.rated | peer_rating | score: int 1..5 | last
staff-activity | team_request.received | team_request | | first
staff-activity | team_request.answered | team_request | | first
staff-activity | training_session.conducted | training_session | | first
staff-activity | report.published | report | | first
staff-activity | report.corrected | report | | first
staff-activity | initiative.launched | initiative | | first
staff-activity | stakeholder.rated | stakeholder_rating | score: int 1..5 | last
staff-activity | recommendation.made | recommendation | | first
staff-activity | recommendation.implemented | recommendation | | first
staff-activity | skill.assessed | skill | applied: bool | last
"""
_LENDING = "customer_id: id, officer_id?: id, branch_id?: id, product?: id, channel?: id"
_STAFF = "officer_id?: id, branch_id?: id"

ID_CHARACTERS = "ABCXYZabcxyz0189._:/@-"


class Field(NamedTuple):
    """A member as the contract's table gives it; `kind` is the text after the colon."""

    name: str
    kind: str
    required: bool


class Contract(NamedTuple):
    """A row of the contract's table; `own` are the type's own fields, `members` all that its `data` may hold."""

    topic: str
    type: str
    case: str
    own: tuple[Field, ...]
    members: tuple[Field, ...]
    counts: str


def _fields(text: str) -> tuple[Field, ...]:
    parts = (part.split(": ") for part in text.split(", ") if part)
    return tuple(Field(name.rstrip("?"), kind, not name.endswith("?")) for name, kind in parts)


def _rows() -> Iterator[Contract]:
    for line in _CONTRACT.strip().splitlines():
        topic, name, case, text, counts = (cell.strip() for cell in line.split("|"))
        own = _fields(text)
        common = _fields(_STAFF if topic == "staff-activity" else _LENDING)
        members = {field.name: field for field in (*common, *own)}
        yield Contract(topic, name, case, own, tuple(members.values()), counts)


CONTRACTS = {row.type: row for row in _rows()}


def encode(event: object) -> bytes:
    """As most producers write it."""
    return json.dumps(event).encode()


def canonical(event: dict[str, Any]) -> bytes:
    """The contract's canonical JSON, by its definition."""
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode()


def value_of(kind: str) -> Any:
    """A valid value of a kind of field."""
    if kind.startswith("int"):
        return int(kind.split("..")[1])
    examples = {"id": "x-1", "bool": True, "time": "2026-03-01T00:00:00+01:00", "currency": "EUR"}
    return examples.get(kind) or kind.split(" / ")[0]


def event_of(type_name: str, *, full: bool = True, **data: Any) -> dict[str, Any]:
    """A valid event of a type: with all the members that there are, or only those required."""
    members = {
        field.name: value_of(field.kind) for field in CONTRACTS[type_name].members if full or field.required
    }
    return {
        "specversion": "1.0",
        "source": "core",
        "id": "e-1",
        "type": type_name,
        "time": "2026-01-05T10:00:00.000Z",
        "subject": "case-1",
        "data": members | data,
    }


ids = st.text(ID_CHARACTERS, min_size=1, max_size=64).filter(lambda text: text[0].isalnum())
# Local to the offset that is drawn beside it; a year has four digits, and stays within 9999 in UTC.
_EARLIEST, _LATEST = datetime.fromisoformat("1000-01-01"), datetime.fromisoformat("9998-12-31")
_fractions = st.sampled_from(["", ".5", ".1234", ".999", ".999999999999"])
_offsets = st.sampled_from(["Z", "z", "+01:00", "-23:59", "+00:00", "-00:00"])
times = st.builds(
    lambda at, fraction, offset: f"{at:%Y-%m-%dT%H:%M:%S}{fraction}{offset}",
    st.datetimes(min_value=_EARLIEST, max_value=_LATEST),
    _fractions,
    _offsets,
)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "id": ids,
    "bool": st.booleans(),
    "time": times,
    "currency": st.text("ABCXYZ", min_size=3, max_size=3),
}


def values(kind: str) -> st.SearchStrategy[Any]:
    """The valid values of a kind of field."""
    if kind.startswith("int"):
        least, most = map(int, kind.removeprefix("int ").split(".."))
        return st.integers(least, most)
    if kind in _VALUES:
        return _VALUES[kind]
    return st.sampled_from(kind.split(" / "))


_ABSENT = object()


def _optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(_ABSENT), st.none(), strategy)


def _without_absent(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not _ABSENT}


@st.composite
def events(draw: st.DrawFn, *, utc: bool = False) -> dict[str, Any]:
    """Valid events of every type, optional members absent, null or given; `utc`: `time` as canonical JSON has it."""
    contract = draw(st.sampled_from(list(CONTRACTS.values())))
    data = {
        field.name: draw(values(field.kind) if field.required else _optional(values(field.kind)))
        for field in contract.members
    }
    written = st.datetimes(_EARLIEST).map(lambda at: at.isoformat(timespec="milliseconds") + "Z")
    event = {
        "specversion": "1.0",
        "source": draw(st.text(min_size=1, max_size=256)),
        "id": draw(st.text(min_size=1, max_size=128)),
        "type": contract.type,
        "time": draw(written if utc else times),
        "subject": draw(ids),
        "datacontenttype": draw(_optional(st.just("application/json"))),
        "revision": draw(_optional(st.integers(0, 1_000_000))),
        "retracted": draw(_optional(st.booleans())),
        "data": _without_absent(data),
    }
    return _kept_to_the_rules(_without_absent(event))


def _kept_to_the_rules(event: dict[str, Any]) -> dict[str, Any]:
    data = event["data"]
    if event["type"] == "loan.status_reported":
        event |= {name: type(event[name])() for name in ("revision", "retracted") if event.get(name)}
    if event["type"] == "application.submitted":
        counts = (data.get("documents_required"), data.get("documents_accepted"))
        if None in counts:
            data |= {name: None for name in ("documents_required", "documents_accepted") if name in data}
        else:
            data |= {"documents_required": max(counts), "documents_accepted": min(counts)}
        if data.get("currency") is None:
            data.pop("amount_minor", None)
    return event
