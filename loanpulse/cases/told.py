"""What is told of open cases. Instants are RFC 3339 in the zone of a case's calendar, a list's own in the organisation's."""

from zoneinfo import ZoneInfo

import msgspec

from kpi_rules.measures import DurationMeasure
from loanpulse.serve.shown import Shown
from schemas.fields import local_iso
from streams.calculus.attribution import SEPARATOR
from streams.calculus.business_time import NEVER_MS
from streams.calculus.case import parse_case_id
from streams.calculus.open_cases import Band, OpenCase
from streams.calculus.watches import Watch


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An open case of one KPI. Lengths are of its own clock, `zone` that of its calendar.

    `due`: when its target is used up, null while it stands in a pause without an end. `left_ms` is below 0 once it is over.
    `paused_since` is set while its clock stands still, `paused` says why. Names are null for whom the roster does not know;
    a KPI of the staff has no product and channel.
    """

    kind: str
    key: str
    subject: str
    kpi: str
    wording: str
    band: str
    zone: str
    since: str
    due: str | None
    target_ms: int
    used_ms: int
    left_ms: int
    paused_since: str | None
    paused: list[str]
    officer: str
    officer_name: str | None
    branch: str
    branch_name: str | None
    product: str | None
    channel: str | None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """When a case comes to be in a worse band, if nothing comes of it before; `in_ms` of its own clock from now on."""

    kind: str
    key: str
    subject: str
    kpi: str
    branch: str
    at: str
    zone: str
    in_ms: int


class CaseList(msgspec.Struct, frozen=True, kw_only=True):
    """Open cases that were asked for, in the order that was asked for; a case of several KPIs stands once for each.

    `counts` are those of all bands, the bands that were not asked for too; `more` is how many cases that were asked for are
    not in `cases`. `complete_through`: up to when everything is in, null if a ledger cannot say. `incomplete` says in
    words what is missing.
    """

    as_of: str
    complete_through: str | None
    zone: str
    incomplete: list[str]
    counts: dict[str, int]
    cases: list[Told]
    more: int
    next_warning: Turn | None
    next_at_risk: Turn | None


def zone_of(shown: Shown, branch: str) -> ZoneInfo:
    """The zone of a branch's calendar."""
    program = shown.book.program
    return ZoneInfo(program.organisation.calendar_of(branch).tz or program.zone.key)


def told(shown: Shown, watch: Watch, case: bytes, opened: OpenCase, used_ms: int, at: int) -> Told:
    """An open case that has a target at an instant."""
    kind, key, subject = parse_case_id(case)
    officer, branch, product, channel, _ = opened.group.split(SEPARATOR)
    span, band, zone = opened.span(at), opened.band(at), zone_of(shown, branch)
    assert span is not None, "only what has a target is told"
    assert band is not None
    stands = at >= opened.paused_since
    names = shown.snapshot.roster.names
    return Told(
        kind=kind,
        key=key,
        subject=subject,
        kpi=watch.rule.id,
        wording=watch.rule.wording,
        band=Band(band).label,
        zone=zone.key,
        since=local_iso(opened.since, zone),
        due=None if span.due >= NEVER_MS else local_iso(span.due, zone),
        target_ms=span.target_ms,
        used_ms=used_ms,
        left_ms=span.target_ms - used_ms,
        paused_since=local_iso(opened.paused_since, zone) if stands else None,
        paused=_reasons(watch, opened.pauses) if stands else [],
        officer=officer,
        officer_name=names.get(("officer", officer)),
        branch=branch,
        branch_name=names.get(("branch", branch)),
        product=product or None,
        channel=channel or None,
    )


def _reasons(watch: Watch, pauses: int) -> list[str]:
    measure = watch.rule.measure
    if not isinstance(measure, DurationMeasure):
        return []
    return [pause.reason for i, pause in enumerate(measure.pauses) if pauses >> i & 1]
