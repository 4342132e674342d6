"""Looks at a ledger's open cases when they are due, and writes down what is told of them."""

import msgspec

from schemas.alert import encode_alert
from streams.calculus.case import decode_case
from streams.calculus.incidents import Incident, Teller
from streams.calculus.program import Program
from streams.calculus.watches import Watch
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Told
from streams.runtime.pane_version import kpi_and_case
from streams.runtime.programs import Programs
from streams.runtime.settings import Settings

BEHIND_MS = 60_000
"""A partition that is a little behind for so long is not catching up any more."""
AT_ONCE = 100
MOST_LOOKS = 1_000
"""At one step: a batch waits meanwhile, about a tenth of a second."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Incident).decode


class Watcher:
    """One ledger's alerts, in the hands of its owner.

    Invariants:
        nothing_is_told_of_a_case_whose_answer_is_in_the_backlog
        a_holiday_added_while_a_case_is_open_moves_its_due_time
    """

    def __init__(self, ledger: Ledger, owner: str, settings: Settings) -> None:
        self._ledger, self._owner = ledger, owner
        self._source, self._link_base = f"loanpulse/{settings.namespace}", settings.link_base.rstrip("/")
        self._grace_ms = settings.alert_grace_seconds * 1000
        self._stale_ms = settings.stale_seconds * 1000
        self._behind_since: int | None = None
        self._seen: tuple[str, Program] | None = None

    def instant(self, now_ms: int, through_ms: int | None, *, caught_up: bool) -> int | None:
        """As of when open cases are known to be open: now, if all is read; None while a backlog may hold their answers.

        Who is behind all the time, but not by so much that figures are hidden, has what it can do: as of what it has read.
        """
        if caught_up:
            self._behind_since = None
            return now_ms
        if self._behind_since is None:
            self._behind_since = now_ms
        if (
            now_ms - self._behind_since < BEHIND_MS
            or through_ms is None
            or now_ms - through_ms > self._stale_ms
        ):
            return None
        return through_ms

    async def step(self, version: str, programs: Programs, at_ms: int) -> int:
        """Look at what is due at an instant, by the live version; how many cases that was."""
        teller = Teller(programs.live, self._source, programs.kras, self._link_base, self._grace_ms)
        watches = {watch.rule.id: watch for watch in teller.program.watches}
        if self._seen != (version, teller.program):
            await self._look_again_at_all(version)
            self._seen = version, teller.program
        looked = 0
        while looked < MOST_LOOKS:
            names = await self._ledger.due(version, at_ms, AT_ONCE)
            if names:
                await self._look(version, teller, watches, names, at_ms)
            looked += len(names)
            if len(names) < AT_ONCE:
                break
        return looked

    async def _look_again_at_all(self, version: str) -> None:
        """Other rules may see what was told with other eyes; and what came between the last owner and this one, too."""
        names = await self._ledger.told()
        for start in range(0, len(names), AT_ONCE):
            some = [Told(name, 0, None) for name in names[start : start + AT_ONCE]]
            await self._ledger.tell(self._owner, version, some)

    async def _look(
        self, version: str, teller: Teller, watches: dict[str, Watch], names: list[bytes], at_ms: int
    ) -> None:
        parsed = [kpi_and_case(name) for name in names]
        stored = await self._ledger.incidents(names, [case for _, case in parsed])
        looks = []
        for name, (kpi, _), (told, blob) in zip(names, parsed, stored, strict=True):
            before = None if told is None else _decode(told)
            case = None if blob is None else decode_case(blob)
            look = teller.look(name, watches.get(kpi), case, before, at_ms)
            after = (
                None if look.incident == before else b"" if look.incident is None else _encode(look.incident)
            )
            looks.append(Told(name, look.again_at, after, [encode_alert(event) for event in look.events]))
        await self._ledger.tell(self._owner, version, looks)
