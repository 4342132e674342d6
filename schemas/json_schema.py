"""The contract as JSON Schema, one for each event type, for producers that are not written in Python."""

from typing import Any

from schemas.registry import EVENT_TYPES
from schemas.rules import RULES

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, dict[str, Any]]:
    """Event type to the schema of its whole envelope, in the order of the table.

    Two things are beyond JSON Schema: accepted documents ≤ required ones, and that no member may be nested
    200 deep. A third is beyond us: to JSON Schema 1.0 is an integer, to `decode` it is not.
    """
    return {
        name: {
            "$schema": _DIALECT,
            **event_type.model.model_json_schema(),
            "title": name,
            **({"allOf": [RULES[name].json_schema]} if name in RULES else {}),
        }
        for name, event_type in EVENT_TYPES.items()
    }
