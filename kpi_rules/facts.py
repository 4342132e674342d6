"""What rules may speak of: the facts of each kind of case, and the derived facts that several KPIs share.

A derived fact is a definition of the catalogue ("in default", "on the book") that more than one KPI needs; it is
computed from a case's facts by the calculus and read by rules like any other fact.
"""

from dataclasses import dataclass
from typing import get_args

from schemas.fields import Time
from schemas.registry import EVENT_TYPES

ATTRIBUTES = ("officer_id", "branch_id", "product", "channel")


@dataclass(frozen=True)
class FactType:
    """A fact as rules see it: its name, the kind of case that has it, its fields, and the event types it is read from."""

    name: str
    kind: str
    fields: tuple[str, ...]
    reads: tuple[str, ...]
    lending: bool
    per: bool
    """Whether a case may have several."""


def _of_events() -> list[FactType]:
    return [
        FactType(t.name, t.kind, t.fields, (t.name,), t.lending, t.per is not None)
        for t in EVENT_TYPES.values()
    ]


_DEFAULT_READS = ("loan.defaulted", "loan.status_reported", "loan.paid_off")
_DERIVED = [
    FactType("loan.default", "loan", ("balance_minor", "currency"), _DEFAULT_READS, True, False),
    FactType("loan.matured", "loan", ("outcome",), _DEFAULT_READS, True, False),
    FactType(
        "loan.book",
        "loan",
        ("outstanding_minor", "currency", "days_past_due", "in_default"),
        ("loan.funded", *_DEFAULT_READS),
        True,
        False,
    ),
    FactType(
        "complaint.closed",
        "complaint",
        (),
        ("complaint.resolved", "complaint.reopened"),
        True,
        False,
    ),
]

FACTS: dict[str, FactType] = {fact.name: fact for fact in (*_of_events(), *_DERIVED)}
"""Every fact by name. `loan.default`: when and with what balance a loan went into default. `loan.matured`: repaid or
in default, the first of the two. `loan.book`: a loan on the book as it stands. `complaint.closed`: the first resolution
after the last reopening."""

OPENINGS: dict[str, str] = {t.kind: t.name for t in EVENT_TYPES.values() if t.opening}
"""The event that opens each kind of case, where the kind has one."""


def is_time(fact: str, field: str) -> bool:
    """Whether a field of an event's own holds an instant."""
    found = EVENT_TYPES[fact].data.model_fields.get(field) if fact in EVENT_TYPES else None
    return found is not None and get_args(Time)[1] in found.metadata


@dataclass(frozen=True)
class Path:
    """A field of a fact. `fact` None means the anchor's own field; `field` None means the fact itself."""

    fact: str | None
    field: str | None


def parse_path(text: str) -> Path:
    """`score` is the anchor's field, `application.decided.grade` another fact's field, `report.corrected` a fact."""
    if text in FACTS:
        return Path(text, None)
    fact, _, field = text.rpartition(".")
    return Path(fact or None, field)
