"""Which officers and branches the events have named, that a roster ought to know."""

from loanpulse.board.members import PARTS, SEPARATOR
from loanpulse.roster.roster import KINDS, Kind, Roster
from streams.runtime.in_force import RulesInForce
from streams.runtime.ledger_reader import LedgerReader, list_ledgers
from streams.runtime.script import Client

NOT_PEOPLE = {"", "unassigned"}


async def not_listed(redis: Client, namespace: str, roster: Roster) -> dict[Kind, list[str]]:
    """Officers (programs left out) and branches that something was counted for and that the roster has not, in order."""
    rules = await RulesInForce(redis, namespace).live()
    programs = frozenset() if rules is None else rules.organisation.system_users
    named: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
    for topic, partition in await list_ledgers(redis, namespace):
        reader = LedgerReader(redis, namespace, topic, partition)
        head = await reader.head()
        for group in await reader.groups(head.version) if head.version else ():
            parts = dict(zip(PARTS, group.split(SEPARATOR), strict=True))
            for kind in KINDS:
                named[kind].add(parts[kind])
    named["officer"] -= programs
    return {
        kind: sorted(ids - NOT_PEOPLE - {member.id for member in roster.of(kind)})
        for kind, ids in named.items()
    }
