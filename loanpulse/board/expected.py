"""Members of the roster: they have a row in every window of their time, with nothing in it if nothing was observed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from loanpulse.board.cells import Keys
from loanpulse.board.tally import key_of
from loanpulse.roster.roster import KINDS, Roster
from streams.calculus.windows import Edges


class Expected(NamedTuple):
    """The members of one dimension, and the time of each, UTC ms."""

    names: Sequence[str]
    since: NDArray[np.int64]
    until: NDArray[np.int64]


class Places(NamedTuple):
    """Keys that have a row whatever was observed, and in which windows: `shown[window, key]`."""

    keys: Keys
    shown: NDArray[np.bool_]


def expected_of(roster: Roster, zone: ZoneInfo) -> Mapping[str, Expected]:
    """By dimension, whom a roster lets expect; its days are those of the zone."""
    found: dict[str, Expected] = {}
    for kind in KINDS:
        members = list(roster.of(kind))
        if members:
            times = np.array([member.time(zone) for member in members], np.int64)
            found[kind] = Expected([member.id for member in members], times[:, 0], times[:, 1])
    return found


def places(expected: Expected, codes: Keys, splits: Keys, windows: Sequence[Edges]) -> Places:
    """Of each member with each of the split's values; `codes` are the members' own, in their order."""
    keys = key_of(codes[:, None], splits[None, :]).ravel()
    at_work = np.array(
        [(expected.since < edges.to_ms) & (expected.until > edges.from_ms) for edges in windows]
    )
    order = np.argsort(keys, kind="stable")
    return Places(keys[order], np.repeat(at_work, len(splits), axis=1)[:, order])
