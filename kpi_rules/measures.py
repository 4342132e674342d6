"""The kinds of measures: which observations a case makes, all of them integers that add.

What is derived from sums (percentiles, growth, heads, a flow over a stock) is named by the kind as well and computed by
the board.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Count = Annotated[int, Field(ge=1)]
Scalar = bool | int | str


class Model(BaseModel):
    """Frozen, and strict about names: a misspelt member is an error, not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Range(Model):
    """A bound on a number: `at_least`, `more_than`, `at_most`, each optional, all that are given hold."""

    at_least: int | None = None
    """This or more."""
    more_than: int | None = None
    """More than this."""
    at_most: int | None = None
    """This or less."""

    @model_validator(mode="after")
    def _bounds_something(self) -> "Range":
        if self.at_least is None and self.more_than is None and self.at_most is None:
            raise ValueError("a range needs at_least, more_than or at_most")
        return self


Condition = Literal["present", "absent"] | Scalar | list[Scalar] | Range
Conditions = dict[str, Condition]
"""All must hold. A key is a path: `outcome` of the anchor, `application.decided.grade` of another fact of the case, or a
fact alone with `present` or `absent`."""


class ShareOf(Model):
    """An integer amount: floor(field · basis points / 10,000)."""

    field: str
    """The field of which a share is taken."""
    basis_points: str
    """The field that holds the share, in units of 0.01 %."""


class SquaredError(Model):
    """An integer amount: (forecast − outcome)², the forecast in basis points, the outcome 10,000 where `happened` holds."""

    forecast: str
    """The field that holds the forecast, in units of 0.01 %."""
    happened: Conditions
    """When what was forecast happened."""


Amount = str | ShareOf | SquaredError
"""A field's integer, or one of the two formulas."""


class Band(Model):
    """Points for a score of at least `at_least`."""

    at_least: int
    """The score from which on it is reached."""
    points: int
    """What is counted for it."""


class Part(Model):
    """One part of a ratio: what is counted (`where`, or `any_of` several), or an amount that is summed."""

    where: Conditions = Field(default_factory=dict)
    """What is counted: conditions that all hold. Left out: each anchor."""
    any_of: list[Conditions] = Field(default_factory=list)
    """In place of `where`: several such conditions, of which one holds."""
    amount: Amount | None = None
    """What is summed in place of counting."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> "Part":
        if self.where and self.any_of:
            raise ValueError("where and any_of do not go together: write the conditions into each of any_of")
        return self


class Anchored(Model):
    """A measure whose observations stand at one fact's time, its anchor."""

    anchor: str
    """The fact that is observed, e.g. `application.decided`."""
    where: Conditions = Field(default_factory=dict)
    """Which anchors count."""
    split: Literal["currency", "severity"] | None = None
    """The anchor's field that makes series of their own."""


class CountMeasure(Anchored):
    """+1 for each anchor."""

    kind: Literal["count"]


class SumMeasure(Anchored):
    """The sum of an amount of each anchor."""

    kind: Literal["sum"]
    amount: Amount
    """What is summed."""


class MeanMeasure(Anchored):
    """Points and 1 for each anchor; the value is Σ points / (n · scale)."""

    kind: Literal["mean"]
    points: str
    """The field whose mean is taken."""
    bands: list[Band] = Field(default_factory=list)
    """Where given, the field is turned into points: those of the highest band that it reaches."""
    scale: Count = 1
    """What the sum is divided by besides how many there are: 100 makes points of 100 a share."""


class Stock(Model):
    """What a ratio's denominator adds as it stands now: of a level fact, each one or an amount."""

    of: str
    """The fact that stands now, e.g. `loan.book`."""
    where: Conditions = Field(default_factory=dict)
    """Which of them are added."""
    amount: Amount | None = None
    """What is summed in place of counting."""


class RatioMeasure(Anchored):
    """Σ numerator / Σ denominator over the anchors, the denominator each anchor unless given, plus a stock if given."""

    kind: Literal["ratio"]
    numerator: Part = Field(default_factory=Part)
    """What is divided; left out: each anchor."""
    denominator: Part = Field(default_factory=Part)
    """What it is divided by; left out: each anchor."""
    scale: Count = 1
    """The denominator's unit: Σ numerator / (Σ denominator · scale)."""
    stock: Stock | None = None
    """What the denominator adds as it stands now."""
    elapsed_more_than: str | None = None
    """With `since`: the numerator also asks for more than this much plain time, e.g. `8 weeks`."""
    since: str | None = None
    """The fact of the same case from which that time runs."""


