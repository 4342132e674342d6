"""What an operator can set, read once from `LOANPULSE_*` variables.

The environment is handed to `load_settings`, never found: `Settings()` sees no variable of the machine.
"""

import difflib
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    DirectoryPath,
    Field,
    FilePath,
    StringConstraints,
    ValidationError,
)

PREFIX = "LOANPULSE_"

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)")
_PASSWORD = re.compile(r"(?<=:)[^:@/]+(?=@)")


class SettingsError(ValueError):
    """A variable or option that cannot be used; one line for each, naming it, its value and the way out."""


def _known_zone(name: str) -> str:
    """Refuse a zone that the time zone data does not hold (an ill-formed key is a ValueError already)."""
    try:
        ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(name) from error
    return name


def _written_instant(value: object) -> object:
    """Pydantic would also take a bare number for an instant; a number here is more likely a mistake."""
    if isinstance(value, str) and not _INSTANT.fullmatch(value):
        raise ValueError(value)
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]
Instant = Annotated[AwareDatetime, BeforeValidator(_written_instant)]
Hosts = Annotated[str, StringConstraints(pattern=r"^[^\s,:/]+:\d{1,5}(,[^\s,:/]+:\d{1,5})*$")]
RedisUrl = Annotated[str, StringConstraints(pattern=r"^(redis|rediss|unix)://\S+$")]
# Braces and slashes would break the hash tag {namespace/topic/partition} of a ledger's keys.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,80}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{0,80}$")]


