"""RFC 3339 with an offset, to UTC milliseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fields import time_ms, time_text

EARLIEST, LATEST = datetime.fromisoformat("0002-01-01"), datetime.fromisoformat("9998-01-01")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01T00:00:00-00:00", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T16:00:00-08:00", 0),
        ("1970-01-01T00:00:00.5Z", 500),
        ("1970-01-01T00:00:00.05Z", 50),
        ("1970-01-01T00:00:00.0019999999999Z", 1),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("1970-01-02T23:59:59.999+23:59", 86_400_000 + 59_999),
        ("2024-02-29T12:00:00Z", 1_709_208_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        ("1970-01-01T00:00:00." + "0" * 5000 + "Z", 0),
    ],
)
def test_a_time_is_utc_milliseconds_with_further_digits_cut_off(text: str, ms: int) -> None:
    assert time_ms(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "2026-01-05",
        "2026-01-05T10:00:00",
        "2026-01-05T10:00Z",
        "2026-01-05 10:00:00Z",
        "2026-01-05T10:00:00 Z",
        " 2026-01-05T10:00:00Z",
        "2026-01-05T10:00:00Z\n",
        "2026-01-05T10:00:00.Z",
        "2026-01-05T10:00:00,5Z",
        "2026-01-05T10:00:60Z",
        "2026-06-30T23:59:60Z",
        "2026-01-05T24:00:00Z",
        "2026-01-05T10:60:00Z",
        "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-00-10T10:00:00Z",
        "2026-01-00T10:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "10000-01-01T00:00:00Z",
        "2026-1-5T10:00:00Z",
        "20260105T100000Z",
        "2026-01-05T10:00:00+0100",
        "2026-01-05T10:00:00+01",
        "2026-01-05T10:00:00+24:00",
        "2026-01-05T10:00:00+01:60",
        "2026-01-05T10:00:00+1:00",
        "2026-01-05T10:00:00\u221201:00",
        "2026-01-05T10:00:0\u0661Z",
        "\u0662026-01-05T10:00:00Z",
        "2026-W02-1T10:00:00Z",
    ],
)
def test_what_is_not_rfc_3339_with_an_offset_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        time_ms(text)


@given(st.datetimes(EARLIEST, LATEST, timezones=offsets))
def test_every_instant_is_what_datetime_makes_of_it(at: datetime) -> None:
    assert time_ms(at.isoformat(timespec="microseconds")) == (at - EPOCH) // timedelta(milliseconds=1)


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_a_written_time_reads_as_it_was(ms: int) -> None:
    assert time_ms(time_text(ms)) == ms
    assert len(time_text(ms)) == len("2026-01-05T10:00:00.000Z")
