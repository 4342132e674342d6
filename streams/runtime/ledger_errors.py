"""What a ledger says no with; each error is a decision for the caller.

LedgerError
├── Fenced         another owner, position or version: drop caches, acquire again, seek to its position
├── Torn           a script was cut off half-way: rebuild the panes from the cases, then flip
├── TooLarge       more than one script may do; nothing was sent: divide the batch
├── PaneFull       a pane's log is at 64 MiB: compact it, then try again
├── Refused        the ledger holds what it cannot hold (a foreign key, a damaged number): stop the partition
├── SourceChanged  the topic is not the one that was read so far: stop; an operator may accept the gap
└── Stale          a pane was compacted or dropped, or a version flipped, since the pull: pull again

Redis' own errors (connection, time-out, LOADING, BUSY, out of memory) come as `redis.exceptions`, and to try
again is the caller's decision: every call may be repeated as it was.
"""

from streams.runtime.ledger_values import Head, Source


class LedgerError(Exception):
    """What a ledger says no with."""


class Fenced(LedgerError):  # noqa: N818  # named for what it reports
    """Someone else has the ledger, or it is elsewhere; `head` is how it stands now."""

    def __init__(self, head: Head) -> None:
        super().__init__(
            f"the ledger is at {head.position}, its owner is {head.owner!r}, its version {head.version!r}"
        )
        self.head = head


class Torn(LedgerError):  # noqa: N818  # named for what it reports
    """A script was cut off half-way."""


class TooLarge(LedgerError):  # noqa: N818  # named for what it reports
    """More than one script may do; nothing was written."""


class PaneFull(LedgerError):  # noqa: N818  # named for what it reports
    """A pane's log would grow beyond its bound; nothing was written."""

    def __init__(self, version: str, pane: str) -> None:
        super().__init__(f"pane {pane} of version {version} is full: compact it")
        self.version = version
        self.pane = pane


class Refused(LedgerError):  # noqa: N818  # named for what it reports
    """The ledger holds what it cannot hold; nothing was written."""


class Stale(LedgerError):  # noqa: N818  # named for what it reports
    """The pane's log is no longer the one that was pulled."""


class SourceChanged(LedgerError):  # noqa: N818  # named for what it reports
    """The topic is another one than was read so far."""

    def __init__(self, stored: Source, found: Source) -> None:
        super().__init__(f"the ledger was filled from {stored}, the topic is now {found}")
        self.stored = stored
        self.found = found
