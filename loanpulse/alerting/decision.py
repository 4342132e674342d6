"""When a KPI off target is told, and when that is over: pure, by a clock that runs only while figures are whole.

Off target (with as many observations as a verdict asks for) for the rule's `for` without a break raises an incident. It
ends when it was not off target for as long again: a value that wobbles about its bound is one incident, not one every few
minutes. That holds for too few observations as well, since a quiet night is no recovery; if nothing but too few remains,
nobody can tell any more, and it ends as `too_few`. What people decide ends it at once, for that does not wobble: a target
taken away (`no_target`), a rule taken away, or told to alert no more or in another window (`no_rule`).

Another target meanwhile is no other incident: off target is whatever the target in force says.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from loanpulse.alerting.events import Place, raised_data, raised_event, resolved_event
from loanpulse.alerting.figures import Figure, Name
from loanpulse.board.snapshot import Meta
from loanpulse.board.status import incomplete
from loanpulse.serve.verdict import State
from schemas.alert import AlertData, AlertEvent, Ending


class AlertClock(msgspec.Struct, frozen=True):
    """Time that was watched, in `watched_ms`. It stands still while figures are not whole, or nobody computes them."""

    as_of_ms: int = 0
    """The board's instant up to which it has counted."""
    watched_ms: int = 0

    def at(self, as_of_ms: int, longest_ms: int) -> "AlertClock":
        """The clock at a later instant: ticks further apart than `longest_ms` were an outage, of which nobody knows.

        An instant before the last one (a wall clock that was set) counts nothing either.
        """
        passed = as_of_ms - self.as_of_ms
        return AlertClock(as_of_ms, self.watched_ms + (passed if 0 < passed <= longest_ms else 0))


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a figure stands that is off target, or was so long that it was told."""

    off_since_ms: int
    """The board's instant at which it was first seen off target."""
    off_at: int
    """The same on the alert clock."""
    raised: AlertData | None = None
    """The incident, as it was told."""
    over_at: int | None = None
    """Of an incident whose figure is off target no more: since when, on the alert clock."""


class Decided(NamedTuple):
    """What a decision changes; a figure with None stands as any other."""

    changed: Mapping[Name, Standing | None]
    events: list[AlertEvent]


def can_decide(meta: Meta, stale_ms: int) -> bool:
    """Whether a board's figures are whole and up to now. While a backlog is read they are not, and raise no alarm.

    Records that an operator gave up do not count: a level would lack them for ever, and be silent for ever.
    """
    through = meta.complete_through_ms
    return through is not None and meta.as_of_ms - through <= stale_ms and not incomplete(meta.ledgers, ())


def decide(
    standings: Mapping[Name, Standing], figures: Mapping[Name, Figure], clock: AlertClock, place: Place
) -> Decided:
    """What follows from the figures at an instant, in the order of the figures, then of those that are gone.

    Invariants:
        ticks_between_ticks_change_nothing
        a_figure_has_one_incident_at_a_time
        what_was_not_watched_neither_raises_nor_resolves
    """
    changed: dict[Name, Standing | None] = {}
    events: list[AlertEvent] = []
    for name in dict.fromkeys((*figures, *standings)):
        before, figure = standings.get(name), figures.get(name)
        after = None if figure is None else _stands(name, before, figure, clock, place)
        if after != before:
            changed[name] = after
            events += _events(name, before, after, figure, clock, place)
    return Decided(changed, events)


def _stands(
    name: Name, before: Standing | None, figure: Figure, clock: AlertClock, place: Place
) -> Standing | None:
    if figure.bounds is None:
        return None
    if figure.state is State.OFF_TARGET:
        found = before or Standing(clock.as_of_ms, clock.watched_ms)
        if found.raised is None and clock.watched_ms - found.off_at >= figure.held_ms:
            raised = raised_data(name, figure, found.off_since_ms, place)
            return msgspec.structs.replace(found, raised=raised)
        return msgspec.structs.replace(found, over_at=None)
    if before is None or before.raised is None:
        return None
    over_at = clock.watched_ms if before.over_at is None else before.over_at
    is_over = clock.watched_ms - over_at >= figure.held_ms
    return None if is_over else msgspec.structs.replace(before, over_at=over_at)


def _events(
    name: Name,
    before: Standing | None,
    after: Standing | None,
    figure: Figure | None,
    clock: AlertClock,
    place: Place,
) -> list[AlertEvent]:
    was = None if before is None else before.raised
    now = None if after is None else after.raised
    if was is None and now is not None:
        return [raised_event(name, now, clock.as_of_ms, place)]
    if was is not None and now is None:
        return [resolved_event(name, was, figure, _ending(figure), clock.as_of_ms, place)]
    return []


def _ending(figure: Figure | None) -> Ending:
    if figure is None:
        return "no_rule"
    if figure.bounds is None:
        return "no_target"
    return "too_few" if figure.state is State.TOO_FEW else "on_target"
