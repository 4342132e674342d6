"""Silences as the API takes and tells them."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from kpi_rules.lengths import parse_length
from loanpulse.dispatch.silence import LONGEST_TEXT, Covered, Silence, SilenceError, end_of
from loanpulse.serve.api.problem import Fault
from schemas.fields import Id, Time, time_ms, time_text


def _words(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be printable characters, and not only spaces")
    return text


def _length(text: str) -> str:
    try:
        parse_length(text)
    except ValueError:
        raise ValueError("write a length such as 2 hours") from None
    return text


Words = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TEXT), AfterValidator(_words)]
Length = Annotated[str, StringConstraints(max_length=40), AfterValidator(_length)]
Kpi = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.*?]{1,100}$")]

_CASE = {"subject": "Q-1742", "kind": "query", "key": "c-88"}
_SNOOZE = {"case": _CASE, "reason": "the customer calls back", "by": "ann", "for": "2 hours"}
_SILENCE = {
    "officer": "o-17", "kpi": "response_*", "reason": "handed over", "by": "eva", "until": "2026-12-01T12:00:00+01:00",
}  # fmt: skip
_STORED = {
    "id": "4f1c09aa", "case": _CASE, "officer": "o-17", "kpi": "response_time", "branch": "north",
    "reason": "the customer calls back", "by": "ann", "since": "2026-11-30T09:00:00.000Z", "until": "2026-11-30T11:00:00.000Z",
}  # fmt: skip


def _with(*examples: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": list(examples)})


class SilencedCase(BaseModel):
    """An open case; kind and key tell apart those of the same name."""

    model_config = _with(_CASE)

    subject: Annotated[Id, Field(description="The case, as the alert names it.")]
    kind: Annotated[Id | None, Field(description="Such as query or loan.")] = None
    key: Annotated[Id | None, Field(description="The case's client or officer, as Kafka's key.")] = None


class NewSilence(BaseModel):
    """What is to be silenced: the alerts that all that is named holds for, at least one of case, officer, kpi, branch.

    One of `until` and `for` says when it ends: at most 366 days from now.
    """

    model_config = _with(_SNOOZE, _SILENCE)

    case: SilencedCase | None = None
    officer: Id | None = None
    kpi: Annotated[Kpi | None, Field(description="* and ? as in file names.")] = None
    branch: Id | None = None
    reason: Annotated[Words, Field(description="Why; it is shown to others.")]
    by: Annotated[Words, Field(description="Who says so.")]
    until: Annotated[Time | None, Field(description="When it ends: an instant with its offset.")] = None
    length: Annotated[
        Length | None, Field(alias="for", description="How long it lasts: 2 hours, 3 days.")
    ] = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if (self.until is None) == (self.length is None):
            raise ValueError("say either until when (until) or for how long (for)")
        return self

    @property
    def covered(self) -> Covered:
        named = {} if self.case is None else self.case.model_dump(exclude_none=True)
        return Covered(**named, officer=self.officer or "", kpi=self.kpi or "", branch=self.branch or "")

    def end_ms(self, now_ms: int) -> int:
        """Raises SilenceError for a length that has no end."""
        return time_ms(self.until) if self.until is not None else end_of(str(self.length), now_ms)

    def fault(self, error: SilenceError) -> Fault:
        """What is wrong, under the names that the API has for it."""
        places = {"silence": (), "until": ("until" if self.length is None else "for",)}
        return Fault(places.get(error.field, (error.field,)), error.message)


class StoredCase(BaseModel):
    """As it was named: on the command line that need not be an id."""

    subject: str
    kind: str | None
    key: str | None


class StoredSilence(BaseModel):
    """A silence. What is null is asked of no alert."""

    model_config = _with(_STORED)

    id: str
    case: StoredCase | None
    officer: str | None
    kpi: str | None
    branch: str | None
    reason: str
    by: str
    since: Time
    until: Time


def stored(silence: Silence) -> StoredSilence:
    """A silence as it is told."""
    it = silence.covered
    return StoredSilence(
        id=silence.id,
        case=StoredCase(subject=it.subject, kind=it.kind or None, key=it.key or None) if it.subject else None,
        officer=it.officer or None,
        kpi=it.kpi or None,
        branch=it.branch or None,
        reason=silence.reason,
        by=silence.by,
        since=time_text(silence.created_ms),
        until=time_text(silence.end_ms),
    )
