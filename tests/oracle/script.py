"""Short hand for tests: events in one line each, and one row out of many."""

from collections.abc import Iterable
from typing import Any

from tests.oracle.facts import STAFF, TYPES, time_ms
from tests.oracle.speaker import Event
from tests.oracle.tally import Row

Money = dict[str, Any]
REQUIRED: dict[str, dict[str, Any]] = {
    "product.offered": {"product": "car", "new_product": True},
    "application.decided": {"outcome": "approved"},
    "loan.funded": {"product": "home", "amount_minor": 100, "currency": "EUR"},
    "loan.status_reported": {"outstanding_minor": 100, "currency": "EUR", "days_past_due": 0},
    "loan.defaulted": {"outstanding_minor": 100, "currency": "EUR"},
    "training.assigned": {"due_at": "2026-06-01T00:00:00Z", "regulatory": True},
}


def utc(text: str) -> str:
    """`2026-01-05 10:00` (seconds and fraction optional) as RFC 3339 in UTC."""
    day, clock = text.split(" ") if " " in text else (text, "00:00")
    return f"{day}T{clock}{':00' if clock.count(':') == 1 else ''}Z"


def ms(text: str) -> int:
    return time_ms(utc(text))


def said(
    type_name: str,
    subject: str,
    time: str,
    *,
    key: str | None = None,
    id: str | None = None,  # noqa: A002  # the attribute's own name
    source: str = "core",
    revision: int = 0,
    retracted: bool = False,
    **data: Any,
) -> Event:
    """An event at a UTC time. `key`: the customer (`c` by default) or, in staff-activity, the officer."""
    owner = "officer_id" if TYPES[type_name].topic == STAFF else "customer_id"
    named = key if owner == "officer_id" else key or "c"
    own = {owner: named} if named else {}
    return {
        "specversion": "1.0",
        "source": source,
        "id": id or f"{type_name}/{subject}/{time}",
        "type": type_name,
        "time": utc(time),
        "subject": subject,
        "revision": revision,
        "retracted": retracted,
        "data": REQUIRED.get(type_name, {}) | own | data,
    }


def row(rows: Iterable[Row], kpi: str, window: str, **group: str) -> Row:
    """The one row of a KPI, window and group; KeyError if there is none."""
    found = [r for r in rows if (r["kpi"], r["window"], r["group"]) == (kpi, window, group)]
    if not found:
        raise KeyError(f"no row {kpi} {window} {group}")
    (only,) = found
    return only


def parts(rows: Iterable[Row], kpi: str, window: str, **group: str) -> tuple[int, int | None]:
    only = row(rows, kpi, window, **group)
    return only["numerator"], only["denominator"]
