"""Tells the story of one case: its facts, its clocks step by step, what it adds to each measure."""

from collections.abc import Collection, Iterable, Iterator

from kpi_rules.measures import DurationMeasure
from kpi_rules.model import Rule
from loanpulse.board.plan import NOW
from loanpulse.rules.case_clocks import clock_told
from loanpulse.rules.case_store import KINDS, Stored, find_cases
from loanpulse.rules.explain import ExplainError, rule_of
from loanpulse.rules.explanation import Part
from loanpulse.rules.phrases import contributed, parts_of
from loanpulse.rules.story import CaseStory, Counted, Fact, NotCounted
from loanpulse.serve.book import CONFIDENTIAL, is_confidential
from loanpulse.serve.shown import Shown
from schemas.event import Statement
from schemas.fields import local_iso
from schemas.registry import BY_CODE, EventType
from streams.calculus.accounts import CaseAccount, ClientAccount, Entry, account_of
from streams.calculus.attribution import SEPARATOR
from streams.calculus.client import Client as Person
from streams.calculus.client import decode_client
from streams.calculus.program import Program
from streams.runtime.pane_version import digest_of
from streams.runtime.script import Client


async def explain_case(
    redis: Client,
    namespace: str,
    shown: Shown,
    subject: str,
    *,
    key: str | None,
    kpi: str | None,
    now_ms: int,
) -> CaseStory:
    """The story of the one case of a name. With a KPI: of the kinds of cases that it looks at, and only what concerns it.

    Raises ExplainError where there is no such case, or more than one; and Redis' errors.
    """
    stored, rules = await find_case(redis, namespace, shown, subject, key=key, kpi=kpi)
    return story_of(stored, await client_of(stored, shown), shown, rules, now_ms)


async def find_case(
    redis: Client, namespace: str, shown: Shown, subject: str, *, key: str | None, kpi: str | None
) -> tuple[Stored, list[Rule]]:
    """The one case of a name, and the rules that its story is to be told by. Raises ExplainError, and Redis' errors."""
    rule = None if kpi is None else rule_of(shown.book, kpi)
    rules = [rule] if rule is not None else list(shown.book.program.rules)
    kinds = KINDS if rule is None else kinds_of(shown.book.program, rule)
    found = await find_cases(redis, namespace, subject, key, kinds)
    if len(found) != 1:
        raise ExplainError(_not_one(subject, key, found, kinds, rule))
    return found[0], rules


def kinds_of(program: Program, rule: Rule) -> list[str]:
    """The kinds of cases whose facts a rule counts."""
    measures = (measure for measure in program.measures if measure.rule.id == rule.id)
    return sorted({account_of(program, measure).kind for measure in measures})


def _not_one(
    subject: str, key: str | None, found: Collection[Stored], kinds: Collection[str], rule: Rule | None
) -> str:
    whose = "" if key is None else f" of {key}"
    if not found:
        looked_at = "" if rule is None else f"; {rule.id} looks at cases of the kind {', '.join(kinds)}"
        return f"there is no case {subject!r}{whose}{looked_at}"
    names = ", ".join(f"{stored.name.kind} of {stored.name.key}" for stored in found)
    keys = {stored.name.key for stored in found}
    way_out = "name its key with --key" if len(keys) > 1 else "name a KPI that looks at the one you mean"
    return f"there are {len(found)} cases {subject!r}{whose}: {names}; {way_out}"


async def client_of(stored: Stored, shown: Shown) -> Person:
    """What the ledger keeps of the case's client under the rules shown; an empty one where it keeps nothing."""
    head = await stored.ledger.head()
    version = next((v for v in head.whole_versions if digest_of(v) == shown.book.program.digest), None)
    if version is None:
        return Person()
    _, clients = await stored.ledger.load([], {version: [stored.name.key.encode()]})
    blob = clients[version][0]
    return Person() if blob is None else decode_client(blob)


