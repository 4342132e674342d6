"""Why an event is refused, in words for whoever sent it: the field, what it holds, and the rule."""

from typing import Any, Literal

from pydantic import ValidationError

from schemas.fields import CURRENCY_PATTERN, ID_PATTERN

Reason = Literal["undecodable", "invalid", "unknown_type"]

_LONGEST_VALUE = 100


class Rejected(ValueError):  # noqa: N818  # a verdict on the input, not an error of ours
    """An event to dead-letter; the whole of the tree of errors that `decode` raises.

    `undecodable`: not a JSON object in UTF-8, or too large. `unknown_type`: `type` is none of the 44.
    `invalid`: breaks a rule. `field` is the path of the member, as `data.score`; `value` is what it holds, at
    most 100 characters of its repr; both None where they make no sense.
    """

    def __init__(
        self, reason: Reason, message: str, field: str | None = None, value: str | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.field = field
        self.value = value


def invalid(field: str, value: object, rule: str, *, reason: Reason = "invalid") -> Rejected:
    """A field that holds what it must not, as in "data.score is 7: must be at most 5"."""
    shown = shorten(value)
    return Rejected(reason, f"{field} is {shown}: {rule}", field, shown)


def missing(field: str, rule: str) -> Rejected:
    """A field that must be there."""
    return Rejected("invalid", f"{field} is missing: {rule}", field)


def shorten(value: object) -> str:
    """The repr of what JSON gave, cut off at 100 characters."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def from_validation(error: ValidationError) -> Rejected:
    """The first of the rules that pydantic found broken, in the order of the fields."""
    first = error.errors(include_url=False)[0]
    context: dict[str, Any] = first.get("ctx", {})
    if first["type"] == "rule":
        field, value, rule = context["field"], context["value"], context["rule"]
        return missing(field, rule) if value is None else invalid(field, value, rule)
    field = ".".join(str(step) for step in first["loc"])
    if first["type"] == "missing":
        return missing(field, "must be given")
    return invalid(field, first["input"], _rule(first["type"], context, first["msg"]))


_PATTERNS = {
    ID_PATTERN: "must be an id: 1 to 64 characters A-Z a-z 0-9 . _ : / @ -, the first a letter or digit",
    CURRENCY_PATTERN: "must be an ISO 4217 currency: three capitals",
}
_RULES = {
    "int_type": "must be an integer",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "model_type": "must be an object",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} character",
    "string_too_long": "must have at most {max_length} characters",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}


def _rule(kind: str, context: dict[str, Any], otherwise: str) -> str:
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], otherwise)
    return _RULES[kind].format_map(context) if kind in _RULES else otherwise
