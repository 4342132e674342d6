"""The types of fields that events are made of: id, currency, time, and the bounded integers."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,63}$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"
TIME_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)

# Python's `$` also matches before a final line feed, so whole strings are checked by `fullmatch` here.
is_id = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,63}+").fullmatch
is_currency = re.compile(r"[A-Z]{3}").fullmatch

_MINUTE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):").fullmatch
_REST = re.compile(
    r"([0-5][0-9])(?:\.([0-9]{1,3})[0-9]*)?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
).fullmatch
_MINUTE_CHARACTERS = 17  # "2026-01-05T10:00:"
_REMEMBERED_CHARACTERS = 40  # a fraction may have any number of digits, the memory may not
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FIRST_MS = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_LAST_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


def time_ms(text: str) -> int:
    """UTC milliseconds since 1970 of an RFC 3339 time with offset; digits beyond the millisecond are cut off.

    Raises ValueError for anything else: no offset, a leap second, an instant outside the years 1 to 9999 UTC.
    The two halves of a text are remembered apart, since a stream repeats its minutes, and its seconds, but
    hardly its instants.
    """
    rest_ms = _rest_ms if len(text) <= _REMEMBERED_CHARACTERS else _rest_ms.__wrapped__
    ms = _minute_ms(text[:_MINUTE_CHARACTERS]) + rest_ms(text[_MINUTE_CHARACTERS:])
    if not _FIRST_MS <= ms <= _LAST_MS:
        raise ValueError("must be an instant of the years 1 to 9999 UTC")
    return ms


def time_text(ms: int) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`, as 2026-01-05T10:00:00.000Z; takes what `time_ms` gives."""
    return (_EPOCH + ms * _MILLISECOND).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def local_iso(ms: int, zone: ZoneInfo) -> str:
    """The same with the offset of a zone, as 2026-01-05T11:00:00.000+01:00."""
    return (_EPOCH + ms * _MILLISECOND).astimezone(zone).isoformat(timespec="milliseconds")


@lru_cache(maxsize=65_536)
def _minute_ms(text: str) -> int:
    found = _MINUTE(text)
    if found is None:
        raise _not_a_time()
    try:
        year, month, day, hour, minute = map(int, found.groups())
        return (datetime(year, month, day, hour, minute, tzinfo=UTC) - _EPOCH) // _MILLISECOND
    except ValueError:
        raise _not_a_time() from None


@lru_cache(maxsize=65_536)
def _rest_ms(text: str) -> int:
    """Milliseconds of the seconds and their fraction, less the offset: 10:00+01:00 is 9:00Z."""
    found = _REST(text)
    if found is None:
        raise _not_a_time()
    seconds, fraction, sign, hours, minutes = found.groups()
    ms = int(seconds) * 1000 + int((fraction or "").ljust(3, "0"))
    if sign is None:
        return ms
    offset = (int(hours) * 60 + int(minutes)) * 60_000
    return ms - offset if sign == "+" else ms + offset


def _not_a_time() -> ValueError:
    return ValueError("must be RFC 3339 with an offset and no leap second, such as 2026-01-05T10:00:00.000Z")


def _checked_time(text: str) -> str:
    time_ms(text)
    return text


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Currency = Annotated[str, StringConstraints(pattern=CURRENCY_PATTERN)]
Time = Annotated[
    str,
    AfterValidator(_checked_time),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": TIME_PATTERN}),
]

MAX_MINOR = 1_000_000_000_000
Amount = Annotated[int, Field(ge=1, le=MAX_MINOR, description="minor units of `currency`")]
AmountOrZero = Annotated[int, Field(ge=0, le=MAX_MINOR, description="minor units of `currency`")]
Documents = Annotated[int, Field(ge=0, le=1000)]
DaysPastDue = Annotated[int, Field(ge=0, le=100_000)]
BasisPoints = Annotated[int, Field(ge=0, le=10_000, description="0.01 %")]
OneToFive = Annotated[int, Field(ge=1, le=5)]
ZeroToTen = Annotated[int, Field(ge=0, le=10)]
Percent = Annotated[int, Field(ge=0, le=100)]
Revision = Annotated[int, Field(ge=0, le=1_000_000)]
