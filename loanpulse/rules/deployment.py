"""How far rules on their way into force are: which ledgers have their panes, and what they wait for."""

from collections.abc import Sequence
from dataclasses import dataclass

from kpi_rules.rulebook import Rulebook
from loanpulse.board.reader import SnapshotReader
from streams.runtime.in_force import KEPT_MS, Entry, RulesInForce
from streams.runtime.ledger_reader import LedgerReader, list_ledgers
from streams.runtime.ledger_values import Head
from streams.runtime.pane_version import digest_of
from streams.runtime.rulebook import program_of
from streams.runtime.script import Client


@dataclass(frozen=True)
class LedgerProgress:
    """One ledger; `is_whole` once its panes are there, else `waits_for` says in words what for."""

    topic: str
    partition: int
    is_whole: bool
    waits_for: str


@dataclass(frozen=True)
class Role:
    """A rulebook in its role, since an instant (UTC ms)."""

    book: Rulebook
    since_ms: int


@dataclass(frozen=True)
class Deployment:
    """Where the rules of a namespace stand. `until_ms`: up to when one can go back to `previous`."""

    live: Role | None
    next: Role | None
    previous: Role | None
    until_ms: int | None
    ledgers: Sequence[LedgerProgress]
    """Those of the rules on their way; empty if there are none."""
    board_runs: bool
    shown: str
    """The digest of the rules that the board shows; empty if there is no board."""

    @property
    def whole(self) -> int:
        return sum(ledger.is_whole for ledger in self.ledgers)

    def is_live(self, digest: str) -> bool:
        """Whether these rules are in force, and what is shown is theirs; what nobody computes is not waited for."""
        is_in_force = self.live is not None and self.live.book.digest == digest
        return is_in_force and (self.shown == digest or not self.board_runs)


async def deployment(redis: Client, namespace: str) -> Deployment:
    """Where the rules of a namespace stand now. Raises Redis' errors, and RuleError for rules of another version."""
    rules = RulesInForce(redis, namespace)
    standing = await rules.standing()
    coming = await _role(rules, standing.next)
    previous = await _role(rules, standing.previous)
    board = SnapshotReader(redis, namespace)
    return Deployment(
        live=await _role(rules, standing.live),
        next=coming,
        previous=previous,
        until_ms=None if previous is None else previous.since_ms + KEPT_MS,
        ledgers=[] if coming is None else await _ledgers(redis, namespace, program_of(coming.book).digest),
        board_runs=await board.is_computed(),
        shown=await board.book(),
    )


async def _role(rules: RulesInForce, entry: Entry | None) -> Role | None:
    return None if entry is None else Role(await rules.book(entry.digest), entry.since_ms)


async def _ledgers(redis: Client, namespace: str, digest: str) -> list[LedgerProgress]:
    found = []
    for topic, partition in await list_ledgers(redis, namespace):
        head = await LedgerReader(redis, namespace, topic, partition).head()
        is_whole = any(digest_of(version) == digest for version in head.whole_versions)
        found.append(LedgerProgress(topic, partition, is_whole, "" if is_whole else _waits_for(head, digest)))
    return found


def _waits_for(head: Head, digest: str) -> str:
    if head.torn:
        return "it was cut off half-way and waits for a worker to rebuild it"
    if head.state.startswith("stopped"):
        return f"its partition is {head.state}"
    if digest_of(head.beside) == digest:
        return "its cases are being observed"
    return "a worker to begin with it"
