"""What a silence is, whom it covers, and how its end is written."""

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

import msgspec

from kpi_rules.lengths import parse_length
from loanpulse.lab.failures import InputError
from schemas.alert import AlertData

MOST_DAYS = 366
LONGEST_TEXT = 500
_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SilenceError(InputError):
    """A silence that cannot be: one line that names the field, its value and the way out."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message, field=field)
        self.message, self.field = message, field


class Covered(msgspec.Struct, frozen=True):
    """Which alerts a silence covers: those that all that is named here holds for. `kpi` may have * and ?."""

    subject: str = ""
    kind: str = ""
    key: str = ""
    officer: str = ""
    kpi: str = ""
    branch: str = ""

    def includes(self, data: AlertData) -> bool:
        case = data.case
        found = {
            "subject": "" if case is None else case.subject,
            "kind": "" if case is None else case.kind,
            "key": "" if case is None else case.key,
            "officer": data.officer,
            "branch": data.branch,
        }
        named = {field: getattr(self, field) for field in found if getattr(self, field)}
        if self.kpi and not fnmatchcase(data.kpi, self.kpi):
            return False
        return all(found[field] == value for field, value in named.items())


class Silence(msgspec.Struct, frozen=True):
    """Somebody's word that some alerts are not to be told until an instant, and why."""

    id: str
    covered: Covered
    reason: str
    by: str
    created_ms: int
    end_ms: int

    def covers(self, data: AlertData) -> bool:
        return self.covered.includes(data)

    @property
    def reminds(self) -> bool:
        """A silence of one case is a snooze: whoever knew of the case is told once more when it ends."""
        return bool(self.covered.subject)


def demand(silence: Silence) -> Silence:
    """The silence itself. Raises SilenceError if it cannot be."""
    covered = silence.covered
    if not (covered.subject or covered.officer or covered.kpi or covered.branch):
        raise SilenceError("names nothing: name a case, officer, KPI or branch", field="silence")
    if (covered.kind or covered.key) and not covered.subject:
        raise SilenceError("name the case that kind and key belong to", field="case")
    for field, text in (("reason", silence.reason), ("by", silence.by)):
        if not text.strip() or len(text) > LONGEST_TEXT or not text.isprintable():
            raise SilenceError(f"must be 1 to {LONGEST_TEXT} printable characters", field=field)
    if silence.end_ms <= silence.created_ms:
        raise SilenceError(f"is {written(silence.end_ms)}: must be later than now", field="until")
    if silence.end_ms - silence.created_ms > MOST_DAYS * _DAY_MS:
        raise SilenceError(f"is {written(silence.end_ms)}: at most {MOST_DAYS} days from now", field="until")
    return silence


def end_of(text: str, now_ms: int) -> int:
    """The end of a silence as written: a length of plain time such as `2 hours`, or an instant with its offset."""
    try:
        length = parse_length(text)
    except (ValueError, OverflowError):
        return _instant(text)
    if length.business_days:
        raise SilenceError(
            f"is {text!r}: business days depend on the branch: write hours or days", field="until"
        )
    if length.ms > MOST_DAYS * _DAY_MS:
        raise SilenceError(f"is {text!r}: at most {MOST_DAYS} days from now", field="until")
    return now_ms + length.ms


def _instant(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text.strip())
        if instant.tzinfo is not None:
            instant = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        instant = None
    if instant is None or instant.tzinfo is None:
        message = (
            f"is {text!r}: write a length such as 2 hours, or an instant such as 2026-03-01T17:00:00+01:00"
        )
        raise SilenceError(message, field="until")
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def written(ms: int) -> str:
    """An instant for people, in UTC."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M}Z"
