"""Explains a figure of the board from the stored cases: which of them it is made of, and which are left out and why."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from kpi_rules.model import ALL_WINDOWS, Rule
from kpi_rules.names import nearest
from kpi_rules.words import words_of
from loanpulse.board.plan import NOW
from loanpulse.board.snapshot import Frame, Snapshot
from loanpulse.rules import explanation as told
from loanpulse.rules.case_store import CaseScan, Name, cases_of, ledgers_of
from loanpulse.rules.gathering import Gathering
from loanpulse.rules.scope import Scope
from loanpulse.rules.telling import excluded, series_of
from loanpulse.serve.book import Book
from loanpulse.serve.shown import Shown
from schemas.fields import local_iso
from streams.calculus.accounts import CaseAccount, ClientAccount, account_of
from streams.calculus.client import Client as Person
from streams.calculus.program import Program
from streams.runtime.ledger_reader import LedgerReader, list_ledgers
from streams.runtime.script import Client


class ExplainError(ValueError):
    """A question that cannot be answered as it is put; one line that names what is wrong and the way out."""


@dataclass(frozen=True)
class Question:
    """Which figure; `limit`: how many cases are listed of each part (None: all)."""

    kpi: str
    window: str = "30d"
    group: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = 20


async def explain(redis: Client, namespace: str, shown: Shown, question: Question) -> told.Explanation:
    """The explanation of a figure of a board, with the window's edges as that board has them.

    Reads every stored case of the kind that the rule counts. Raises ExplainError, and Redis' errors.
    """
    account = _accounts(shown.book, scope_of(shown, question).rule)[0]
    ledgers = await ledgers_of(redis, namespace, account.kind)
    return await explain_from(
        ledgers, shown, question, lambda: _has_moved_on(redis, namespace, shown.snapshot)
    )


async def explain_from(
    ledgers: Sequence[CaseScan],
    shown: Shown,
    question: Question,
    has_moved_on: Callable[[], Awaitable[bool]],
) -> told.Explanation:
    """The explanation from what some ledgers hold, some hundred cases at a time.

    Of a rule that looks across the cases of a client, what one ledger's clients show of them is in memory at once.
    """
    scope = scope_of(shown, question)
    gathering = Gathering(scope, shown.book.program.system_users, question.limit)
    read = 0
    for account in _accounts(shown.book, scope.rule):
        for ledger in ledgers:
            if isinstance(account, ClientAccount):
                read += await _read_clients(ledger, account, shown.book.program, gathering)
            else:
                read += await _read_cases(ledger, account, gathering)
    return _told(shown, scope, gathering, read, moved_on=await has_moved_on())


def _accounts(book: Book, rule: Rule) -> list[CaseAccount | ClientAccount]:
    """Those of a rule: two of a ratio over a stock."""
    return [account_of(book.program, m) for m in book.program.measures if m.rule.id == rule.id]


def scope_of(shown: Shown, question: Question) -> Scope:
    """The figure that is asked about. Raises ExplainError where there is no such thing."""
    rule = rule_of(shown.book, question.kpi)
    for dimension in question.group:
        if dimension not in rule.dimensions:
            raise ExplainError(
                f"{rule.id} is not broken down by {dimension}: it is by {', '.join(rule.dimensions)}"
            )
    window = question.window if rule.timed else NOW
    if window not in (*ALL_WINDOWS, NOW):
        raise ExplainError(f"there is no window {window!r}: it is one of {', '.join(ALL_WINDOWS)}")
    block = shown.snapshot.blocks.get(rule.id)
    frames = () if block is None else block.frames
    frame = next((frame for frame in frames if frame.window == window), None)
    if frame is None:
        windows = ", ".join(frame.window for frame in frames)
        raise ExplainError(f"{rule.id} has no window {window}: it has {windows or 'none yet'}")
    return Scope(rule, frame, dict(question.group))


def rule_of(book: Book, kpi: str) -> Rule:
    """Raises ExplainError with the nearest name."""
    if kpi not in book.rules:
        raise ExplainError(f"there is no KPI {kpi!r}{nearest(kpi, book.rules)}")
    return book.rules[kpi]


async def _read_cases(ledger: CaseScan, account: CaseAccount, gathering: Gathering) -> int:
    """Take in what a ledger holds; how many cases were read."""
    read = 0
    async for name, case in cases_of(ledger, account.kind):
        read += 1
        for entry in account.of(case):
            gathering.add(name, entry, case)
    return read


async def _read_clients(
    ledger: CaseScan, account: ClientAccount, program: Program, gathering: Gathering
) -> int:
    """Clients are made anew from the cases, so they are those of these rules, whatever the ledger's version is."""
    clients: dict[str, Person] = {}
    read = 0
    for kind in account.kinds:
        async for name, case in cases_of(ledger, kind):
            read += 1
            for code, view in program.views(kind, None, case):
                if code in account.reads and view is not None:
                    clients.setdefault(name.key, Person()).show(code, name.subject, view)
            if kind == account.kind:
                for entry in account.of_case(case):
                    gathering.add(name, entry, case)
    for key, client in clients.items():
        for subject, entry in account.of(client):
            gathering.add(Name(account.kind, key, subject), entry, None)
    return read


async def _has_moved_on(redis: Client, namespace: str, snapshot: Snapshot) -> bool:
    """Whether a ledger is no longer as the board found it."""
    found = {(ledger.topic, ledger.partition): ledger.seq for ledger in snapshot.meta.ledgers}
    for topic, partition in await list_ledgers(redis, namespace):
        head = await LedgerReader(redis, namespace, topic, partition).head()
        if found.get((topic, partition)) != head.seq:
            return True
    return False


def _told(shown: Shown, scope: Scope, gathering: Gathering, read: int, *, moved_on: bool) -> told.Explanation:
    snapshot, book = shown
    rule, frame, zone = scope.rule, scope.frame, book.program.zone
    before = (frame.before_from_ms, frame.before_to_ms)
    before_from, before_to, since = (
        None if at is None else local_iso(at, zone) for at in (*before, frame.from_ms)
    )
    bounds = book.bounds(rule.id, snapshot.meta.as_of_ms)
    return told.Explanation(
        kpi=rule.id,
        wording=rule.wording,
        kind=rule.measure.kind,
        unit=rule.unit,
        words=told.Words(rule.says, *words_of(rule)),
        window=frame.window,
        group=dict(scope.group),
        zone=zone.key,
        from_=since,
        to=local_iso(frame.to_ms, zone),
        before_from=before_from,
        before_to=before_to,
        board=_stand(book, frame, snapshot),
        target=None if bounds is None else told.Bounds(*bounds),
        series=series_of(shown, scope, gathering),
        excluded=excluded(book, scope, gathering),
        cases_read=read,
        moved_on=moved_on,
    )


def _stand(book: Book, frame: Frame, snapshot: Snapshot) -> told.Stand:
    meta, zone = snapshot.meta, book.program.zone
    through = meta.complete_through_ms
    return told.Stand(
        rules=meta.rules,
        as_of=local_iso(meta.as_of_ms, zone),
        computed_at=local_iso(meta.computed_at_ms, zone),
        complete_through=None if through is None else local_iso(through, zone),
        complete=frame.complete,
        incomplete=list(meta.incomplete),
    )
