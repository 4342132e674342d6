"""What the crash tests tell the engine, and what a recount makes of it."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from loanpulse.intake.sources import Raw, raw_of
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.rulebook import compile_program
from tests.engine import MemoryLedger, organisation_document, program_of_recount
from tests.oracle import streams as nasty
from tests.oracle.facts import time_ms
from tests.oracle.recount import recount

Event = dict[str, Any]

_LATE_SPRING = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Story:
    """Events in their order of arrival, and the recount's settings; so many broken records come among them."""

    events: Sequence[Event]
    chosen: dict[str, Any]
    broken: int = 0

    @cached_property
    def as_of_ms(self) -> int:
        """The last event's time, so that every event counts."""
        return max(time_ms(event["time"]) for event in self.events)

    @cached_property
    def records(self) -> list[Raw]:
        records = [raw_of(json.dumps(event).encode()) for event in self.events]
        rng = random.Random(self.broken)
        for at in sorted(rng.sample(range(len(records)), self.broken), reverse=True):
            records.insert(at, broken(records[at]))
        return records

    def fates(self) -> dict[str, int]:
        """What must become of the records, counted by outcome, whatever crashes: their order decides."""
        program = program_of_recount(self.chosen)
        ledger = MemoryLedger(program, Grid.as_of(self.as_of_ms, program.zone))
        ledger.apply(self.events)
        counted = {fate.value: number for fate, number in ledger.fates.items()}
        return {"applied": 0, "duplicate": 0, "expired": 0, "dead_letter": self.broken} | counted

    def recounted(self, **changes: Any) -> list[Event]:
        """The rows that the board must have; `changes` are other settings."""
        return recount(self.events, self.as_of_ms, **{**self.chosen, **changes})

    def organisation(self) -> dict[str, Any]:
        """The settings as an organisation's file has them."""
        return organisation_document(self.chosen)

    def program(self, config: Path, rules: Path | None = None) -> Program:
        return compile_program(rules, config, self.chosen["zone"])


def broken(record: Raw) -> Raw:
    """A record that was cut off on its way."""
    return record._replace(value=record.value[:-20])


def nasty_story(
    seed: int, cases: int, *, repeated: int = 0, broken: int = 0, zone: str = "Europe/Amsterdam"
) -> Story:
    """A story with every trap of the contracts; `repeated` of its events come twice."""
    events = nasty.generate(seed, cases, tz=zone, nastiness=1.0)
    return Story([*events, *events[:repeated]], nasty.settings(seed, zone), broken)


def crowded_story(customers: int) -> Story:
    """Every event is another customer's loan, another officer's and in another minute: nothing can be added up."""
    events = [
        {
            "specversion": "1.0",
            "source": "crowd",
            "id": f"{number}",
            "type": "loan.funded",
            "time": (_LATE_SPRING + timedelta(minutes=number)).isoformat(),
            "subject": f"loan-{number}",
            "data": {
                "customer_id": f"c{number}",
                "officer_id": f"o{number}",
                "product": "home",
                "amount_minor": 1_000_000 + number,
                "currency": "EUR",
            },
        }
        for number in range(customers)
    ]
    return Story(events, nasty.settings(1, "UTC"))
