"""Whether a message may be told now: silences first, then opening hours. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from loanpulse.dispatch.hours import Hours
from loanpulse.dispatch.incident import Message, Terms
from loanpulse.dispatch.silence import Silence


class Told(NamedTuple):
    """Let it be told."""


class Held(NamedTuple):
    """Let it wait until then; `why` is `silenced` or `held`."""

    until_ms: int
    why: str


class Dropped(NamedTuple):
    """Let it not be told."""


class Diverted(NamedTuple):
    """Let another receiver be told."""

    receiver: str


Verdict = Told | Held | Dropped | Diverted


class Gate(NamedTuple):
    """What counts at one instant: the silences that are in force, and who is open."""

    silences: Sequence[Silence]
    hours: Hours
    now_ms: int

    def verdict(self, terms: Terms, message: Message) -> Verdict:
        """An incident's end is never dropped or diverted: it is told to whom its beginning was."""
        if message.kind == "again":
            return Told()
        ends = [silence.end_ms for silence in self.silences if silence.covers(message.event.data)]
        if ends:
            return Held(max(ends), "silenced")
        opening = self.now_ms
        if terms.hours == "business":
            opening = self.hours.opening(message.event.data.branch, self.now_ms)
        if opening <= self.now_ms:
            return Told()
        if terms.outside == "hold" or message.resolves:
            return Held(opening, "held")
        return Dropped() if terms.outside == "drop" else Diverted(terms.outside)
