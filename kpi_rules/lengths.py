"""Lengths of time as rules write them: `4 hours`, `5 business days`, `8 weeks`."""

import re
from typing import NamedTuple

_UNIT_MS = {
    "ms": 1,
    "second": 1_000,
    "minute": 60_000,
    "hour": 3_600_000,
    "day": 24 * 3_600_000,
    "week": 7 * 24 * 3_600_000,
}
_SHORT = {
    "s": "second",
    "m": "minute",
    "min": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "bd": "business day",
}
_TEXT = re.compile(r"(\d+(?:\.\d+)?)\s*(business days?|[a-z]+)")


PLAIN_UNITS = (
    *_UNIT_MS,
    *(f"{unit}s" for unit in _UNIT_MS if unit != "ms"),
    *(u for u in _SHORT if u != "bd"),
)
BUSINESS_UNITS = ("business day", "business days", "bd")
"""Units as they may be written, in any case."""


class Length(NamedTuple):
    """So many ms, and so many business days of a calendar."""

    ms: int
    business_days: float = 0.0


def parse_length(text: str) -> Length:
    """A length as written. ValueError names the text and shows the form."""
    match = _TEXT.fullmatch(text.strip().lower())
    if match:
        number, unit = float(match[1]), _SHORT.get(match[2], match[2])
        singular = unit if unit in _UNIT_MS else unit.removesuffix("s")
        if singular == "business day":
            return Length(0, number)
        if singular in _UNIT_MS:
            return Length(round(number * _UNIT_MS[singular]))
    raise ValueError(
        f"{text!r} is not a length of time: write e.g. 4 hours, 90 minutes, 60 days or 5 business days"
    )


def measured(bound: float | str) -> tuple[str, float]:
    """In what a bound is measured, and how much: a number is seconds; business days have no length without a calendar."""
    if not isinstance(bound, str):
        return "ms", bound * 1000
    length = parse_length(bound)
    return ("business days", length.business_days) if length.business_days else ("ms", length.ms)
