"""What one organisation sets otherwise than another, in words, and whether the past is counted anew for it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from kpi_rules.aims import goal_text, targets_text
from kpi_rules.calendars import WEEKDAYS, Calendar
from kpi_rules.differences import Change, limits_of
from kpi_rules.model import Rule
from kpi_rules.organisation import Organisation

INHERITED = "the organisation's"
DEFAULT_HOURS = "Monday to Friday, 09:00 to 17:00"


def organisation_differences(old: Organisation, new: Organisation, rules: Iterable[Rule]) -> list[Change]:
    """Zone, calendars, branches, targets, goals, system users; `rules` are those that the targets and goals are of.

    Business time and the edges of days are in what is stored, so calendars and zones count anew; so do targets of
    durations, since an observation says whether it kept its target.
    """
    known = {rule.id: rule for rule in rules}
    return [
        *_change("zone", old.tz, new.tz, recounts=True),
        *_calendar("calendar", old.calendar, new.calendar, none=DEFAULT_HOURS),
        *_branches(old.branch_calendars, new.branch_calendars),
        *_targets(old, new, known),
        *_goals(old, new, known),
        *_named("system users", old.system_users, new.system_users, recounts=False),
    ]


def _change(what: str, before: str, after: str, *, recounts: bool) -> Iterator[Change]:
    if before != after:
        yield Change(what, before, after, recounts)


def _named(what: str, before: Iterable[str], after: Iterable[str], *, recounts: bool) -> Iterator[Change]:
    """Of two sets what only one of them has."""
    was, will = set(before), set(after)
    gone, fresh = (", ".join(sorted(names)) for names in (was - will, will - was))
    yield from _change(what, gone, fresh, recounts=recounts)


def _branches(old: Mapping[str, Calendar], new: Mapping[str, Calendar]) -> Iterator[Change]:
    for branch in sorted(old.keys() | new.keys()):
        what, nothing = f"calendar of {branch}", Calendar()
        if (branch in old) != (branch in new):
            own = "its own"
            before, after = (own if branch in calendars else INHERITED for calendars in (old, new))
            yield Change(what, before, after, recounts=True)
        yield from _calendar(what, old.get(branch, nothing), new.get(branch, nothing), none=INHERITED)


def _calendar(what: str, old: Calendar, new: Calendar, none: str) -> Iterator[Change]:
    hours = [none if calendar.weekly is None else _hours(calendar) for calendar in (old, new)]
    yield from _change(f"{what}, opening hours", hours[0], hours[1], recounts=True)
    if (old.holidays is None) != (new.holidays is None):
        before, after = (_days(calendar.holidays) for calendar in (old, new))
        yield Change(f"{what}, own holidays", before, after, recounts=True)
    else:
        days = [map(str, calendar.holidays or ()) for calendar in (old, new)]
        yield from _named(f"{what}, own holidays", days[0], days[1], recounts=True)
    yield from _change(f"{what}, public holidays of", old.country or "", new.country or "", recounts=True)
    yield from _change(f"{what}, zone", old.tz or INHERITED, new.tz or INHERITED, recounts=True)


def _days(days: list[date] | None) -> str:
    return INHERITED if days is None else ", ".join(sorted(map(str, days))) or "none"


def _hours(calendar: Calendar) -> str:
    weekly = calendar.weekly or {}
    periods = {day: weekly.get(day, []) for day in WEEKDAYS}  # type: ignore[call-overload]  # a tuple's item is a plain str
    return "; ".join(
        f"{day} {', '.join(f'{begin} to {end}' for begin, end in open_)}"
        for day, open_ in periods.items()
        if open_
    )


def _targets(old: Organisation, new: Organisation, rules: Mapping[str, Rule]) -> Iterator[Change]:
    for kpi in _in_order(old.targets, new.targets, rules):
        was, will = old.targets.get(kpi, []), new.targets.get(kpi, [])
        rule = rules.get(kpi)
        unit = "" if rule is None else rule.unit
        limits = limits_of(was) != limits_of(will)
        recounts = rule is not None and rule.measure.kind == "duration" and limits
        before, after = (targets_text(targets, unit) or "the rule's" for targets in (was, will))
        yield from _change(f"target of {kpi}", before, after, recounts=recounts)


def _goals(old: Organisation, new: Organisation, rules: Mapping[str, Rule]) -> Iterator[Change]:
    for kpi in _in_order(old.goals, new.goals, rules):
        before, after = (_goal(organisation, kpi, rules) for organisation in (old, new))
        yield from _change(f"goal of {kpi}", before, after, recounts=False)


def _goal(organisation: Organisation, kpi: str, rules: Mapping[str, Rule]) -> str:
    if kpi not in organisation.goals:
        return "the rule's"
    goal = organisation.goals[kpi]
    return "none" if goal is None else goal_text(goal, rules[kpi].unit if kpi in rules else "")


def _in_order(old: Mapping[str, object], new: Mapping[str, object], rules: Mapping[str, Rule]) -> list[str]:
    """KPIs of either, in the order of the rules; those that are none at the end."""
    named = old.keys() | new.keys()
    return [*(kpi for kpi in rules if kpi in named), *sorted(named - rules.keys())]
