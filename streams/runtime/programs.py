"""The programs that a worker counts by: the rules in force, and beside them those to come or those before."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from kpi_rules.rulebook import Rulebook, kras_of
from streams.calculus.program import Program
from streams.runtime.in_force import RulesInForce, Standing
from streams.runtime.rulebook import program_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Programs:
    """`beside` is kept up beside the live panes; None where nothing is, or it would count the same. `kras` are the areas of
    the live rules."""

    live: Program
    beside: Program | None = None
    kras: Mapping[str, str] = field(default_factory=dict)


class FollowedRules:
    """The programs as the rules in force say, compiled once each; begins with a rulebook where there are none yet."""

    def __init__(self, rules: RulesInForce, begin: Rulebook) -> None:
        self._rules, self._begin = rules, begin
        self._standing: Standing | None = None
        self._compiled: dict[str, tuple[Program, Mapping[str, str]]] = {}
        self.current: Programs

    async def refresh(self, now_ms: int) -> Programs:
        """The programs as they are now; raises Redis' errors and RuleError."""
        standing = await self._rules.begun_with(self._begin, now_ms)
        if (
            self._standing is None
            and standing.live is not None
            and standing.live.digest != self._begin.digest
        ):
            log.warning(
                "the rules in force are not those of this worker's files: "
                "`loanpulse rules deploy` would put these in force"
            )
        if standing != self._standing:
            self.current = await self._programs(standing)
            self._standing = standing
        return self.current

    async def _programs(self, standing: Standing) -> Programs:
        assert standing.live is not None  # begun above
        live, kras = await self._program(standing.live.digest)
        other = standing.next or standing.previous
        beside = None if other is None else (await self._program(other.digest))[0]
        self._compiled = {name: found for name, found in self._compiled.items() if name in standing.digests}
        return Programs(live, beside if beside is not None and beside.digest != live.digest else None, kras)

    async def _program(self, digest: str) -> tuple[Program, Mapping[str, str]]:
        """Compiled, and the areas of its rules."""
        found = self._compiled.get(digest)
        if found is None:
            book = await self._rules.book(digest)
            found = self._compiled[digest] = await asyncio.to_thread(program_of, book), kras_of(book.areas)
        return found
