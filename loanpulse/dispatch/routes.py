"""Routes: who is told of which alert. A list in order; the first that matches decides, unless it says `continue`."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from loanpulse.dispatch.incident import Terms
from loanpulse.dispatch.receivers import Model, Receiver, listed
from schemas.alert import AlertBand, AlertData, Severity

HOLD, DROP = "hold", "drop"
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


Patterns = Annotated[list[str], BeforeValidator(listed), Field(min_length=1)]


class Match(Model):
    """What an alert must be: one of each list that is given. Ids may have * and ? as file names have."""

    kpi: Patterns | None = None
    kra: Patterns | None = None
    branch: Patterns | None = None
    officer: Patterns | None = None
    product: Patterns | None = None
    channel: Patterns | None = None
    severity: Annotated[list[Severity], BeforeValidator(listed), Field(min_length=1)] | None = None
    band: Annotated[list[AlertBand], BeforeValidator(listed), Field(min_length=1)] | None = None
    level: Annotated[list[Literal["case", "figure"]], BeforeValidator(listed), Field(min_length=1)] | None = (
        None
    )

    def takes(self, data: AlertData) -> bool:
        """Whether an alert is all of that."""
        level = "figure" if data.case is None else "case"
        for field in type(self).model_fields:
            wanted: list[str] | None = getattr(self, field)
            found = level if field == "level" else getattr(data, field)
            if wanted is not None and not any(fnmatchcase(found, pattern) for pattern in wanted):
                return False
        return True


class Default(Model):
    """Who is told, and on which terms."""

    receivers: list[str]
    hours: Literal["always", "business"] = "always"
    outside: str = HOLD
    """Outside of business hours: hold until they begin, drop, or another receiver."""
    resolved: bool = True
    """Whether an incident's end is told to whom its beginning was."""

    @property
    def terms(self) -> Terms:
        return Terms(self.hours, self.outside, self.resolved)


class Route(Default):
    """The same for the alerts that match."""

    match: Match
    go_on: bool = Field(default=False, alias="continue")
    """Whether later routes are looked at as well."""


class Routes(Model):
    """A routes file."""

    receivers: dict[Name, Receiver]
    routes: list[Route] = Field(default_factory=list)
    default: Default
    """For what no route matches; without receivers nobody is told."""

    def of(self, data: AlertData) -> dict[str, Terms]:
        """Who is told of an alert; who is named twice, on the terms of the first."""
        found: dict[str, Terms] = {}
        matched = False
        for route in self.routes:
            if route.match.takes(data):
                matched = True
                for receiver in route.receivers:
                    found.setdefault(receiver, route.terms)
                if not route.go_on:
                    return found
        if not matched:
            found.update(dict.fromkeys(self.default.receivers, self.default.terms))
        return found
