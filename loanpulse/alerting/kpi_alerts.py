"""Decides about KPI alerts at each tick of the board, and keeps what it decided in Redis, where another board finds it."""

import logging
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from loanpulse.alerting.decision import AlertClock, Decided, Standing, can_decide, decide
from loanpulse.alerting.events import Place
from loanpulse.alerting.figures import Name, Rows, figures, rows_of
from loanpulse.board.lease import BoardScript, Lease
from loanpulse.board.snapshot import Block, Meta
from loanpulse.serve.book import Book
from schemas.alert import encode_alert
from streams.runtime.keys import NamespaceKeys
from streams.runtime.script import Argument, Client
from streams.runtime.settings import Settings

MOST_WAITING = 10_000
"""Messages that may wait, some 10 MB: years of KPI alerts for a namespace without Kafka. Then nothing is decided until
some are published: what is off target by then is told then, so that none is lost."""
_CLOCK = b"clock"
_DECIDE = BoardScript("decide")

log = logging.getLogger(__name__)


class _Kept(NamedTuple):
    """What is stored; `stored` are the bytes of the clock, b"" before there is one."""

    stored: bytes
    clock: AlertClock
    standings: Mapping[Name, Standing]


class KpiAlerts:
    """The alerts of one board's process.

    Invariants:
        a_decision_and_its_message_are_never_apart
        only_the_holder_of_the_lease_decides
        another_board_goes_on_where_the_holder_was
    """

    def __init__(
        self, settings: Settings, redis: Client, lease: Lease, most_waiting: int = MOST_WAITING
    ) -> None:
        self._settings, self._redis, self._lease = settings, redis, lease
        self._keys = NamespaceKeys(settings.namespace)
        self._most_waiting = most_waiting
        self._rows: dict[str, Rows] = {}
        self._kept: _Kept | None = None
        self._is_full = False

    def take(self, blocks: Mapping[str, Block]) -> None:
        """Blocks that are others now."""
        self._rows.update((kpi, rows_of(block)) for kpi, block in blocks.items())

    def forget(self) -> None:
        """The figures are another process', or other rules'."""
        self._rows.clear()
        self._kept = None

    async def step(self, book: Book, meta: Meta) -> None:
        """Decide about the figures that were taken, if they are whole. Raises Redis' errors, and ValueError for what
        another version has stored."""
        stale_ms = self._settings.stale_seconds * 1000
        if not can_decide(meta, stale_ms):
            return
        kept, self._kept = (
            self._kept or await self._read(),
            None,
        )  # after an error what is stored is not known
        clock = kept.clock.at(meta.as_of_ms, stale_ms)
        found = figures(book, self._rows, meta.as_of_ms, kept.standings)
        place = Place(f"loanpulse/{self._settings.namespace}", meta.rules, self._settings.link_base)
        decided = decide(kept.standings, found, clock, place)
        if kept.standings or decided.changed:
            self._kept = await self._keep(kept, clock, decided)
        else:
            self._kept = kept  # nothing is measured by the clock

    async def _read(self) -> _Kept:
        fields = await self._redis.execute_command("HGETALL", self._keys.board_alerts)
        stored = fields.pop(_CLOCK, b"")
        try:
            clock = _CLOCK_DECODER.decode(stored) if stored else AlertClock()
            standings = {
                Name(*name.decode().split("/", 2)): _DECODER.decode(text) for name, text in fields.items()
            }
        except msgspec.DecodeError as error:
            raise ValueError(
                f"{self._keys.board_alerts} cannot be read; run one version of LoanPulse: {error}"
            ) from None
        return _Kept(stored, clock, standings)

    async def _keep(self, kept: _Kept, clock: AlertClock, decided: Decided) -> _Kept | None:
        """What is stored now; None if that has to be read anew."""
        stored = msgspec.json.encode(clock)
        lasting = {name: standing for name, standing in decided.changed.items() if standing is not None}
        ended = ["/".join(name) for name, standing in decided.changed.items() if standing is None]
        pairs: list[Argument] = []
        for name, standing in lasting.items():
            pairs += ("/".join(name), msgspec.json.encode(standing))
        arguments = [kept.stored, stored, self._most_waiting, len(pairs), len(ended), *pairs, *ended]
        keys = [self._keys.board_alerts, self._keys.board_outbox]
        reply = await self._lease.run(_DECIDE, keys, [*arguments, *map(encode_alert, decided.events)])
        self._say_full(reply.word == "FULL")
        if reply.word == "FULL":
            return kept
        if reply.word != "DECIDED":
            return None
        for event in decided.events:
            log.info("%s of %s: %s", event.type, event.subject, event.data.alert)
        standings = {
            name: standing for name, standing in kept.standings.items() if name not in decided.changed
        }
        return _Kept(stored, clock, standings | lasting)

    def _say_full(self, is_full: bool) -> None:
        if is_full and not self._is_full:
            log.error(
                "%s alerts wait to be published: until some are, nothing is decided: see LOANPULSE_KAFKA and the topic %s",
                self._most_waiting,
                self._settings.alerts,
            )
        self._is_full = is_full


_CLOCK_DECODER = msgspec.json.Decoder(AlertClock)
_DECODER = msgspec.json.Decoder(Standing)
