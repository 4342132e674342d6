"""Which rules are in force in a namespace: kept in Redis, so that every process follows the same ones.

`live` are those that count and are shown, `next` those whose panes are built beside, `previous` those that can still be
gone back to. Files only begin it: after that, rules change by `propose` and `put_in_force`.
"""

from dataclasses import dataclass

from kpi_rules.rulebook import Rulebook
from streams.calculus.windows import DAY_MS
from streams.runtime.keys import NamespaceKeys
from streams.runtime.ledger_errors import Refused
from streams.runtime.script import Argument, Client, Script

KEPT_MS = DAY_MS
"""So long the rules before can be gone back to; until then their panes are kept up to date."""

_CHANGE = Script("change_rules")
_ROLES = ("live", "next", "previous")
_BOOK = "book/"


class NotNow(Exception):  # noqa: N818  # an answer, not a fault
    """The rules in force cannot be changed that way as they stand; says why and what to do."""


@dataclass(frozen=True)
class Entry:
    """A rulebook by its digest; `since_ms` (UTC ms) is when it came into its role."""

    digest: str
    since_ms: int


@dataclass(frozen=True)
class Standing:
    """Who has which role; `live` is None only before anybody has begun."""

    revision: str
    live: Entry | None
    next: Entry | None
    previous: Entry | None

    @property
    def digests(self) -> set[str]:
        return {entry.digest for entry in (self.live, self.next, self.previous) if entry is not None}


class RulesInForce:
    """The rules of a namespace.

    Invariants:
        the_first_to_begin_decides
        of_two_changes_at_once_one_is_refused
        a_book_is_kept_as_long_as_it_has_a_role
    """

    def __init__(self, redis: Client, namespace: str) -> None:
        self._redis = redis
        self._key = NamespaceKeys(namespace).rules
        self._namespace = namespace
        self._books: dict[str, Rulebook] = {}

    async def standing(self) -> Standing:
        """Everything but the books' text."""
        stored = await self._redis.execute_command("HMGET", self._key, "revision", *_ROLES)
        revision, *roles = (b"" if value is None else value for value in stored)
        return Standing(revision.decode(), *(_entry(role.decode()) for role in roles))

    async def book(self, digest: str) -> Rulebook:
        """A book that has a role. Raises NotNow if it has none any more, RuleError if another version wrote it."""
        if digest not in self._books:
            text = await self._redis.execute_command("HGET", self._key, _BOOK + digest)
            if text is None:
                raise NotNow(f"the rules {digest} have no role in the namespace {self._namespace} any more")
            self._books[digest] = Rulebook.from_json(text.decode())
        return self._books[digest]

    async def live(self) -> Rulebook | None:
        """The rules that count; None before any worker or board has begun."""
        standing = await self.standing()
        return None if standing.live is None else await self.book(standing.live.digest)

    async def begun_with(self, book: Rulebook, now_ms: int) -> Standing:
        """Who has which role; `book` is live if no rules were."""
        while True:
            standing = await self.standing()
            if standing.live is not None:
                return standing
            live = Entry(book.digest, now_ms)
            await self._change(standing, Standing("", live, None, None), book)

    async def propose(self, book: Rulebook, now_ms: int) -> None:
        """Let the book's panes be built beside the live ones; it is put in force when all ledgers have them.

        What could be gone back to until now cannot any more. Raises NotNow if another book is on its way.
        """
        while True:
            standing = await self.standing()
            if standing.live is None:
                raise NotNow("no rules are in force yet: start a worker, which begins with its own")
            if standing.live.digest == book.digest:
                raise NotNow("these rules are in force already")
            if standing.next is not None and standing.next.digest != book.digest:
                raise NotNow(
                    f"the rules {standing.next.digest} are on their way: wait for them, or `loanpulse rules withdraw`"
                )
            entry = standing.next or Entry(book.digest, now_ms)
            if await self._change(standing, Standing("", standing.live, entry, None), book):
                return

    async def withdraw(self) -> None:
        """Let what is on its way be forgotten. Raises NotNow if nothing is."""
        while True:
            standing = await self.standing()
            if standing.next is None:
                raise NotNow("no rules are on their way")
            if await self._change(standing, Standing("", standing.live, None, standing.previous)):
                return

    async def put_in_force(self, digest: str, now_ms: int) -> None:
        """Let the book on its way be the live one. Raises NotNow if it is not on its way any more."""
        while True:
            standing = await self.standing()
            if standing.next is None or standing.live is None or standing.next.digest != digest:
                raise NotNow(f"the rules {digest} are not on their way any more")
            live, previous = Entry(digest, now_ms), Entry(standing.live.digest, now_ms)
            if await self._change(standing, Standing("", live, None, previous)):
                return

    async def go_back(self, now_ms: int) -> Entry:
        """Let the rules before be the live ones, and these the ones before; what is on its way is withdrawn.

        Returns what is live now. Raises NotNow if there is nothing to go back to.
        """
        while True:
            standing = await self.standing()
            if standing.previous is None or standing.live is None:
                raise NotNow(
                    "there are no rules to go back to: those before are kept for a day, until others are deployed"
                )
            live, previous = (
                Entry(standing.previous.digest, now_ms),
                Entry(standing.live.digest, now_ms),
            )
            if await self._change(standing, Standing("", live, None, previous)):
                return live

    async def forget_previous(self) -> None:
        """There is no way back any more."""
        standing = await self.standing()
        if standing.previous is not None:
            await self._change(standing, Standing("", standing.live, standing.next, None))

    async def _change(self, old: Standing, new: Standing, book: Rulebook | None = None) -> bool:
        """False if somebody else changed it since `old` was read."""
        fields: list[Argument] = []
        for role in _ROLES:
            entry: Entry | None = getattr(new, role)
            fields += (role, "" if entry is None else f"{entry.digest} {entry.since_ms}")
        for digest in old.digests - new.digests:
            fields += (_BOOK + digest, "")
        if book is not None:
            fields += (_BOOK + book.digest, book.to_json())
        reply = await _CHANGE.run(self._redis, [self._key], [old.revision, *fields])
        if reply.word == "REFUSED":
            raise Refused(f"change_rules: {reply.rest[0].decode()}")
        return reply.word == "CHANGED"


def _entry(text: str) -> Entry | None:
    digest, _, since = text.partition(" ")
    return Entry(digest, int(since)) if digest else None
