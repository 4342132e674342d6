"""An alerting rule with its proof, and a recording rule, before they are written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.alert import Severity

PREFIX = "LoanPulse"
KEPT_SECONDS = 300.0
"""Figures that are gone for so long, as after a restart, resolve nothing: an alert about a loss of data comes first."""


@dataclass(frozen=True)
class Token:
    """A word of an annotation that is known only when the alert fires, written `<name>` there.

    `shown` is what the proof sees in its place.
    """

    template: str
    shown: str


@dataclass(frozen=True)
class Rising:
    """A sample that is the time at which it is taken, less so many seconds."""

    behind_seconds: int = 0


@dataclass(frozen=True)
class Frozen:
    """A sample that once was Rising, and stays what it was last."""

    behind_seconds: int = 0


Level = float | Rising | Frozen | None
"""A series in one part of a proof: its value, or None where it is absent."""


@dataclass(frozen=True)
class Seen:
    """A series in the three parts of a proof: before, while all is not well, afterwards."""

    series: str
    before: Level
    meanwhile: Level
    after: Level


@dataclass(frozen=True)
class Proof:
    """What shows that an alert fires, when, with which labels, and that it resolves.

    Lengths are minutes: `before` all is well; `onset` passes until the expression holds, `settle` until it no longer does.
    """

    seen: tuple[Seen, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    """Those that the series bring along."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """Tokens that read otherwise than usual."""
    before: int = 5
    onset: int = 0
    settle: int = 0


@dataclass(frozen=True)
class Alert:
    """One alerting rule. Lengths are seconds at pace 1."""

    name: str
    expr: str
    held_seconds: float
    severity: Severity
    means: str
    """For the table of the documentation: one sentence."""
    proofs: tuple[Proof, ...]
    annotations: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, Token] = field(default_factory=dict)
    kept_seconds: float = 0.0
    """How long it goes on firing when its expression no longer holds."""
    quiet: tuple[tuple[Seen, ...], ...] = ()
    """Series with which it must not fire, however near that is."""

    def templates(self) -> dict[str, str]:
        """The annotations as Prometheus fills them in."""
        filling = {name: token.template for name, token in self.tokens.items()}
        return {name: _filled(_literal(text), filling) for name, text in self.annotations.items()}

    def shown(self, proof: Proof) -> dict[str, str]:
        """The annotations as they read in a proof."""
        filling = {name: proof.shown.get(name, token.shown) for name, token in self.tokens.items()}
        return {name: _filled(text, filling) for name, text in self.annotations.items()}


@dataclass(frozen=True)
class Recording:
    """A recording rule, named level:metric:operations."""

    name: str
    expr: str


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together, recordings first: an alert sees what its own evaluation recorded."""

    name: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...]


def _filled(text: str, filling: Mapping[str, str]) -> str:
    for name, put in filling.items():
        text = text.replace(f"<{name}>", put)
    return text


def _literal(text: str) -> str:
    """A rule's own words are no template."""
    return text.replace("{{", '{{ "{{" }}')
