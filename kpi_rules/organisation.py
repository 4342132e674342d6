"""What a lender sets for itself: calendars, targets, goals, system users, zone. Read from one JSON file."""

from datetime import date
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from kpi_rules.calendars import Calendar, ZoneName
from kpi_rules.model import Goal, Rule, Target, Targets, in_force


class Organisation(BaseModel):
    """The lender's own settings; everything has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tz: ZoneName = "UTC"
    """The zone of `today`, `month` and `quarter`, and of calendars that name none."""
    calendar: Calendar = Field(default_factory=Calendar)
    branch_calendars: dict[str, Calendar] = Field(default_factory=dict)
    """A branch's own calendar; the members it leaves out are the organisation's."""
    targets: dict[str, Targets] = Field(default_factory=dict)
    """Targets by KPI that replace the rules' own, each from the day on which it begins. Short forms: a number, or a length
    such as `4 hours`, is `at_most` for durations; a pair is a band."""
    goals: dict[str, Goal | None] = Field(default_factory=dict)
    """Improvement goals by KPI that replace the rules' own; null: none."""
    system_users: frozenset[str] = frozenset()
    """Officers that are programs: in totals, not in rankings, no heads."""

    @field_validator("targets", mode="before")
    @classmethod
    def _short_forms(cls, targets: Any) -> Any:
        if not isinstance(targets, dict):
            return targets
        return {kpi: _long_form(target) for kpi, target in targets.items()}

    def goal_of(self, rule: Rule) -> Goal | None:
        """The goal in force."""
        return self.goals.get(rule.id, rule.goal)

    def target_of(self, rule: Rule, day: date) -> Target | None:
        """The target in force on a day: the lender's own, for the rule's window if it names none, else the rule's."""
        own, theirs = in_force(self.targets.get(rule.id, ()), day), in_force(rule.targets, day)
        if own is None or own.window is not None or theirs is None:
            return own or theirs
        return own.model_copy(update={"window": theirs.window})

    def target_days(self, rule: Rule) -> list[date]:
        """The days on which another target of a rule begins, in order."""
        both = (*self.targets.get(rule.id, ()), *rule.targets)
        return sorted({target.valid_from for target in both if target.valid_from is not None})

    def zone_of(self, branch: str) -> str:
        """The zone of a branch's days: its own, else the organisation's."""
        own = self.branch_calendars.get(branch)
        return self.tz if own is None or own.tz is None else own.tz

    def in_zone(self, zone: str) -> Self:
        """The same organisation in another zone; a calendar that names its own zone keeps it."""
        return type(self).model_validate(self.model_dump() | {"tz": zone})

    @property
    def base_calendar(self) -> Calendar:
        return self.calendar.over(Calendar(tz=self.tz))

    def calendar_of(self, branch: str) -> Calendar:
        """The calendar of an observation that belongs to a branch."""
        own = self.branch_calendars.get(branch)
        return self.base_calendar if own is None else own.over(self.base_calendar)


def _long_form(target: Any) -> Any:
    if isinstance(target, (int, float, str)) and not isinstance(target, bool):
        return {"at_most": target}
    if isinstance(target, list) and len(target) == 2 and not any(isinstance(end, dict) for end in target):
        return {"at_least": target[0], "at_most": target[1]}
    return target
