"""A case: the facts of one lead, loan, query … after merging, and the rule by which one statement wins each fact.

A case is named by (kind, partition key, subject). It keeps the winner of every fact, retracted ones too, since a still
higher revision may bring the fact back; rules see only facts that are not retracted.
"""

from collections.abc import Iterator

import msgspec

from schemas.event import Event, Statement, canonical_json
from schemas.registry import EVENT_TYPES, EventType

MOST_INSTANCES = 200
LATE_DAYS = 90

_REPORT = EVENT_TYPES["loan.status_reported"]
_DECIDED = EVENT_TYPES["application.decided"]
_OUTCOME = _DECIDED.index("outcome")
_DAYS_PAST_DUE = _REPORT.index("days_past_due")
_LATEST = "latest"
_FIRST_LATE = "first late"


class Case(msgspec.Struct, array_like=True, gc=False):
    """Facts by the code of their type: `single` where a case has one, `many` by instance."""

    single: dict[int, Statement] = msgspec.field(default_factory=dict)
    many: dict[int, dict[str, Statement]] = msgspec.field(default_factory=dict)

    def fact(self, code: int) -> Statement | None:
        """A fact, or None where there is none or it is retracted."""
        statement = self.single.get(code)
        return None if statement is None or statement.retracted else statement

    def instances(self, code: int) -> Iterator[tuple[str, Statement]]:
        """The facts of a type that a case has several of, those retracted left out."""
        for instance, statement in self.many.get(code, {}).items():
            if not statement.retracted:
                yield instance, statement

    def facts(self, code: int) -> list[Statement]:
        """All facts of a type, single or several."""
        if code in self.many:
            return [statement for _, statement in self.instances(code)]
        statement = self.fact(code)
        return [] if statement is None else [statement]

    def copy(self) -> "Case":
        """A case that may be changed without changing this one; statements are shared, they never change."""
        return Case(dict(self.single), {code: dict(found) for code, found in self.many.items()})

    @property
    def size(self) -> int:
        """How many instances it holds."""
        return sum(map(len, self.many.values()))

    @property
    def quarantined(self) -> bool:
        """Whether it holds more instances than one real case has; it is then kept, but not observed."""
        return bool(self.many) and self.size > MOST_INSTANCES


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Case)
encode_case = _encoder.encode
decode_case = _decoder.decode


def case_id(kind: str, key: str, subject: str) -> bytes:
    """What a case is stored under."""
    return f"{kind}\x1f{key}\x1f{subject}".encode()


def parse_case_id(name: bytes) -> tuple[str, str, str]:
    """Kind, partition key and subject."""
    kind, key, subject = name.decode().split("\x1f")
    return kind, key, subject


def standing(case: Case, event: Event) -> Statement | None:
    """The statement that an event would have to outrank; None if its fact is not known."""
    kind, statement = event.type, event.statement
    if kind.per is None:
        return case.single.get(kind.code)
    found = case.many.get(kind.code)
    if found is None:
        return None
    if kind is _REPORT:
        return next((s for s in found.values() if (s.source, s.id) == (statement.source, statement.id)), None)
    return found.get(instance_of(event))


def instance_of(event: Event) -> str:
    """Which of a case's facts of this type an event states."""
    statement = event.statement
    if event.type.per == "event":
        return f"{len(statement.source)} {statement.source}{statement.id}"
    return str(statement.values[event.type.index(event.type.per or "")])


def merge(case: Case, event: Event) -> bool:
    """Merge an event into its case. False if that changed nothing: another statement stands, or this very one."""
    if event.type is _REPORT:
        return _fold_report(case, event)
    old = standing(case, event)
    if old is not None and not outranks(event.statement, old, event.type):
        return False
    if event.type.per is None:
        case.single[event.type.code] = event.statement
    else:
        case.many.setdefault(event.type.code, {})[instance_of(event)] = event.statement
    return True


def outranks(new: Statement, old: Statement, kind: EventType) -> bool:
    """Whether a statement wins over another of the same fact: the higher revision; then, among decisions, any before
    withdrawn; then the first or the last by (time, source, id, canonical JSON)."""
    if new.revision != old.revision:
        return new.revision > old.revision
    if kind is _DECIDED:
        withdrawn, was_withdrawn = new.values[_OUTCOME] == "withdrawn", old.values[_OUTCOME] == "withdrawn"
        if withdrawn != was_withdrawn:
            return was_withdrawn
    order, old_order = order_of(new), order_of(old)
    if order == old_order:
        if new == old:
            return False
        # one (source, id) at one instant that says two things
        return (canonical_json(kind, "", "", new) < canonical_json(kind, "", "", old)) is kind.first
    return (order < old_order) is kind.first


def order_of(statement: Statement) -> tuple[int, str, str]:
    """(time, source, id)."""
    return statement.at, statement.source, statement.id


def _fold_report(case: Case, event: Event) -> bool:
    """Of a loan's status reports keep the latest, and the first of more than 90 days past due: all that is ever asked."""
    reports = case.many.setdefault(event.type.code, {})
    new, same = event.statement, standing(case, event)
    if same is not None and not outranks(new, same, event.type):
        return False
    kept = [s for s in reports.values() if s != same] + [new]  # one report may stand in both places
    latest = max(kept, key=order_of)
    late = [s for s in kept if int(s.values[_DAYS_PAST_DUE] or 0) > LATE_DAYS]
    folded = {_LATEST: latest}
    if late:
        folded[_FIRST_LATE] = min(late, key=order_of)
    changed = folded != reports
    case.many[event.type.code] = folded
    return changed


def latest_report(case: Case) -> Statement | None:
    """A loan's last status report."""
    reports = case.many.get(_REPORT.code)
    return None if reports is None else reports[_LATEST]


def first_late_report(case: Case) -> Statement | None:
    """A loan's first status report of more than 90 days past due."""
    reports = case.many.get(_REPORT.code)
    return None if reports is None else reports.get(_FIRST_LATE)
