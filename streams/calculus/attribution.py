"""Who an observation belongs to: officer, branch, product and channel, each found by itself.

1. what the anchor event names; 2. in a loan, what a carrier named last at or before the anchor's time; 3. what the
case's opening event names; 4. `unassigned`.
"""

from collections.abc import Iterable, Iterator

from kpi_rules.facts import OPENINGS
from schemas.event import Statement
from schemas.registry import EVENT_TYPES
from streams.calculus.case import Case, order_of

UNASSIGNED = "unassigned"
SEPARATOR = "\x1f"

Group = tuple[str, str, str, str]
"""Officer, branch, product, channel."""

_CARRIERS = sorted((t for t in EVENT_TYPES.values() if t.carrier), key=lambda t: t.name)
_CARRIER_CODES = {
    kind: tuple(t.code for t in _CARRIERS if t.kind == kind) for kind in {t.kind for t in _CARRIERS}
}
_OPENING_CODES = {kind: EVENT_TYPES[name].code for kind, name in OPENINGS.items()}


def attribution_reads(kind: str) -> frozenset[int]:
    """The event types that may say whom an observation of this kind belongs to, besides its anchor."""
    opening = _OPENING_CODES.get(kind)
    return frozenset(_CARRIER_CODES.get(kind, ())) | (frozenset() if opening is None else {opening})


def attribute(case: Case, kind: str, anchor: Statement | None) -> Group:
    """The group of an observation of a case of a kind; no `anchor` is as of now: whoever the case belongs to after all
    that is known."""
    if anchor is not None and anchor.officer and anchor.branch and anchor.product and anchor.channel:
        return anchor.officer, anchor.branch, anchor.product, anchor.channel
    found = [] if anchor is None else [anchor]
    if kind in _CARRIER_CODES:
        carriers = sorted(_carriers(case, _CARRIER_CODES[kind], anchor), key=order_of)
        found += reversed(carriers)  # of equal ones the later type's name first
    opening = _OPENING_CODES.get(kind)
    opened = None if opening is None else case.fact(opening)
    if opened is not None:
        found.append(opened)
    officer, branch, product, channel = _named(found)
    return officer or UNASSIGNED, branch or UNASSIGNED, product or UNASSIGNED, channel or UNASSIGNED


def _named(statements: list[Statement]) -> tuple[str | None, str | None, str | None, str | None]:
    """Each dimension as the first of the statements names it."""
    officer = branch = product = channel = None
    for said in statements:
        officer = officer or said.officer
        branch = branch or said.branch
        product = product or said.product
        channel = channel or said.channel
    return officer, branch, product, channel


def _carriers(case: Case, codes: Iterable[int], anchor: Statement | None) -> Iterator[Statement]:
    for code in codes:
        for said in case.facts(code):
            if anchor is None or said.at <= anchor.at:
                yield said


def group_name(group: Group, by: str, split: str = "") -> str:
    """A group as ledgers number it; a staff measure has no product and channel."""
    officer, branch, product, channel = group
    if by == "staff":
        product = channel = ""
    return SEPARATOR.join((officer, branch, product, channel, split))
