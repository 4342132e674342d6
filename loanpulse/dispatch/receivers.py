"""Receivers, as a routes file describes them."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    StringConstraints,
)

from kpi_rules.lengths import parse_length
from loanpulse.dispatch.secret import AddressPlace, SecretPlace


class Model(BaseModel):
    """Members that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)


def listed(value: Any) -> Any:
    """What may be written alone or in a list, as a list."""
    return value if isinstance(value, list) else [value]


def _plain_ms(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a length of time, such as 15 minutes")
    length = parse_length(value)
    if length.business_days:
        raise ValueError(f"is {value!r}: must be plain time, such as 15 minutes")
    return length.ms


def _between(least_ms: int, most_ms: int, text: str) -> AfterValidator:
    def check(value: int) -> int:
        if not least_ms <= value <= most_ms:
            raise ValueError(f"must be {text}")
        return value

    return AfterValidator(check)


_Length = Annotated[int, BeforeValidator(_plain_ms)]
Timeout = Annotated[_Length, _between(100, 120_000, "100 ms to 2 minutes")]
RetryFor = Annotated[_Length, _between(0, 7 * 86_400_000, "0 seconds to 7 days")]
Digest = Annotated[_Length, _between(1_000, 86_400_000, "1 second to 1 day")]
Mail = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")]


class _Receiver(Model):
    timeout: Timeout = Field(default=10_000)
    """How long one try may take."""
    retry_for: RetryFor = Field(default=3_600_000)
    """For how long after the first try others follow."""


class Webhook(_Receiver):
    """POSTs the event, signed by the Standard Webhooks specification."""

    kind: Literal["webhook"]
    url: AddressPlace
    secret: Annotated[list[SecretPlace], BeforeValidator(listed), Field(min_length=1, max_length=3)]
    """One, or several that all sign, so that a receiver can go over from an old one to a new one."""


class Slack(_Receiver):
    """An incoming webhook of Slack, or of whatever takes the same (Mattermost, Rocket.Chat …)."""

    kind: Literal["slack"]
    url: AddressPlace


class Email(_Receiver):
    """Mail by SMTP."""

    kind: Literal["email"]
    host: Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: FilePath | None = None
    user: str | None = None
    password: SecretPlace | None = None
    sender: Mail = Field(alias="from")
    to: Annotated[list[Mail], Field(min_length=1)]
    digest: Digest | None = None
    """Collect so long, then send one mail."""


class Apprise(_Receiver):
    """Any service that Apprise knows, by its URL."""

    kind: Literal["apprise"]
    url: AddressPlace


Receiver = Annotated[Webhook | Slack | Email | Apprise, Field(discriminator="kind")]
KINDS = ("webhook", "slack", "email", "apprise")
