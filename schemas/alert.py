"""What goes out: the alerts that LoanPulse publishes, as CloudEvents in the topic `kpi-alerts`.

An incident begins with `alert.raised`, may be escalated, and ends with `alert.resolved`; `data.alert` names it throughout.
An event comes at least once, each time with the same `id`.
"""

from typing import Final, Literal

import msgspec

RAISED: Final = "alert.raised"
ESCALATED: Final = "alert.escalated"
RESOLVED: Final = "alert.resolved"

AlertType = Literal["alert.raised", "alert.escalated", "alert.resolved"]
AlertBand = Literal["at_risk", "breached", "off_target"]
Severity = Literal["warning", "critical"]
Ending = Literal[
    "answered",
    "withdrawn",
    "retracted",
    "paused",
    "due_moved",
    "no_target",
    "quarantined",
    "on_target",
    "too_few",
    "no_rule",
]

SEVERITIES: dict[AlertBand, Severity] = {
    "at_risk": "warning",
    "breached": "critical",
    "off_target": "warning",
}


class AlertCase(msgspec.Struct, frozen=True):
    """An open case: the loan, query … by its kind, its topic's partition key, and its own name."""

    kind: str
    key: str
    subject: str


class AlertValue(msgspec.Struct, frozen=True):
    """A windowed KPI against its target, in the rule's unit; `n` is how many observations stand behind it. `split`: the
    currency (or severity) whose series it is, "" for a KPI that has one series."""

    window: str
    value: float | None
    n: int
    numerator: int
    denominator: int | None
    at_least: float | None
    at_most: float | None
    off_since: str
    split: str = ""


class AlertData(msgspec.Struct, frozen=True):
    """What an alert is about: an open case (`case`), or a windowed KPI (`figure`).

    `band` is the one raised or escalated to; of `alert.resolved` the last one. Instants are RFC 3339 in UTC; `due_local`
    is the same as `due` with the offset of `zone`, the zone of the case's calendar. Lengths are seconds of its clock.
    `ended` says why an incident is over; one that goes on under another due time is resolved by `due_moved`, and names the
    next in `superseded_by`, which names it in `supersedes`: together they are an update, no news.
    """

    alert: str
    kpi: str
    wording: str
    kra: str
    band: AlertBand
    severity: Severity
    officer: str
    branch: str
    product: str
    channel: str
    rules: str
    link: str
    case: AlertCase | None = None
    since: str | None = None
    due: str | None = None
    due_local: str | None = None
    zone: str | None = None
    target_seconds: float | None = None
    used_seconds: float | None = None
    figure: AlertValue | None = None
    ended: Ending | None = None
    supersedes: str | None = None
    superseded_by: str | None = None


class AlertEvent(msgspec.Struct, frozen=True):
    """The CloudEvents 1.0 envelope. `time` is the instant that counted as now when it was decided."""

    id: str
    source: str
    type: AlertType
    time: str
    subject: str
    data: AlertData
    specversion: Literal["1.0"] = "1.0"
    datacontenttype: Literal["application/json"] = "application/json"


encode_alert = msgspec.json.Encoder().encode
decode_alert = msgspec.json.Decoder(AlertEvent).decode
"""Raises msgspec.DecodeError."""
