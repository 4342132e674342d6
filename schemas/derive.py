"""msgspec types derived from the pydantic models, through the JSON Schema that pydantic gives of them.

A keyword of the schema that is not understood here raises TypeError: a constraint cannot get lost on the way.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel

from schemas.fields import CURRENCY_PATTERN, ID_PATTERN, is_currency, is_id, time_ms
from schemas.registry import EventType

Check = Callable[[str], object]

_SILENT = frozenset({"title", "description", "default", "type"})
_CHECKED = frozenset({"pattern", "format"})
_LIMITS = {"minimum": "ge", "maximum": "le", "minLength": "min_length", "maxLength": "max_length"}
_SCALARS = {"string": str, "integer": int, "boolean": bool}
_PATTERNS: dict[str, Check] = {ID_PATTERN: is_id, CURRENCY_PATTERN: is_currency}


def event_struct(event_type: EventType, *, nullable: bool) -> type[msgspec.Struct]:
    """A struct for the events of a type, tagged by it. Its strings are free of patterns: see `checks`.

    Absent is None and null is refused; if `nullable`, absent is UNSET and null is None.
    """
    properties = event_type.model.model_json_schema()["properties"]
    return msgspec.defstruct(
        event_type.model.__name__,
        [
            *_fields(
                {name: properties[name] for name in properties if name not in ("type", "data")}, nullable
            ),
            ("data", _data_struct(event_type, nullable)),
        ],
        tag=event_type.name,
        tag_field="type",
        kw_only=True,
        gc=False,
    )


def checks(event_type: EventType) -> tuple[tuple[int, Check], ...]:
    """For each own field of the type that is a string under a pattern: its index in `values`, and its check.

    That `subject` and the members common to a topic are ids, and `time` a time, is taken for granted by who
    decodes, and made sure of here.
    """
    envelope, data = _checks_of(event_type.model), _checks_of(event_type.data)
    common = {name: data[name] for name in data if name not in event_type.fields}
    if envelope != {"subject": is_id, "time": _is_time} or set(common.values()) != {is_id}:
        raise TypeError(f"cannot derive a decoder: {event_type.name} has an envelope of its own kind")
    own = ((index, data.get(name)) for index, name in enumerate(event_type.fields))
    return tuple((index, check) for index, check in own if check is not None)


def _checks_of(model: type[BaseModel]) -> dict[str, Check]:
    properties = model.model_json_schema()["properties"]
    found = {name: _check(_value(schema)) for name, schema in properties.items()}
    return {name: check for name, check in found.items() if check is not None}


def _data_struct(event_type: EventType, nullable: bool) -> type[msgspec.Struct]:
    properties = event_type.data.model_json_schema()["properties"]
    return msgspec.defstruct(event_type.data.__name__, _fields(properties, nullable), kw_only=True, gc=False)


def _fields(properties: dict[str, Any], nullable: bool) -> list[Any]:
    fields: list[Any] = []
    for name, schema in properties.items():
        annotation = _annotation(_value(schema))
        if "default" not in schema:
            fields.append((name, annotation))
        elif nullable:
            fields.append((name, annotation | None | msgspec.UnsetType, msgspec.UNSET))
        else:
            fields.append((name, annotation, None))
    return fields


def _value(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a member when it is there and not null."""
    match schema.get("anyOf"):
        case None:
            return schema
        case [dict(value), {"type": "null"}]:
            return value
        case _:
            raise _underivable(schema)


def _annotation(schema: dict[str, Any]) -> Any:
    keywords = {keyword: schema[keyword] for keyword in schema if keyword not in _SILENT}
    if keywords.keys() == {"const"}:
        return Literal[keywords["const"]]
    if keywords.keys() == {"enum"}:
        return Literal[tuple(keywords["enum"])]
    if _check(schema) is not None:
        keywords = {keyword: keywords[keyword] for keyword in keywords if keyword not in _CHECKED}
    if schema.get("type") not in _SCALARS or not keywords.keys() <= _LIMITS.keys():
        raise _underivable(schema)
    scalar = _SCALARS[schema["type"]]
    limits = {_LIMITS[keyword]: limit for keyword, limit in keywords.items()}
    return Annotated[scalar, msgspec.Meta(**limits)] if limits else scalar


def _check(schema: dict[str, Any]) -> Check | None:
    """The check of what msgspec is not told: of a pattern, or of a time (whose check implies its pattern)."""
    match schema:
        case {"format": "date-time"}:
            return _is_time
        case {"pattern": pattern} if "format" not in schema and pattern in _PATTERNS:
            return _PATTERNS[pattern]
        case {"format": _} | {"pattern": _}:
            raise _underivable(schema)
    return None


def _underivable(schema: dict[str, Any]) -> TypeError:
    return TypeError(f"cannot derive a decoder from {schema!r}")


def _is_time(text: str) -> bool:
    try:
        time_ms(text)
    except ValueError:
        return False
    return True