def story_of(stored: Stored, client: Person, shown: Shown, rules: Iterable[Rule], now_ms: int) -> CaseStory:
    """The story, told by some rules."""
    wanted = {rule.id: rule for rule in rules}
    program, zone = shown.book.program, shown.book.program.zone
    counted: list[Counted] = []
    not_counted: list[NotCounted] = []
    for measure in program.measures:
        if measure.rule.id not in wanted:
            continue
        account = account_of(program, measure)
        if account.kind != stored.name.kind:
            continue
        for entry in _entries(account, stored, client):
            if entry.seen is not None:
                counted.append(_counted(shown, measure.rule, entry, now_ms))
            else:
                not_counted.append(
                    NotCounted(kpi=measure.rule.id, wording=measure.rule.wording, why=entry.why)
                )
    return CaseStory(
        kind=stored.name.kind,
        key=stored.name.key,
        subject=stored.name.subject,
        topic=stored.ledger.keys.topic,
        partition=stored.ledger.keys.partition,
        zone=zone.key,
        now=local_iso(now_ms, zone),
        quarantined=stored.case.quarantined,
        facts=list(_facts(stored, shown)),
        clocks=[
            clock
            for rule in wanted.values()
            if isinstance(rule.measure, DurationMeasure)
            and (clock := clock_told(program, rule, stored, now_ms)) is not None
        ],
        counted=counted,
        not_counted=not_counted,
    )


def _entries(account: CaseAccount | ClientAccount, stored: Stored, client: Person) -> Iterator[Entry]:
    if isinstance(account, CaseAccount):
        yield from account.of(stored.case)
        return
    yield from account.of_case(stored.case)
    yield from (entry for subject, entry in account.of(client) if subject == stored.name.subject)


def _facts(stored: Stored, shown: Shown) -> Iterator[Fact]:
    """In order of time."""
    case, zone = stored.case, shown.book.program.zone
    found: list[tuple[Statement, EventType, str]] = [
        (said, BY_CODE[code], "") for code, said in case.single.items()
    ]
    for code, instances in case.many.items():
        kind = BY_CODE[code]
        found += [(said, kind, "" if kind.per == "event" else name) for name, said in instances.items()]
    for said, kind, instance in _in_order(found):
        values = dict(zip(kind.fields, said.values, strict=True))
        yield Fact(
            type=kind.name,
            at=local_iso(said.at, zone),
            instance=instance,
            officer=said.officer,
            branch=said.branch,
            product=said.product,
            channel=said.channel,
            values=None if kind.name in CONFIDENTIAL else values,
            source=said.source,
            id=said.id,
            revision=said.revision,
            retracted=said.retracted,
        )


def _in_order(found: list[tuple[Statement, EventType, str]]) -> list[tuple[Statement, EventType, str]]:
    """A report may stand for two: the latest, and the first that was late."""
    once = {
        (said.at, kind.name, said.source, said.id): (said, kind, instance) for said, kind, instance in found
    }
    return [once[order] for order in sorted(once)]


def _counted(shown: Shown, rule: Rule, entry: Entry, now_ms: int) -> Counted:
    seen, zone = entry.seen, shown.book.program.zone
    assert seen is not None
    part: Part = "now" if entry.at is None else "window"
    split = seen.group.rpartition(SEPARATOR)[2]
    hidden = is_confidential(rule, 0)
    numerator, denominator = parts_of(rule, seen, part)
    says = contributed(shown.book.program, rule, entry, part, split)
    if entry.opened is not None and entry.at is not None and entry.at > now_ms:
        says = "still open: lost then, if not won by then"
    return Counted(
        kpi=rule.id,
        wording=rule.wording,
        at=None if entry.at is None else local_iso(entry.at, zone),
        windows=_windows(shown, rule, entry.at),
        officer=entry.group[0],
        branch=entry.group[1],
        split=split,
        numerator=None if hidden else numerator,
        denominator=None if hidden else denominator,
        says="kept back" if hidden else says,
    )


def _windows(shown: Shown, rule: Rule, at: int | None) -> list[str]:
    block = shown.snapshot.blocks.get(rule.id)
    frames = () if block is None else block.frames
    if at is None:
        return [NOW]
    return [f.window for f in frames if f.from_ms is not None and f.from_ms <= at < f.to_ms]
