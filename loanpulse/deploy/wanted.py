"""Which rules alert: those with a target, be it the rule's own or the organisation's, and those whose open cases are watched."""

from dataclasses import dataclass
from typing import Literal

from kpi_rules.lengths import parse_length
from kpi_rules.model import Rule, Target
from kpi_rules.organisation import Organisation
from kpi_rules.rulebook import Rulebook, kras_of
from streams.runtime.rulebook import program_of

Bound = Literal["at_least", "at_most"]
BOUNDS: tuple[Bound, ...] = ("at_least", "at_most")


@dataclass(frozen=True)
class Wanted:
    """A rule with its area and the targets that are in force in the organisation, now or some day."""

    rule: Rule
    kra: str
    targets: tuple[Target, ...]
    is_watched: bool
    """Whether its open cases run against a due time."""

    @property
    def window(self) -> str | None:
        """The window whose value alerts; None where there is no target, or no alert is wanted."""
        return self.rule.alert_window(self.targets[-1].window) if self.targets else None

    @property
    def bounds(self) -> list[Bound]:
        """The bounds that some target has."""
        return [
            bound for bound in BOUNDS if any(getattr(target, bound) is not None for target in self.targets)
        ]

    @property
    def held_seconds(self) -> float:
        """For how long a value must be off target."""
        assert self.rule.alert is not None  # it has a window
        return parse_length(self.rule.alert.held).ms / 1000


def wanted(book: Rulebook) -> list[Wanted]:
    """Every rule, in the order of the files."""
    kras = kras_of(book.areas)
    watched = {watch.rule.id for watch in program_of(book).watches}
    return [
        Wanted(rule, kras[rule.id], targets, rule.id in watched and _has_due_times(rule, targets))
        for rule in book.rules
        for targets in [_targets(rule, book.organisation)]
    ]


def _has_due_times(rule: Rule, targets: tuple[Target, ...]) -> bool:
    """Of a duration by its target; the other kind's cases say themselves when they are due."""
    return rule.measure.kind != "duration" or any(target.at_most is not None for target in targets)


def _targets(rule: Rule, organisation: Organisation) -> tuple[Target, ...]:
    """The rule's own, then the organisation's: a target of the rule is in force until the first day of those.

    One of the organisation's that names no window is meant for the rule's.
    """
    own = organisation.targets.get(rule.id, [])
    window = rule.targets[-1].window if rule.targets else None
    theirs = rule.targets if not own or own[0].valid_from is not None else []
    return (*theirs, *(target.model_copy(update={"window": target.window or window}) for target in own))
