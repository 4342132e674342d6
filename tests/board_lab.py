"""What the board's tests share: a program with one rule of every kind, and panes made of plain observations."""

from collections.abc import Iterable
from typing import Any, Literal, Self

import yaml

from kpi_rules.loader import load
from kpi_rules.model import Rule
from kpi_rules.organisation import Organisation
from kpi_rules.rulebook import Rulebook
from streams.calculus.panes import Deltas, Groups, Observation
from streams.calculus.program import Program
from streams.calculus.windows import Grid
from streams.runtime.ledger import Ledger
from streams.runtime.ledger_values import Batch, Source, VersionWrites
from streams.runtime.script import Client
from tests.ledger_lab import make_live

MINUTE_MS, DAY_MS = 60_000, 24 * 3_600_000
NOON = 1_772_366_400_000
"""2026-03-01T12:00:00Z"""

FUNDED: dict[str, Any] = {"anchor": "loan.funded"}
DECIDED: dict[str, Any] = {"anchor": "application.decided"}
MEASURES: dict[str, dict[str, Any]] = {
    "count": {"kind": "count", "anchor": "review.posted"},
    "count_by_severity": {"kind": "count", "anchor": "violation.recorded", "split": "severity"},
    "revenue": {"kind": "sum", **FUNDED, "amount": "revenue_minor", "split": "currency"},
    "rating": {"kind": "mean", "anchor": "knowledge.tested", "points": "score", "scale": 100},
    "approval": {"kind": "ratio", **DECIDED, "numerator": {"where": {"outcome": "approved"}}, "scale": 3},
    "turnaround": {"kind": "duration", **DECIDED, "since": "application.submitted", "clock": "calendar"},
    "conversion": {"kind": "conversion", "opening": "training.assigned", "success": "training.completed", "due": "due_at"},
    "clients": {"kind": "distinct", **FUNDED},
    "average": {"kind": "per_client", **FUNDED, "amount": "amount_minor", "split": "currency"},
    "growth": {"kind": "growth", **FUNDED, "amount": "amount_minor", "split": "currency"},
    "productivity": {"kind": "per_head", **DECIDED},
    "risk": {
        "kind": "level",
        "of": "loan.book",
        "split": "currency",
        "part": {"where": {"days_past_due": {"at_least": 30}}, "amount": "outstanding_minor"},
        "whole": {"amount": "outstanding_minor"},
    },
    "defaults": {"kind": "ratio", "anchor": "loan.default", "stock": {"of": "loan.book"}},
}  # fmt: skip
STAFF = ("productivity", "count_by_severity", "conversion", "rating")
UNITS = {"revenue": "amount_minor", "average": "amount_minor", "turnaround": "seconds", "rating": "score"}
TARGETS: dict[str, dict[str, Any]] = {
    "turnaround": {"at_most": "4 hours", "warning_at": "3 hours"},
    "approval": {"at_least": 0.2, "at_most": 0.3},
    "rating": {"at_least": 0.5, "warning_at": 0.6},
}


def rule(name: str, **more: Any) -> Rule:
    """A rule of MEASURES; its unit is `count` for what counts, else a ratio."""
    counts = MEASURES[name]["kind"] in ("count", "distinct")
    said = {
        "id": name, "wording": f"The {name}", "says": f"What {name} is.", "by": "staff" if name in STAFF else "lending",
        "unit": UNITS.get(name, "count" if counts else "ratio"), "measure": MEASURES[name], "target": TARGETS.get(name),
    }  # fmt: skip
    return Rule.model_validate(said | more)


def program(*rules: Rule, system_users: Iterable[str] = ("robot",), tz: str = "UTC") -> Program:
    """A program of some rules, by default one of each kind."""
    organisation = Organisation(tz=tz, system_users=frozenset(system_users))
    return Program(rules or [rule(name) for name in MEASURES], organisation)


def rulebook_of(of: Program) -> Rulebook:
    """A program's rules and organisation as files would say them."""
    rules = [rule.model_dump(mode="json", by_alias=True, exclude_defaults=True) for rule in of.rules]
    text = yaml.safe_dump({"kra": "lab", "title": "Lab", "rules": rules})
    return Rulebook((load("lab.yaml", text),), of.organisation)


def index_of(of: Program, name: str, part: Literal["flow", "stock"] = "flow") -> int:
    """The number of a rule's measure; a level has only a stock."""
    found = {measure.part: measure.index for measure in of.measures if measure.rule.id == name}
    return found.get(part, found.get("stock", -1))


def group(
    officer: str, branch: str = "north", product: str = "car", channel: str = "web", split: str = ""
) -> str:
    return "\x1f".join((officer, branch, product, channel, split))


def panes_of(
    observations: Iterable[tuple[Observation, int]], grid: Grid, groups: Groups
) -> list[tuple[str, bytes]]:
    """The rows that observations make, each with its sign, one by one: panes come several times."""
    logs: list[tuple[str, bytes]] = []
    for observation, sign in observations:
        deltas = Deltas(grid, groups)
        deltas.add([observation], sign)
        logs += deltas.encoded().items()
    return logs


class Writer:
    """Stands for a worker: owns one ledger and commits observations to it."""

    def __init__(
        self, redis: Client, namespace: str, of: Program, grid: Grid, topic: str, partition: int = 0
    ) -> None:
        self.ledger = Ledger(redis, namespace, topic, partition)
        self.version = f"{of.digest}.1"
        self.owner = f"owner-{topic}-{partition}"
        self._grid = grid
        self._groups = Groups()
        self._position = 0

    async def open(self, partitions: int = 1, version: str | None = None) -> Self:
        """Acquire the ledger and give it an empty live version."""
        await self.ledger.acquire(self.owner, Source("cluster", f"id-{self.ledger.keys.topic}", partitions))
        await self.flip(version or self.version)
        return self

    async def flip(self, version: str) -> None:
        """Another, empty version goes live."""
        await self.ledger.begin_version(self.owner, version)
        await make_live(self.ledger, self.owner, version)
        self.version, self._groups = version, Groups()

    async def commit(
        self, observations: Iterable[tuple[Observation, int]], through_ms: int = NOON, **counts: int
    ) -> None:
        """One batch; all its observations are in when it is done, so it is complete through `through_ms`."""
        deltas = Deltas(self._grid, self._groups)
        for observation, sign in observations:
            deltas.add([observation], sign)
        writes = VersionWrites(self.version, {}, deltas.encoded(), self._groups.known, self._groups.fresh)
        position = self._position
        await self.ledger.commit(
            self.owner, Batch(position, position + 1, position, 0, through_ms, {}, writes, counts)
        )
        self._position += 1
        self._groups.keep()

    async def tick(self, through_ms: int | None, state: str = "live") -> None:
        await self.ledger.tick(self.owner, self._position, through_ms, state)
