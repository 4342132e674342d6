"""The CloudEvents 1.0 envelope that every event has, and the members that every `data` of a topic has."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.fields import Id, Revision, Time
from schemas.rules import RULES

Source = Annotated[str, StringConstraints(min_length=1, max_length=256)]
EventId = Annotated[str, StringConstraints(min_length=1, max_length=128)]

_STRICT = ConfigDict(strict=True, frozen=True, extra="ignore")


class Data(BaseModel):
    """What `data` may hold; a member that is not listed is ignored, one that is optional may be null."""

    model_config = _STRICT


class LendingData(Data):
    """In every event of `loan-events` and `customer-interactions`; the customer is the partition key."""

    customer_id: Id
    officer_id: Id | None = None
    branch_id: Id | None = None
    product: Id | None = None
    channel: Id | None = None


class StaffData(Data):
    """In every event of `staff-activity`; the officer is the partition key, `unassigned` if absent."""

    officer_id: Id | None = None
    branch_id: Id | None = None


class Envelope(BaseModel):
    """One event. Its identity is (source, id); `registry` makes a class of each type of it."""

    model_config = _STRICT

    specversion: Literal["1.0"]
    source: Annotated[Source, Field(description="the system that speaks")]
    id: Annotated[EventId, Field(description="unique within `source`")]
    type: str
    time: Annotated[Time, Field(description="when the fact happened; kept as UTC milliseconds")]
    subject: Annotated[Id, Field(description="the case")]
    datacontenttype: Literal["application/json"] | None = None
    revision: Annotated[Revision, Field(description="a higher one restates the fact")] | None = None
    retracted: Annotated[bool, Field(description="the fact did not happen")] | None = None
    data: Data

    @model_validator(mode="after")
    def _keep_the_rule_of_the_type(self) -> Self:
        rule = RULES.get(self.type)
        broken = rule.broken(self) if rule is not None else None
        if broken is not None:
            raise PydanticCustomError(
                "rule", "{rule}", {"rule": broken.rule, "field": broken.field, "value": broken.value}
            )
        return self