class Pause(Model):
    """The clock stands still from one fact to the other of the same instance."""

    start: str = Field(alias="from")
    """The fact at which the clock stops."""
    end: str = Field(alias="to")
    """The fact, with the same id, at which it goes on."""
    reason: Text
    """Why, as the end of a sentence: `the client owes documents`."""


class DurationMeasure(Anchored):
    """The time from a fact to the anchor, less pauses; with the share of those within the target."""

    kind: Literal["duration"]
    since: str
    """The fact of the same case from which time runs."""
    clock: Literal["business", "calendar"]
    """Opening hours of the branch's calendar only, or plain time."""
    pauses: list[Pause] = Field(default_factory=list)
    """While what the clock stands still."""


class ConversionMeasure(Model):
    """An opening fact that is won by a success in time, and lost at its deadline otherwise.

    Won at the success (or the opening, where the success is stamped earlier), lost at the deadline, whichever clock time
    it is: an observation never looks at the clock.
    """

    kind: Literal["conversion"]
    opening: str
    """The fact that is a chance."""
    where: Conditions = Field(default_factory=dict)
    """Which openings count."""
    success: str
    """The fact by which it is won."""
    over: Literal["case", "client"] = "case"
    """Whether the success is looked for in the opening's own case or in all of the client's cases."""
    match: dict[str, str] = Field(default_factory=dict)
    """Which success is this opening's: a field of the success against a field (or `subject`) of the opening."""
    within: str | None = None
    """The time to the deadline, e.g. `60 days` of 24 hours; or"""
    due: str | None = None
    """the opening's field that holds the deadline."""
    success_may_precede: bool = True
    """Whether a success stamped before its opening counts."""
    one_chance_per: str | None = None
    """The field by which a client's openings are one chance, the first."""
    won_at_once_by: Literal["another_open_loan"] | None = None
    """What else wins it, at the opening itself."""

    @model_validator(mode="after")
    def _one_deadline(self) -> "ConversionMeasure":
        if (self.within is None) == (self.due is None):
            raise ValueError("a conversion needs exactly one of within and due")
        return self


class DistinctMeasure(Anchored):
    """Each client once, at its latest anchor; with `after_first`, only clients that have an earlier one."""

    kind: Literal["distinct"]
    after_first: bool = False
    """Only clients that have an earlier one."""


class PerClientMeasure(Anchored):
    """The sum of an amount over the number of clients; a client with all its amounts belongs to its latest anchor's group."""

    kind: Literal["per_client"]
    amount: str
    """The anchor's field that is summed."""


class LevelMeasure(Model):
    """A stock as it stands: Σ part / Σ whole of a level fact. It has no window."""

    kind: Literal["level"]
    of: str
    """The fact that stands now, e.g. `loan.book`."""
    where: Conditions = Field(default_factory=dict)
    """Which of them count."""
    split: Literal["currency"] | None = None
    """The fact's field that makes series of their own."""
    part: Part
    """What is divided; `{}`: each of them."""
    whole: Part
    """What it is divided by; `{}`: each of them."""


class GrowthMeasure(Anchored):
    """The change of a sum against the window before."""

    kind: Literal["growth"]
    amount: Amount
    """What is summed in each of the two windows."""


class PerHeadMeasure(Anchored):
    """Anchors for each officer who has one; heads are counted from the officers' sums."""

    kind: Literal["per_head"]


Measure = Annotated[
    CountMeasure
    | SumMeasure
    | MeanMeasure
    | RatioMeasure
    | DurationMeasure
    | ConversionMeasure
    | DistinctMeasure
    | PerClientMeasure
    | LevelMeasure
    | GrowthMeasure
    | PerHeadMeasure,
    Field(discriminator="kind"),
]

ADDING_KINDS = ("count", "sum", "distinct")
"""Kinds whose value grows with the window: it is no quotient."""
