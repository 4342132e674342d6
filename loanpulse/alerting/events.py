"""The events that tell of a KPI off target, as schemas/alert.py says them."""

import hashlib
import json
from typing import NamedTuple

from msgspec.structs import replace

from loanpulse.alerting.figures import Figure, Name
from loanpulse.board.snapshot import iso
from schemas.alert import SEVERITIES, AlertData, AlertEvent, AlertType, AlertValue, Ending


class Place(NamedTuple):
    """Where a decision is made: the events' source, the digest of the rules, and what stands before links."""

    source: str
    rules: str
    link_base: str


def raised_data(name: Name, figure: Figure, off_since_ms: int, place: Place) -> AlertData:
    """A new incident, named by the figure, the target that it is off, and since when."""
    return AlertData(
        alert=_incident(name, figure, off_since_ms),
        kpi=name.kpi,
        wording=figure.rule.wording,
        kra=figure.kra,
        band="off_target",
        severity=SEVERITIES["off_target"],
        officer="",
        branch="",
        product="",
        channel="",
        rules=place.rules,
        link=f"{place.link_base.rstrip('/')}/kpis/{name.kpi}?window={name.window}",
        figure=_value(name, figure, iso(off_since_ms)),
    )


def raised_event(name: Name, data: AlertData, as_of_ms: int, place: Place) -> AlertEvent:
    return _event(name, data.alert, "alert.raised", data, as_of_ms, place)


def resolved_event(
    name: Name, raised: AlertData, figure: Figure | None, ended: Ending, as_of_ms: int, place: Place
) -> AlertEvent:
    """The end of an incident, with the value as it is now; with the one it was raised by where no rule asks for it now."""
    assert raised.figure is not None  # it is about one
    shown = raised.figure if figure is None else _value(name, figure, raised.figure.off_since)
    data = replace(raised, rules=place.rules, figure=shown, ended=ended)
    return _event(name, f"{data.alert}.resolved", "alert.resolved", data, as_of_ms, place)


def _event(
    name: Name, identity: str, kind: AlertType, data: AlertData, as_of_ms: int, place: Place
) -> AlertEvent:
    return AlertEvent(identity, place.source, kind, iso(as_of_ms), name.subject, data)


def _value(name: Name, figure: Figure, off_since: str) -> AlertValue:
    shown, bounds = figure.shown, figure.bounds
    at_least, at_most = (None, None) if bounds is None else (bounds.at_least, bounds.at_most)
    return AlertValue(
        name.window,
        shown.value,
        shown.n,
        shown.numerator,
        shown.denominator,
        at_least,
        at_most,
        off_since,
        name.split,
    )


def _incident(name: Name, figure: Figure, off_since_ms: int) -> str:
    assert figure.bounds is not None  # it is off target
    said = [*name, figure.bounds.at_least, figure.bounds.at_most, off_since_ms]
    return hashlib.blake2b(json.dumps(said).encode(), digest_size=12).hexdigest()
