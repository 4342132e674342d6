"""Which figure is asked about: a rule, a window with its edges, a group; and where an instant lies as seen from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kpi_rules.model import DIMENSIONS, Rule
from loanpulse.board.snapshot import Frame
from loanpulse.rules.explanation import Part
from streams.calculus.attribution import Group
from streams.calculus.case import Case

ALL = DIMENSIONS["lending"]


@dataclass(frozen=True)
class Scope:
    """`group` holds members by dimension; all of them must be an observation's own."""

    rule: Rule
    frame: Frame
    group: Mapping[str, str]

    def part(self, at: int | None) -> Part | None:
        """Which sum an observation at an instant (None: a stock) is in; None if in none."""
        frame = self.frame
        if at is None:
            return "now"
        if frame.from_ms is not None and frame.from_ms <= at < frame.to_ms:
            return "window"
        since, until = frame.before_from_ms, frame.before_to_ms
        if since is not None and until is not None and since <= at < until:
            return "before"
        return None

    def is_near(self, at: int | None) -> bool:
        """Whether an instant is in the window or in a window's length before it; what has no window is always near."""
        frame = self.frame
        if at is None or frame.from_ms is None:
            return True
        least = 2 * frame.from_ms - frame.to_ms if frame.before_from_ms is None else frame.before_from_ms
        return least <= at < frame.to_ms

    def includes(self, group: Group) -> bool:
        return all(group[ALL.index(name)] == member for name, member in self.group.items())

    def is_named_in(self, case: Case) -> bool:
        """Whether facts of a case name every member of the group, whomever its observation belongs to."""
        named = list(_named(case))
        return all(
            any(group[ALL.index(name)] == member for group in named) for name, member in self.group.items()
        )


def _named(case: Case) -> Iterator[tuple[str | None, ...]]:
    statements = [*case.single.values(), *(said for of in case.many.values() for said in of.values())]
    for said in statements:
        yield said.officer, said.branch, said.product, said.channel
