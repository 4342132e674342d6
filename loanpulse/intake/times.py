"""Times of events as exports write them, made RFC 3339."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from schemas.fields import time_ms

_CLOCK = re.compile(r"%-?[HIMSfpcXTRrs]")
_MS = timedelta(milliseconds=1)


class Reading(NamedTuple):
    """How a text is read; `zone` is for one without an offset, `ends_day` puts a day without a time of day at its end."""

    format: str
    zone: tzinfo
    ends_day: bool = False


def time_text(text: str, reading: Reading, days: int = 0) -> str:
    """RFC 3339 where the text can be read, `days` later; a wall time that occurs twice is its first occurrence.

    What cannot be read stays as it is written.
    """
    if reading.format == "iso" and not days and _is_rfc3339(text):
        return text
    try:
        moment, is_day = _moment(text, reading.format)
        return _utc(moment + timedelta(days=days), reading, is_day=is_day)
    except (ValueError, OverflowError, OSError):
        return text


def _moment(text: str, form: str) -> tuple[datetime, bool]:
    """What is written, and whether that is a day only."""
    if form == "iso":
        return datetime.fromisoformat(text), _is_day(text)
    if form == "epoch_seconds":
        return datetime.fromtimestamp(float(text), UTC), False
    if form == "epoch_milliseconds":
        return datetime.fromtimestamp(int(text) / 1000, UTC), False
    return datetime.strptime(text, form), _CLOCK.search(form) is None  # noqa: DTZ007  # the zone is the mapping's


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _utc(moment: datetime, reading: Reading, *, is_day: bool) -> str:
    if is_day and reading.ends_day:
        midnight = datetime.combine(moment.date() + timedelta(days=1), time(), reading.zone)
        moment = midnight.astimezone(UTC) - _MS
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=reading.zone)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _is_rfc3339(text: str) -> bool:
    try:
        time_ms(text)
    except ValueError:
        return False
    return True
