"""What an explanation of one figure consists of. Instants are ISO 8601 in the organisation's zone."""

from typing import Literal

import msgspec

Part = Literal["window", "before", "now"]
"""`before`: of the window that a growth compares with. `now`: of the stock."""
Side = Literal["all", "numerator", "denominator"]
"""Of rates that count cases, those in the numerator are listed apart from those in the denominator only."""
Scalar = int | str | bool | None


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """As a row of the board: null where a member does not apply, or where there is no value."""

    n: int
    numerator: int
    denominator: int | None
    sum: int | None
    p50: float | None
    p90: float | None
    p95: float | None
    value: float | None


class CaseRef(msgspec.Struct, frozen=True):
    """A case by its kind, its partition key (the client, or the officer) and its subject; `at`: when it came near."""

    kind: str
    key: str
    subject: str
    at: str | None


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """What one fact of a case adds to the sums, with whom it belongs to.

    Over all contributions of a list `numerator` and `denominator` add up to the list's. `read` are the values that the
    rule's conditions and amounts read, by path. Of answers about people it is not told who gave which: key and subject
    are null, and so are officer and branch unless they were asked for.
    """

    kind: str
    key: str | None
    subject: str | None
    at: str | None
    officer: str | None
    branch: str | None
    product: str | None
    channel: str | None
    numerator: int
    denominator: int | None
    length_ms: int | None
    says: str
    read: dict[str, Scalar]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """The contributions of one part and side, the largest or latest first; `more` are not listed, but in the sums."""

    part: Part
    side: Side
    n: int
    numerator: int
    denominator: int | None
    cases: list[Contribution]
    more: int


class Head(msgspec.Struct, frozen=True):
    """An officer and the pieces of work done."""

    officer: str
    work: int


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: the whole, or that of one value of the split (a currency, a severity).

    `board` is null where the board has no such row; `cases` is what the stored cases give for the same edges.
    """

    split: str
    board: Figure | None
    cases: Figure | None
    state: str
    """The board's figure against the target: on_target, warning, off_target, too_few, no_target or no_value."""
    kept_back: bool
    """So few answers would show who gave which: there is then no figure and no case."""
    lists: list[Listed]
    heads: list[Head]
    at_p90: CaseRef | None
    """A case whose length is that of the 90th percentile."""


class Exclusion(msgspec.Struct, frozen=True):
    """How many facts come near the figure and are not in it for one reason, with some of them."""

    why: str
    count: int
    examples: list[CaseRef]


class Words(msgspec.Struct, frozen=True):
    """The rule in words; names of facts and fields stand between backticks."""

    says: str
    anchor: str
    numerator: str
    denominator: str


class Bounds(msgspec.Struct, frozen=True):
    """A target in the rule's unit (durations: seconds), and the only window that it is meant for, if there is one."""

    at_least: float | None
    at_most: float | None
    warning_at: float | None
    window: str | None


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """What the stored board is worth, as it says itself."""

    rules: str
    as_of: str
    computed_at: str
    complete_through: str | None
    complete: bool
    """False where records of the window were given up (an accepted gap)."""
    incomplete: list[str]


class Explanation(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Why a figure is what it is."""

    kpi: str
    wording: str
    kind: str
    unit: str
    words: Words
    window: str
    group: dict[str, str]
    zone: str
    from_: str | None
    to: str
    before_from: str | None
    before_to: str | None
    board: Stand
    target: Bounds | None
    series: list[Series]
    excluded: list[Exclusion]
    cases_read: int
    moved_on: bool
    """Whether something was committed since the board was computed, so that the two figures may differ."""
