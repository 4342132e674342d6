"""Every Redis key that LoanPulse uses, in one table.

| key | type | holds |
|---|---|---|
| `{ns/topic/partition}:head` | hash | owner, seq, position, applying, version, beside, source, counts, gaps … |
| `{ns/topic/partition}:cases` | hash | case id → its facts |
| `{ns/topic/partition}:before` | hash | while somebody verifies: case id → its facts before the first change since; expires |
| `{ns/topic/partition}:alerts` | hash | KPI and case → its incident, while there is one, as JSON |
| `{ns/topic/partition}:outbox` | stream | alerts that are not published yet |
| `{ns/topic/partition}:versions` | set | every version of which there may be keys |
| `{ns/topic/partition}:v<version>/clients` | hash | client id → what the rules keep per client |
| `{ns/topic/partition}:v<version>/pane/<pane id>` | string | the pane's log of rows |
| `{ns/topic/partition}:v<version>/dirty` | sorted set | pane id → seq of its last change |
| `{ns/topic/partition}:v<version>/lengths` | hash | pane id → bytes in its log |
| `{ns/topic/partition}:v<version>/gens` | hash | pane id → generation: the seq that began its log |
| `{ns/topic/partition}:v<version>/groups` | list | the groups; a row names one by its index |
| `{ns/topic/partition}:v<version>/build` | hash | step, torn, applying of a version beside the live one |
| `{ns/topic/partition}:v<version>/watch` | sorted set | KPI and open case → when it has to be looked at next |
| `{ns}:ledgers` | set | `topic/partition` of every ledger |
| `{ns}:rules` | hash | the rules in force, those to come and those before: which, since when, and their text |
| `{ns}:verified` | hash | `topic/partition` → what the last verification of a ledger found, as JSON |
| `{ns}:board:lease` | string | who computes the board |
| `{ns}:board:meta` | string | what the snapshot is worth, as JSON |
| `{ns}:board:rows` | hash | KPI → its block of the snapshot |
| `{ns}:board:roster` | string | officers and branches with their names, as JSON |
| `{ns}:board:alerts` | hash | KPI/window/split → how it stands while off target, as JSON; `clock`: by which time |
| `{ns}:board:outbox` | stream | alerts on KPIs that are not published yet |
| `{ns}:dispatch:incidents` | hash | incident → what each receiver was told of it and is still to be told, as JSON |
| `{ns}:dispatch:names` | hash | alert id → incident, where an incident goes on under another id |
| `{ns}:dispatch:due/<receiver>` | sorted set | incident → when its next message is due |
| `{ns}:dispatch:letters` | stream | messages that could not be delivered, and why |
| `{ns}:dispatch:figures` | hash | receiver and what became of messages → how many |
| `{ns}:dispatch:silences` | hash | silence id → whom it silences, until when, why and by whom, as JSON |

The braces are a hash tag: Redis Cluster keeps the keys of one ledger in one slot, as its scripts need.
"""

import re
from dataclasses import dataclass
from functools import cached_property

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def _check_name(kind: str, name: str) -> None:
    """A brace or a slash in a name would move keys to another slot, or into another ledger."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{kind} is {name!r}: must be one or more of A-Z a-z 0-9 . _ -")


@dataclass(frozen=True)
class VersionKeys:
    """The keys of one version of a ledger's panes."""

    base: str

    @cached_property
    def clients(self) -> str:
        return self.base + "clients"

    @cached_property
    def panes(self) -> str:
        """Put before a pane id, it gives that pane's key."""
        return self.base + "pane/"

    @cached_property
    def dirty(self) -> str:
        return self.base + "dirty"

    @cached_property
    def lengths(self) -> str:
        return self.base + "lengths"

    @cached_property
    def gens(self) -> str:
        return self.base + "gens"

    @cached_property
    def groups(self) -> str:
        return self.base + "groups"

    @cached_property
    def build(self) -> str:
        return self.base + "build"

    @cached_property
    def watch(self) -> str:
        return self.base + "watch"


@dataclass(frozen=True)
class LedgerKeys:
    """The keys of one ledger; its names are checked, so that no two ledgers can share a key."""

    namespace: str
    topic: str
    partition: int

    def __post_init__(self) -> None:
        _check_name("namespace", self.namespace)
        _check_name("topic", self.topic)

    @property
    def place(self) -> str:
        """As people call the ledger."""
        return f"{self.topic}/{self.partition}"

    @cached_property
    def tag(self) -> str:
        return f"{{{self.namespace}/{self.topic}/{self.partition:d}}}:"

    @cached_property
    def head(self) -> str:
        return self.tag + "head"

    @cached_property
    def cases(self) -> str:
        return self.tag + "cases"

    @cached_property
    def before(self) -> str:
        return self.tag + "before"

    @cached_property
    def alerts(self) -> str:
        return self.tag + "alerts"

    @cached_property
    def outbox(self) -> str:
        return self.tag + "outbox"

    @cached_property
    def versions(self) -> str:
        return self.tag + "versions"

    def version(self, version: str) -> VersionKeys:
        """ValueError unless `version` is made of A-Z a-z 0-9 . _ -"""
        _check_name("version", version)
        return VersionKeys(f"{self.tag}v{version}/")


@dataclass(frozen=True)
class NamespaceKeys:
    """The keys that all ledgers of a namespace share."""

    namespace: str

    def __post_init__(self) -> None:
        _check_name("namespace", self.namespace)

    @cached_property
    def tag(self) -> str:
        return f"{{{self.namespace}}}:"

    @cached_property
    def ledgers(self) -> str:
        return self.tag + "ledgers"

    @cached_property
    def rules(self) -> str:
        return self.tag + "rules"

    @cached_property
    def verified(self) -> str:
        return self.tag + "verified"

    @cached_property
    def board_lease(self) -> str:
        return self.tag + "board:lease"

    @cached_property
    def board_meta(self) -> str:
        return self.tag + "board:meta"

    @cached_property
    def board_rows(self) -> str:
        return self.tag + "board:rows"

    @cached_property
    def board_roster(self) -> str:
        return self.tag + "board:roster"

    @cached_property
    def board_alerts(self) -> str:
        return self.tag + "board:alerts"

    @cached_property
    def board_outbox(self) -> str:
        return self.tag + "board:outbox"

    @cached_property
    def incidents(self) -> str:
        return self.tag + "dispatch:incidents"

    @cached_property
    def incident_names(self) -> str:
        return self.tag + "dispatch:names"

    def due(self, receiver: str) -> str:
        """ValueError unless `receiver` is made of A-Z a-z 0-9 . _ -"""
        _check_name("receiver", receiver)
        return f"{self.tag}dispatch:due/{receiver}"

    @cached_property
    def undelivered(self) -> str:
        return self.tag + "dispatch:letters"

    @cached_property
    def deliveries(self) -> str:
        return self.tag + "dispatch:figures"

    @cached_property
    def silences(self) -> str:
        return self.tag + "dispatch:silences"