class Settings(BaseModel):
    """Every process's settings; the field `x_y` is the variable `LOANPULSE_X_Y` and the option `--x-y`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kafka: Hosts | None = Field(
        None,
        description="Kafka's bootstrap servers: host:port, several joined by commas; unset starts one here.",
    )
    redis: RedisUrl | None = Field(
        None, description="Redis' address: redis://host:port/db, rediss:// or unix://; unset starts one here."
    )
    namespace: Name = Field(
        "loanpulse",
        description="Prefix of all Redis keys and name of the consumer group: 1 to 80 of A-Z a-z 0-9 . _ -",
    )
    topic_prefix: Prefix = Field(
        "", description="Put before the name of every topic: up to 80 of A-Z a-z 0-9 . _ -"
    )
    dead_letter_topic: Name = Field(
        "dead-letters",
        description="Topic of rejected records, before the prefix: 1 to 80 of A-Z a-z 0-9 . _ -",
    )
    alert_topic: Name = Field(
        "kpi-alerts",
        description="Topic of alerts, before the prefix: 1 to 80 of A-Z a-z 0-9 . _ -",
    )
    alert_grace_seconds: int = Field(
        0,
        ge=0,
        le=86_400,
        description="How long after a case is at risk or breached its alert waits: a whole number of seconds, 0 to 86400.",
    )
    link_base: str = Field(
        "",
        description="Where the screens are seen, put before links in alerts: such as https://loanpulse.bank.example",
    )
    partitions: int = Field(
        4, ge=1, le=1024, description="Partitions of each event topic: a whole number from 1 to 1024."
    )
    rules: DirectoryPath | None = Field(
        None, description="Directory of rule files (YAML) that exists; unset uses the packaged catalogue."
    )
    config: FilePath | None = Field(
        None,
        description="The organisation's calendars, targets and system users: a JSON file that exists.",
    )
    roster: FilePath | None = Field(
        None,
        description="Officers and branches with their names: a YAML or CSV file that exists; unset shows those with cases, "
        "by id.",
    )
    routes: FilePath | None = Field(
        None,
        description="Who is told of which alerts, and how: a YAML or JSON file that exists; needed by dispatch.",
    )
    tz: Zone = Field(
        "UTC", description="The organisation's time zone: an IANA name such as Europe/Amsterdam."
    )
    as_of: Instant | None = Field(
        None,
        description="The instant that counts as now, with its offset, such as 2026-03-01T00:00:00Z; "
        "unset follows the wall clock.",
    )
    partitioner: Literal["murmur2", "none"] = Field(
        "murmur2",
        description="How producers choose a partition: murmur2 (checked by record) or none (not checked).",
    )
    reject_limit: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of rejected records that stops a partition: above 0, up to 1 (never stops).",
    )
    lateness_days: int = Field(
        40,
        ge=0,
        le=3650,
        description="Days that an event may be late beyond twice the longest window: "
        "a whole number from 0 to 3650.",
    )
    home: Path = Field(
        Path(".loanpulse"), description="Directory for the data of the servers that are started here."
    )
    serve_host: str = Field(
        "127.0.0.1", min_length=1, description="Address that serve listens on: a host name or an IP address."
    )
    serve_port: int = Field(
        9464, ge=0, le=65535, description="Port that serve listens on: 0 (any free one) to 65535."
    )
    api_token_file: FilePath | None = Field(
        None,
        description="The token that opens the API's silences, 16 or more characters, is the first line of this file, which "
        "exists; unset keeps them closed.",
    )
    series_budget: int = Field(
        20_000, ge=0, description="Most KPI series that /metrics shows: a whole number, 0 or more."
    )
    officer_detail: bool = Field(True, description="Whether metrics tell officers apart: on or off.")
    stale_seconds: int = Field(
        120,
        ge=1,
        description="Age of the board at which KPI series disappear: a whole number of seconds, 1 or more.",
    )
    session_timeout_seconds: int = Field(
        10,
        ge=6,
        le=1800,
        description="Silence after which a worker's partitions go to others: a whole number of seconds, "
        "6 to 1800 (the broker's own limits).",
    )
    worker_id: Name | None = Field(
        None,
        description="A name that this worker keeps over restarts, unique in its group (static membership): "
        "1 to 80 of A-Z a-z 0-9 . _ -",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged: debug, info, warning or error."
    )

    def topic(self, name: str) -> str:
        """The Kafka name of the topic that the contract calls `name`."""
        return self.topic_prefix + name

    @property
    def alerts(self) -> str:
        """The Kafka name of the topic of alerts."""
        return self.topic(self.alert_topic)

    @property
    def dead_letters(self) -> str:
        """The Kafka name of the topic of rejected records."""
        return self.topic(self.dead_letter_topic)


def variable(field: str) -> str:
    """The environment variable of a field of Settings."""
    return PREFIX + field.upper()


def load_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """Settings from variables; an override (a command's option) wins, and None or an empty variable is unset.

    Raises SettingsError for an unknown `LOANPULSE_*` variable and for a value that cannot be used.
    """
    fields = {variable(field): field for field in Settings.model_fields}
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    unknown = [_unknown(name, fields) for name in sorted(given) if name not in fields]
    if unknown:
        raise SettingsError("\n".join(unknown))
    values: dict[str, object] = {
        fields[name]: value.strip() for name, value in given.items() if value.strip()
    }
    values.update({field: value for field, value in overrides.items() if value is not None})
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explain(error, overrides)) from None


def environ_of(settings: Settings) -> dict[str, str]:
    """The variables that give a child process these very settings."""
    set_here = {field: value for field, value in settings if value is not None}
    return {variable(field): _written(value) for field, value in set_here.items()}


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _unknown(name: str, known: Mapping[str, str]) -> str:
    bare = [other.removeprefix(PREFIX) for other in known]
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), bare, n=1, cutoff=0.0)[0]
    return f"{name} is not a setting of LoanPulse: did you mean {PREFIX}{nearest}?"


def _explain(error: ValidationError, overrides: Mapping[str, object]) -> str:
    """One line for each field that is wrong; a union's several complaints are one."""
    wrong: dict[str, object] = {}
    for detail in error.errors():
        wrong.setdefault(str(detail["loc"][0]), detail["input"])
    return "\n".join(_line(field, value, given=field in overrides) for field, value in wrong.items())


def _line(field: str, value: object, *, given: bool) -> str:
    name = f"--{field.replace('_', '-')}" if given else variable(field)
    if field not in Settings.model_fields:
        return f"{name} is not a setting of LoanPulse"
    shown = _PASSWORD.sub("***", str(value)) if field == "redis" else str(value)
    if field == "api_token_file" and "/" not in shown:
        shown = "***"  # the token itself, given in place of its file
    return f"{name} is {shown!r}. {Settings.model_fields[field].description}"
