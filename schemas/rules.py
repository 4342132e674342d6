"""The rules of EVENTS.md that join several members of one event, one row per event type that has any.

pydantic's validator and the fast decoder call the same functions, each with its own object of the same
attributes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple


class Broken(NamedTuple):
    """Which member breaks a rule, what it holds (None: it is missing), and the rule, as in "must be …"."""

    field: str
    value: object
    rule: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule and how JSON Schema says as much of it as JSON Schema can."""

    broken: Callable[[Any], Broken | None]
    json_schema: dict[str, Any]


def _submission(event: Any) -> Broken | None:
    """Both document counts or neither, no more accepted than required, no amount without its currency."""
    data = event.data
    required, accepted = data.documents_required, data.documents_accepted
    if required is None and accepted is not None:
        return Broken("data.documents_required", None, "must be given, since documents_accepted is")
    if accepted is None and required is not None:
        return Broken("data.documents_accepted", None, "must be given, since documents_required is")
    if required is not None and accepted > required:
        return Broken("data.documents_accepted", accepted, f"must be at most documents_required, {required}")
    if data.amount_minor is not None and data.currency is None:
        return Broken("data.currency", None, "must be given, since amount_minor is")
    return None


def _never_revised(event: Any) -> Broken | None:
    if event.revision:
        return Broken(
            "revision", event.revision, "must be 0: a status report is never revised, send a later one"
        )
    if event.retracted:
        return Broken("retracted", True, "must be false: a status report is never revised, send a later one")
    return None


def _needs(field: str, other: str) -> dict[str, Any]:
    """In `data`: where `field` is given, `other` is; null is as good as absent."""
    given = {
        name: {"properties": {name: {"not": {"type": "null"}}}, "required": [name]} for name in (field, other)
    }
    return {"if": given[field], "then": given[other]}


RULES: dict[str, Rule] = {
    "application.submitted": Rule(
        _submission,
        {
            "properties": {
                "data": {
                    "allOf": [
                        _needs("documents_accepted", "documents_required"),
                        _needs("documents_required", "documents_accepted"),
                        _needs("amount_minor", "currency"),
                    ]
                }
            }
        },
    ),
    "loan.status_reported": Rule(
        _never_revised,
        {"properties": {"revision": {"enum": [0, None]}, "retracted": {"enum": [False, None]}}},
    ),
}
