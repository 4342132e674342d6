"""Decides what is told of an open case: raised when it is at risk, escalated when it is breached, resolved when it is over.

Pure: the instant is given. What is told depends on the case's facts, the incident so far and the instant, on nothing else.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from schemas.alert import (
    ESCALATED,
    RAISED,
    RESOLVED,
    SEVERITIES,
    AlertBand,
    AlertCase,
    AlertData,
    AlertEvent,
    AlertType,
    Ending,
)
from schemas.fields import local_iso, time_text
from streams.calculus.attribution import SEPARATOR
from streams.calculus.business_time import NEVER_MS
from streams.calculus.case import Case, parse_case_id
from streams.calculus.open_cases import Band, OpenCase, Span
from streams.calculus.program import Program
from streams.calculus.watches import Watch
from streams.calculus.windows import HOUR_MS

_BANDS: dict[Band, AlertBand] = {Band.AT_RISK: "at_risk", Band.BREACHED: "breached"}


class Incident(msgspec.Struct, frozen=True):
    """A case that was told: up to which band, against which target and due time (UTC ms), and what was said last."""

    band: Band
    target_ms: int
    due: int
    data: AlertData


class Look(NamedTuple):
    """What comes of looking at a case: the incident from now on, what is told, and when to look again (None: when it
    changes)."""

    incident: Incident | None
    events: tuple[AlertEvent, ...]
    again_at: int | None


@dataclass(frozen=True)
class Teller:
    """What alerts say besides the case: by which rules, from where, with links to which screens.

    An alert waits `grace_ms` after a case came to be at risk, or breached. `kras` are the areas of the rules.

    Invariants:
        what_is_told_is_what_a_plain_count_tells
        a_correction_that_is_itself_corrected_at_once_does_not_flap
    """

    program: Program
    source: str
    kras: Mapping[str, str]
    link_base: str = ""
    grace_ms: int = 0

    def look(
        self, name: bytes, watch: Watch | None, case: Case | None, incident: Incident | None, at: int
    ) -> Look:
        """Look at a case at an instant. `name` is that of KPI and case; no `watch`: its rule is gone."""
        if watch is None or watch.rule.alert is None:
            again_at = None if watch is None else at + HOUR_MS  # other rules may tell it
            return Look(None, self._resolved(incident, "no_rule", at), again_at)
        if case is None:
            return Look(None, self._resolved(incident, "retracted", at), None)
        found = watch.opened(case)
        if found is None:
            ended = watch.ended(case)
            used = watch.used_ms(case, at if ended.at is None else ended.at)
            return Look(None, self._resolved(incident, ended.why, at, used), None)
        seen = _Seen(name, watch, case, found, found.span(at), at)
        later = [turn + self.grace_ms for turn in found.turns() if turn + self.grace_ms > at]
        return Look(*self._of_open(seen, incident), min(later, default=None))

    def _of_open(
        self, seen: "_Seen", incident: Incident | None
    ) -> tuple[Incident | None, tuple[AlertEvent, ...]]:
        level = seen.level(self.grace_ms)
        if incident is None:
            return (None, ()) if level is None else self._raised(seen, level)
        ending = seen.ends(incident)
        if ending is None:
            if level is None or level <= incident.band:
                return incident, ()
            return self._escalated(seen, level, incident)
        used = seen.watch.used_ms(seen.case, seen.at)
        if ending != "due_moved" or level is None:
            return None, self._resolved(incident, ending, seen.at, used)
        following, events = self._raised(seen, level, supersedes=incident.data.alert)
        ended = self._resolved(incident, ending, seen.at, used, superseded_by=following.data.alert)
        return following, (*ended, *events)

    def _raised(
        self, seen: "_Seen", level: Band, supersedes: str | None = None
    ) -> tuple[Incident, tuple[AlertEvent, ...]]:
        alert = seen.identity(level, supersedes)
        incident = self._incident(seen, level, alert, supersedes)
        return incident, (self._event(RAISED, alert, incident.data, seen.at),)

    def _escalated(
        self, seen: "_Seen", level: Band, incident: Incident
    ) -> tuple[Incident, tuple[AlertEvent, ...]]:
        escalated = self._incident(seen, level, incident.data.alert, None)
        event = self._event(ESCALATED, seen.identity(level, incident.data.alert), escalated.data, seen.at)
        return escalated, (event,)

    def _resolved(
        self,
        incident: Incident | None,
        ended: Ending,
        at: int,
        used_ms: int | None = None,
        superseded_by: str | None = None,
    ) -> tuple[AlertEvent, ...]:
        if incident is None:
            return ()
        used = incident.data.used_seconds if used_ms is None else used_ms / 1000
        data = replace(incident.data, ended=ended, used_seconds=used, superseded_by=superseded_by)
        return (self._event(RESOLVED, f"{data.alert}.resolved", data, at),)

    def _incident(self, seen: "_Seen", level: Band, alert: str, supersedes: str | None) -> Incident:
        rule, span = seen.watch.rule, seen.told_span
        officer, branch, product, channel, _ = seen.found.group.split(SEPARATOR)
        kind, key, subject = parse_case_id(seen.case_id)
        zone = ZoneInfo(self.program.organisation.calendar_of(branch).tz or self.program.zone.key)
        band = _BANDS[level]
        data = AlertData(
            alert=alert,
            kpi=rule.id,
            wording=rule.wording,
            kra=self.kras.get(rule.id, ""),
            band=band,
            severity=SEVERITIES[band],
            officer=officer,
            branch=branch,
            product=product,
            channel=channel,
            rules=self.program.digest,
            link=f"{self.link_base}/cases?at_risk=1&kpi={rule.id}&case={subject}",
            case=AlertCase(kind, key, subject),
            since=time_text(seen.found.since),
            due=None if span.due >= NEVER_MS else time_text(span.due),
            due_local=None if span.due >= NEVER_MS else local_iso(span.due, zone),
            zone=zone.key,
            target_seconds=span.target_ms / 1000,
            used_seconds=seen.watch.used_ms(seen.case, seen.at) / 1000,
            supersedes=supersedes,
        )
        return Incident(level, span.target_ms, span.due, data)

    def _event(self, kind: AlertType, identity: str, data: AlertData, at: int) -> AlertEvent:
        subject = "" if data.case is None else data.case.subject
        return AlertEvent(identity, self.source, kind, time_text(at), f"{data.kpi}/{subject}", data)


class _Seen(NamedTuple):
    """An open case as it is looked at."""

    name: bytes
    watch: Watch
    case: Case
    found: OpenCase
    span: Span | None
    at: int

    @property
    def case_id(self) -> bytes:
        return self.name.partition(b"\x1f")[2]

    @property
    def told_span(self) -> Span:
        """Only what has a target is told."""
        assert self.span is not None
        return self.span

    def level(self, grace_ms: int) -> Band | None:
        """What there is to tell: what is paused is safe for now, unless it is breached already."""
        if self.span is None:
            return None
        band = self.found.band(self.at - grace_ms)
        if band is Band.AT_RISK and self.found.band(self.at) is Band.PAUSED:
            return None
        return band if band in _BANDS else None

    def ends(self, incident: Incident) -> Ending | None:
        """Why an incident is over though the case is open. That its clock goes back is no reason."""
        if self.at < self.found.since:
            return None
        if self.span is None:
            return "no_target"
        if self.found.band(self.at) is Band.PAUSED:
            return "paused"
        moved = (self.span.due, self.span.target_ms) != (incident.due, incident.target_ms)
        return "due_moved" if moved else None

    def identity(self, level: Band, before: str | None) -> str:
        """Names an alert by KPI and case, target, band and due time, by the facts of its clock, and by the one before:
        a case that comes to be at risk anew is told anew, one that is decided again after a crash is the same."""
        span = self.told_span
        said = [
            self.name,
            span.target_ms,
            _BANDS[level],
            span.due,
            before,
            *_facts(self.case, self.watch.codes),
        ]
        return hashlib.blake2b(msgspec.json.encode(said), digest_size=12).hexdigest()


def _facts(case: Case, codes: frozenset[int]) -> list[tuple[int, str, str, str, int]]:
    """Which statements stand for the facts of some types, retracted ones too."""
    found = []
    for code in sorted(codes):
        if code in case.single:
            said = case.single[code]
            found.append((code, "", said.source, said.id, said.revision))
        for instance, said in sorted(case.many.get(code, {}).items()):
            found.append((code, instance, said.source, said.id, said.revision))
    return found
