"""What the story of one case consists of. Instants are ISO 8601: in the organisation's zone, a clock's in its calendar's."""

from typing import Literal

import msgspec

from loanpulse.rules.explanation import Scalar


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact after merging, a retracted one too; `instance` tells apart the several that a case has of a type.

    `values` are the type's own fields; null where what people said about people is kept back.
    """

    type: str
    at: str
    instance: str
    officer: str | None
    branch: str | None
    product: str | None
    channel: str | None
    values: dict[str, Scalar] | None
    source: str
    id: str
    revision: int
    retracted: bool


class Step(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A stretch of a clock. `open_ms` is open time in it: it counts where the clock runs, and not where it is paused.

    `why` it does not run: the pauses' reasons, or what closes the business.
    """

    from_: str
    to: str
    state: Literal["runs", "paused", "closed"]
    open_ms: int
    why: list[str]


class ClockPause(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A pause as its facts state it; `to` is null while its end is not known."""

    from_: str
    to: str | None
    reason: str
    instance: str


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """The clock of a duration in one case. The `open_ms` of the steps that run add up to `elapsed_ms` exactly.

    `runs`: it is not stopped by the anchor yet; `until` is then now. `is_paused`: it stands in a pause without an end.
    `due`: when it reaches the target, or reached it; while it is paused, as if that ended now. Null without a target.
    """

    kpi: str
    wording: str
    clock: str
    zone: str
    officer: str
    branch: str
    since: str
    until: str
    runs: bool
    is_paused: bool
    steps: list[Step]
    pauses: list[ClockPause]
    elapsed_ms: int
    target_ms: int | None
    due: str | None
    within: bool | None


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What the case adds to one measure, and the windows of the stored board that it lies in.

    `at` null: it stands as of now. `numerator` and `denominator` are null where they are kept back.
    """

    kpi: str
    wording: str
    at: str | None
    windows: list[str]
    officer: str
    branch: str
    split: str
    numerator: int | None
    denominator: int | None
    says: str


class NotCounted(msgspec.Struct, frozen=True, kw_only=True):
    """Why a measure that looks at such cases counts nothing of this one."""

    kpi: str
    wording: str
    why: str


class CaseStory(msgspec.Struct, frozen=True, kw_only=True):
    """One case: what is known of it, and what is made of that."""

    kind: str
    key: str
    subject: str
    topic: str
    partition: int
    zone: str
    now: str
    quarantined: bool
    facts: list[Fact]
    clocks: list[Clock]
    counted: list[Counted]
    not_counted: list[NotCounted]
